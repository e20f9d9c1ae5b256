// What proof costs: the tree in the append, full verification, one receipt, one erasure.
//
// rollcall_bench append             durable append with the tree against without, same run
// rollcall_bench store DIR N USERS  makes a store of N events with texts
// rollcall_bench verify DIR         verify --full: headers and tree, then bodies (events/s a core)
// rollcall_bench proof DIR          a receipt for a random event, inside the process
// rollcall_bench forget DIR EVENTS  a user with that many events is written, then forgotten
// rollcall_bench replay DIR         replay and whatif beside their floors (replay_bench.cc)
// rollcall_bench report DIR [N USERS]  hours by user and day (report_bench.cc); makes the store
// rollcall_bench vault DIR PROGRAM  a question about one person (vault_bench.cc)
//
// Bounds expected: a leaf and a node of SHA-256 cost about 0.22 µs an event together, so headers
// and tree cannot exceed 4.5 M events/s; a body costs two HMACs, one decryption and one digest.
#include "benchmarks/replay_bench.h"
#include "benchmarks/report_bench.h"
#include "benchmarks/vault_bench.h"
#include "replay/receipt.h"
#include "replay/verify.h"
#include "store/forget.h"
#include "store/open_store.h"
#include "store/writer.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstring>
#include <random>

using namespace rollcall;

namespace {

using Clock = std::chrono::steady_clock;

double seconds_since(Clock::time_point start) {
  return std::chrono::duration<double>(Clock::now() - start).count();
}

double median(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  return values[values.size() / 2];
}

store::Layout layout_in(const std::filesystem::path& directory) {
  return store::locate(directory, "main").value();
}

/// The whole append, as a writer does it: enrolled user, sealed body, sequenced, hashed, synced.
double write_events(const std::filesystem::path& directory, std::size_t groups, std::size_t group,
                    store::WithTree tree) {
  const auto writer = store::Writer::create(layout_in(directory), "rollcall.bench/log").value();
  std::mt19937_64 rng{5};
  engine::Micros at = 1'700'000'000'000'000;
  const auto start = Clock::now();
  for (std::size_t g = 0; g < groups; ++g) {
    for (std::size_t i = 0; i < group; ++i) {
      store::Proposal p;
      p.kind = engine::Kind::Activity;
      p.user = fmt::format("user-{}", rng() % 1000);
      p.action = "message.posted";
      p.body.description =
          fmt::format("the update number {} needs another look, I think", rng() % 100'000);
      writer->stage(p, ++at).value();
    }
    writer->commit(store::Durable::Yes, tree).value();
  }
  return static_cast<double>(groups * group) / seconds_since(start);
}

/// Commits of sealed events as the sequencer hands them to the log.
std::vector<store::Commit> commits(std::size_t groups, std::size_t group, store::Vault& vault) {
  store::Sealer sealer(vault, "main");
  std::mt19937_64 rng{7};
  std::vector<store::Commit> out;
  engine::Seq seq = 0;
  for (std::size_t g = 0; g < groups; ++g) {
    store::Commit commit;
    for (std::size_t i = 0; i < group; ++i) {
      engine::Body body;
      body.description =
          fmt::format("the update number {} needs another look, I think", rng() % 100'000);
      const auto sealed = sealer.seal(0, engine::Kind::Activity, body).value();
      engine::Header h;
      h.kind = engine::Kind::Activity;
      h.seq = ++seq;
      h.at = static_cast<engine::Micros>(seq);
      h.prev = seq - 1;
      h.digest = sealed.digest;
      h.body_len = sealed.body_len;
      h.epoch = sealed.epoch;
      h.flags = sealed.flags;
      commit.headers.push_back(h);
      commit.bodies.emplace_back(seq, sealed.bytes);
    }
    out.push_back(std::move(commit));
  }
  return out;
}

int bench_append() {
  const std::filesystem::path root =
      std::filesystem::temp_directory_path() / fmt::format("rollcall-bench-{}", ::getpid());
  auto vault = store::Vault::create(root / "vault", "main").value();
  fmt::print(
      "durable append (every commit synced), median of 5, events/s\n\nthe whole append: names, "
      "sealing, sequencing, tree, commit\n");
  fmt::print("{:>16} {:>12} {:>12} {:>8}\n", "events a commit", "with tree", "without", "ratio");
  for (const std::size_t group :
       {std::size_t{1}, std::size_t{16}, std::size_t{256}, std::size_t{1792}}) {
    const std::size_t groups = group == 1 ? 1000 : group == 16 ? 1000 : group == 256 ? 300 : 80;
    std::vector<double> with, without, ratios;
    for (int round = 0; round < 5; ++round) {
      with.push_back(write_events(root / fmt::format("w{}-{}", group, round), groups, group,
                                  store::WithTree::Yes));
      without.push_back(write_events(root / fmt::format("o{}-{}", group, round), groups, group,
                                     store::WithTree::No));
      ratios.push_back(with.back() / without.back());
      std::filesystem::remove_all(root / fmt::format("w{}-{}", group, round));
      std::filesystem::remove_all(root / fmt::format("o{}-{}", group, round));
    }
    fmt::print("{:>16} {:>12.0f} {:>12.0f} {:>8.3f}\n", group, median(with), median(without),
               median(ratios));
  }
  fmt::print("\nthe log alone: sealed and sequenced before\n");
  fmt::print("{:>16} {:>12} {:>12} {:>8}\n", "events a commit", "with tree", "without", "ratio");
  for (const std::size_t group :
       {std::size_t{1}, std::size_t{16}, std::size_t{256}, std::size_t{1792}}) {
    const std::size_t groups = group == 1 ? 2000 : group == 16 ? 1500 : group == 256 ? 600 : 150;
    const auto work = commits(groups, group, vault);
    std::vector<double> with, without, ratios;
    for (int round = 0; round < 5; ++round) {
      double took[2] = {0, 0};
      for (int which = 0; which < 2; ++which) {
        const auto layout = layout_in(root / fmt::format("{}-{}-{}", group, round, which));
        auto log = store::Log::create(layout, "bench").value();
        const auto start = Clock::now();
        for (const auto& commit : work)
          log->append(commit, store::Durable::Yes,
                      which == 0 ? store::WithTree::Yes : store::WithTree::No)
              .value();
        took[which] = seconds_since(start);
        log.reset();
        std::filesystem::remove_all(layout.app_dir);
      }
      const double events = static_cast<double>(groups * group);
      with.push_back(events / took[0]);
      without.push_back(events / took[1]);
      ratios.push_back(took[1] / took[0]);
    }
    fmt::print("{:>16} {:>12.0f} {:>12.0f} {:>8.3f}\n", group, median(with), median(without),
               median(ratios));
  }
  std::filesystem::remove_all(root);
  return 0;
}

int make_store(const std::string& directory, std::uint64_t events, std::uint64_t users) {
  const auto writer = store::Writer::create(layout_in(directory), "rollcall.bench/log").value();
  std::mt19937_64 rng{11};
  engine::Micros at = 1'700'000'000'000'000;
  const auto start = Clock::now();
  for (std::uint64_t i = 0; writer->state().seq < events; ++i) {
    at += 1000;
    store::Proposal p;
    p.kind = engine::Kind::Activity;
    p.user = fmt::format("user-{}", rng() % users);
    p.action = "message.posted";
    p.body.description =
        fmt::format("the update number {} needs another look, I think", rng() % 100'000);
    writer->stage(p, at).value();
    if (i % 1000 == 999) writer->commit(store::Durable::No).value();
  }
  writer->commit().value();
  writer->sign(at).value();
  fmt::print("{} events in {:.1f} s\n", writer->log().last(), seconds_since(start));
  return 0;
}

int bench_verify(const std::string& directory) {
  std::vector<double> tree, bodies;
  std::uint64_t events = 0, opened = 0;
  for (int round = 0; round < 5; ++round) {
    replay::VerifyOptions options;
    options.full = true;
    const auto report = replay::verify_store(layout_in(directory), options);
    if (report.verdict() != replay::Verdict::Verified) {
      fmt::print("not verified: {}\n", report.findings.front().text);
      return 1;
    }
    events = report.size;
    opened = report.bodies_opened;
    tree.push_back(static_cast<double>(report.size) / report.seconds_tree);
    bodies.push_back(static_cast<double>(report.bodies_opened) / report.seconds_bodies);
  }
  fmt::print(
      "verify --full, {} events, one core, median of 5\n  headers and tree  {:>12.0f} events/s\n  "
      "bodies opened     {:>12.0f} events/s ({} bodies)\n",
      events, median(tree), median(bodies), opened);
  return 0;
}

int bench_proof(const std::string& directory) {
  const auto reader = replay::Reader::open(layout_in(directory)).value();
  const auto newest =
      store::newest_checkpoint(reader.log(), reader.layout()).value().newest.value();
  std::mt19937_64 rng{3};
  std::vector<double> micros;
  for (int i = 0; i < 1000; ++i) {
    const auto seq = 1 + rng() % newest.checkpoint.size;
    const auto start = Clock::now();
    const auto receipt = replay::receipt_for(reader, seq, newest).value();
    micros.push_back(seconds_since(start) * 1e6);
    const auto keys = store::trusted_keys(reader.layout()).value();
    store::verify_tlog_proof(receipt, receipt.extra, keys).value();
  }
  std::sort(micros.begin(), micros.end());
  fmt::print(
      "proof SEQ, {} events, 1,000 random events, inside the process\n  p50 {:.0f} µs   p99 {:.0f} "
      "µs   most {:.0f} µs\n",
      newest.checkpoint.size, micros[500], micros[990], micros.back());
  return 0;
}

int bench_forget(const std::string& directory, std::uint64_t events) {
  const auto writer = store::open_store(layout_in(directory)).value();
  std::vector<double> took;
  for (int round = 0; round < 5; ++round) {
    const std::string name = fmt::format("victim-{}-{}", writer->log().last(), round);
    for (std::uint64_t i = 0; i < events; ++i) {
      store::Proposal p;
      p.kind = engine::Kind::Activity;
      p.user = name;
      p.action = "message.posted";
      p.body.description = fmt::format("text {}", i);
      writer->stage(p, writer->state().at + 1).value();
      if (i % 1000 == 999) writer->commit(store::Durable::No).value();
    }
    writer->commit().value();
    const auto start = Clock::now();
    const auto plan = store::plan_forget(*writer, *writer->vault().number_of(name));
    const auto done =
        store::forget(*writer, plan, {"bench", "", false}, writer->state().at).value();
    took.push_back(seconds_since(start));
    if (plan.events < events || done.erased_seq == 0) return 1;
  }
  fmt::print(
      "forget of a user with {} events in a log of {}, {} users: plan, erasure, receipt; median of "
      "5\n  {:.0f} ms\n",
      events, writer->log().last(), writer->vault().users(), median(took) * 1e3);
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  if (std::strcmp(ROLLCALL_BUILD_TYPE, "Debug") == 0) {
    fmt::print(stderr, "rollcall_bench: built for debugging; build the release preset\n");
    return 2;
  }
  const std::vector<std::string> args(argv + 1, argv + argc);
  try {
    if (args.size() == 1 && args[0] == "append") return bench_append();
    if (args.size() == 4 && args[0] == "store")
      return make_store(args[1], std::stoull(args[2]), std::stoull(args[3]));
    if (args.size() == 2 && args[0] == "verify") return bench_verify(args[1]);
    if (args.size() == 2 && args[0] == "proof") return bench_proof(args[1]);
    if (args.size() == 3 && args[0] == "vault") return bench::vault(argv[0], args[1], args[2]);
    if (args.size() == 2 && args[0] == "replay") return bench::replay(args[1]);
    if ((args.size() == 2 || args.size() == 4) && args[0] == "report")
      return bench::report(args[1], args.size() == 2 ? 10'000'000 : std::stoull(args[2]),
                           args.size() == 2 ? 1'000'000 : std::stoull(args[3]));
    if (args.size() == 2 && args[0] == "floor") return bench::floor(args[1]);
    if (args.size() == 3 && args[0] == "forget") return bench_forget(args[1], std::stoull(args[2]));
  } catch (const std::exception& e) {
    fmt::print(stderr, "rollcall_bench: {}\n", e.what());
    return 1;
  }
  fmt::print(stderr,
             "usage: rollcall_bench append | store DIR EVENTS USERS | verify DIR | proof DIR | "
             "forget DIR EVENTS | replay DIR | report DIR [N USERS] | vault DIR PROGRAM\n");
  return 2;
}
