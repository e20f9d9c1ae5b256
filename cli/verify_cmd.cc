// rollcall verify: the store, a bundle, a receipt, or two checkpoints.
#include "cli/ask.h"
#include "cli/columns.h"
#include "cli/commands.h"
#include "replay/bundle.h"
#include "replay/event_proof.h"
#include "replay/question/verify.h"
#include "store/bytes/files.h"
#include "store/tlog/tlog_proof.h"

#include <boost/json.hpp>
#include <fmt/format.h>

#include <array>
#include <cstdio>

namespace rollcall::cli {
namespace {

using replay::Verdict;
using store::Errc;
using store::Failure;

struct Options {
  bool quick = false, full = false, replay = false, strict = false, no_bodies = false;
  std::string checkpoint, policy, key, file, older, newer, entry;
};

int code_of(Verdict verdict) {
  switch (verdict) {
    case Verdict::Verified:
      return 0;
    case Verdict::Tampered:
      return 20;
    case Verdict::Incomplete:
      return 21;
    case Verdict::Diverged:
      return 22;
  }
  return 1;
}

using Report = replay::VerifyQuestion::Summary;

void print_json(const Report& r) {
  boost::json::object out{
      {"verdict", r.verdict},   {"origin", r.origin},           {"key", r.key},
      {"size", r.size},         {"signed_size", r.signed_size}, {"bodies_opened", r.bodies_opened},
      {"shredded", r.shredded}, {"dropped", r.dropped}};
  out["checks"] = replay::write_value(r.checks);
  out["findings"] = replay::write_value(r.findings);
  fmt::print("{}\n", boost::json::serialize(out));
}

void print_findings(const Report& r) {
  std::uint64_t first = 0, last = 0;
  std::size_t named = 0;
  for (const auto& f : r.findings) {
    if (f.seq == 0) continue;
    if (first == 0) first = f.seq;
    last = std::max(last, f.last);
    ++named;
  }
  for (const auto& f : r.findings) fmt::print("{:<10} {}\n", f.verdict, printable(f.text));
  if (r.findings_more > 0) fmt::print("           … and {} more\n", r.findings_more);
  if (first == 0) return;
  fmt::print("           first bad {}, last bad {}, {} named.", first, last, named);
  const auto neighbour = [&](std::uint64_t seq) {
    if (seq == 0 || seq > r.size) return std::string("end of the log");
    for (const auto& f : r.findings)
      if (seq >= f.seq && seq <= f.last) return fmt::format("{} is bad, too", seq);
    return fmt::format("{} verifies", seq);
  };
  if (named <= 2) fmt::print("  Neighbours: {}, {}.", neighbour(first - 1), neighbour(last + 1));
  fmt::print("  `rollcall show {}`\n", first);
}

int verify_whole(Context& context, const Options& o) {
  replay::VerifyQuestion q;
  if (o.full) q.full = true;
  if (o.replay) q.replay = true;
  if (o.strict) q.strict = true;
  if (o.no_bodies) q.bodies = false;
  if (!o.checkpoint.empty()) q.checkpoint = store::read_file(o.checkpoint).value();
  if (!o.policy.empty()) q.policy = store::read_file(o.policy).value();
  const Report report = ask(context, q);
  const auto verdict = replay::verdict_named(report.verdict);
  const int code = verdict ? code_of(*verdict) : 1;
  if (machine_output(context)) {
    print_json(report);
    return code;
  }
  if (!report.origin.empty())
    fmt::print("log        {}   size {}   key {}\n", printable(report.origin), report.size,
               report.key);
  for (const auto& c : report.checks) {
    if (context.quiet && c.ok) continue;
    fmt::print("{:<22} {} {:<4} {}\n", printable(c.check), padded(printable(c.subject), 28),
               c.ok ? "ok" : "--", printable(c.detail));
  }
  print_findings(report);
  fmt::print("{}\n", report.verdict);
  return code;
}

std::vector<store::note::Verifier> keys_for(Context& context, const Options& o) {
  if (!o.key.empty()) return {store::note::Verifier::parse(o.key).value()};
  if (!o.policy.empty())
    return store::parse_policy_file(store::read_file(o.policy).value()).value().log_keys();
  return store::trusted_keys(context.layout()).value();
}

}  // namespace

void add_verify(Command& root) {
  auto o = std::make_shared<Options>();
  Command verify = root.command("verify", "prove that nobody rewrote the history");
  Command whole = verify.command("store", "the whole store (also what plain `verify` does)");
  const auto whole_options = [&](Command& c) {
    c.flag("--quick", o->quick, "signatures and signed roots only (the default)");
    c.flag("--full", o->full, "hash every header, rebuild the tree, open every body");
    c.flag("--replay", o->replay, "fold the history and compare with the logged state digests");
    c.flag("--strict", o->strict, "an unsigned tail is incomplete");
    c.flag("--no-bodies", o->no_bodies, "leave bodies closed");
    c.option("--checkpoint", o->checkpoint, "a checkpoint you kept: the log must extend it",
             a_word());
    c.option("--policy", o->policy, "a C2SP policy file: keys to believe, witnesses' quorum",
             a_word());
    c.check([o](const Context&) {
      if (o->quick && o->full) usage_error("--quick or --full, one of them");
    });
  };
  whole_options(verify);
  whole_options(whole);
  verify.examples(
      "  rollcall verify --full --replay\n  rollcall verify --checkpoint kept-in-january.txt\n"
      "  rollcall verify bundle ada.tar\n  rollcall verify proof event-412.tlog-proof\n  rollcall "
      "verify between old.txt new.txt");
  const auto run_whole = [o](Context& context) { return verify_whole(context, *o); };
  verify.run_default(run_whole);
  whole.run(run_whole);

  Command bundle =
      verify.command("bundle", "a bundle made by export, needing nothing but the bundle");
  bundle.positional("PATH", o->file, "its folder or .tar");
  bundle.option(
      "--key", o->key,
      "the log's verifier key, from somewhere you trust (default: the bundle's own, said)");
  bundle.option("--policy", o->policy, "a policy file you trust");
  bundle.examples("  rollcall verify bundle ada.tar --key rollcall.example/log1+42b02609+AQOh…");
  bundle.run([o](Context& context) {
    std::optional<store::PolicyFile> trusted;
    if (!o->policy.empty()) {
      trusted = store::parse_policy_file(store::read_file(o->policy).value()).value();
    } else if (!o->key.empty()) {
      trusted.emplace();
      trusted->logs.push_back({store::note::Verifier::parse(o->key).value(), ""});
    }
    const auto report = replay::verify_bundle(o->file, trusted).value();
    for (const auto& line : report.lines) fmt::print("{}\n", printable(line));
    if (!trusted && !context.quiet)
      fmt::print("key        the bundle's own: compare it with one you got elsewhere\n");
    fmt::print("VERIFIED\n");
    return 0;
  });

  Command proof = verify.command("proof", "a receipt (tlog-proof), or an answer with its proof");
  proof.positional("FILE", o->file, "the .tlog-proof, or what `show SEQ --proof -o json` printed");
  proof.option("--entry", o->entry, "the entry's bytes (default: the receipt's extra line)");
  proof.option("--key", o->key, "the log's verifier key (default: this store's)");
  proof.option("--policy", o->policy, "a policy file");
  proof.examples(
      "  rollcall verify proof event-412.tlog-proof --key rollcall.example/log1+42b02609+AQOh…");
  proof.run([o](Context& context) {
    const std::string text = store::read_file(o->file).value();
    const auto keys = keys_for(context, *o);
    replay::EventVerdict verdict;
    if (text.starts_with('{')) {
      if (!o->entry.empty())
        throw Failure(
            {Errc::BadInput, "an answer as JSON carries its entry: --entry is for receipts"});
      verdict = replay::verify_answer(text, keys).value();
    } else {
      const auto receipt = store::parse_tlog_proof(text).value();
      store::Bytes leaf = receipt.extra;
      if (!o->entry.empty()) {
        const std::string bytes = store::read_file(o->entry).value();
        leaf.assign(bytes.begin(), bytes.end());
      }
      if (leaf.empty())
        throw Failure(
            {Errc::Incomplete, "the receipt does not carry its entry: give it with --entry"});
      verdict = replay::verify_receipt(receipt, leaf, keys).value();
    }
    if (!o->policy.empty()) {
      const auto quorum =
          store::parse_policy_file(store::read_file(o->policy).value()).value().judge(verdict.note);
      if (!quorum.met)
        throw Failure({Errc::Incomplete, "the policy's quorum of witnesses is not met"});
    }
    fmt::print("event {} is in {} at size {}\n", verdict.seq, printable(verdict.checkpoint.origin),
               verdict.checkpoint.size);
    for (const auto& line : verdict.proven.lines(verdict.seq)) fmt::print("{}\n", printable(line));
    for (const auto& what : verdict.proven.not_covered())
      fmt::print("{:<14} {}\n", "not signed", printable(what));
    fmt::print("VERIFIED\n");
    return 0;
  });

  Command between = verify.command("between", "that a newer checkpoint extends an older one");
  between.positional("OLD", o->older, "a checkpoint file");
  between.positional("NEW", o->newer, "a checkpoint file");
  between.option("--key", o->key, "the log's verifier key (default: this store's)");
  between.examples("  rollcall verify between january.txt february.txt");
  between.run([o](Context& context) {
    const auto keys = keys_for(context, *o);
    std::array<store::note::Checkpoint, 2> points;
    for (std::size_t i = 0; i < 2; ++i) {
      const auto note =
          store::note::parse(store::read_file(i == 0 ? o->older : o->newer).value()).value();
      store::note::open(note, keys).value();
      points[i] = store::note::parse_checkpoint(note.text).value();
    }
    if (points[0].origin != points[1].origin)
      throw Failure({Errc::Tampered, "the checkpoints are of two logs"});
    if (points[0].size > points[1].size)
      usage_error(fmt::format(
          "the first is newer: {} is of size {}, {} of size {}. Give the older one first", o->older,
          points[0].size, o->newer, points[1].size));
    const auto reader = replay::Reader::open(context.layout()).value();
    if (points[1].size > reader.last())
      throw Failure({Errc::Incomplete, "the log here is shorter than the newer checkpoint"});
    const auto path =
        store::merkle::consistency_proof(points[0].size, points[1].size, reader.log().nodes())
            .value();
    if (!store::merkle::verify_consistency(points[0].size, points[1].size, path, points[0].root,
                                           points[1].root)) {
      throw Failure({Errc::Tampered, fmt::format("a fork: no proof joins size {} and size {}",
                                                 points[0].size, points[1].size)});
    }
    fmt::print("size {} extends size {}\n", points[1].size, points[0].size);
    for (const auto& hash : path) fmt::print("{}\n", store::base64(hash));
    fmt::print("VERIFIED\n");
    return 0;
  });
}

}  // namespace rollcall::cli
