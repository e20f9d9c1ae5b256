// rollcall snapshot: the state in a file, so that a start or a question folds only what came after.
#include "cli/commands.h"
#include "cli/output.h"
#include "replay/time_text.h"
#include "store/log/snapshot.h"
#include "store/log/state_digest.h"

#include <fmt/format.h>

#include <algorithm>

namespace rollcall::cli {
namespace {

using store::SnapshotInfo;

boost::json::object row_of(const SnapshotInfo& info) {
  return {{"seq", info.seq},         {"at", replay::rfc3339(info.at)},
          {"users", info.users},     {"bytes", info.bytes},
          {"reducer", info.reducer}, {"digest", store::hex(info.digest)}};
}

const std::vector<std::string> kColumns{"seq", "at", "users", "bytes", "reducer", "digest"};

/// Those with the seq that is named; all where none is.
std::vector<SnapshotInfo> chosen(const Context& context, const std::string& seq) {
  auto all = store::list_snapshots(context.layout());
  if (seq.empty()) return all;
  std::erase_if(all, [&](const SnapshotInfo& i) { return fmt::format("{}", i.seq) != seq; });
  if (all.empty())
    throw store::Failure({store::Errc::NotFound, fmt::format("there is no snapshot at {}", seq)});
  return all;
}

}  // namespace

void add_snapshot(Command& root) {
  struct Options {
    std::string seq;
    std::uint64_t keep = store::kSnapshotsKept;
    bool all = false;
  };
  auto o = std::make_shared<Options>();
  Command snapshot =
      root.command("snapshot", "the state in files, from which a start or a question goes on");

  Command create = snapshot.command("create", "write the state at the log's end");
  create.option("--keep", o->keep, "how many stay, the newest (default: 3)", a_number(1));
  create.rows(kColumns);
  create.examples("  rollcall snapshot create");
  create.run_here_or_there([o](Context& context) {
    const auto log = store::Log::open(context.layout(), store::Log::Mode::Read).value();
    ProgressBar bar(context, "folding");
    const auto made =
        store::make_snapshot(context.layout(), *log, static_cast<std::size_t>(o->keep),
                             [&](std::uint64_t done, std::uint64_t all) { bar.update(done, all); })
            .value();
    Rows rows(context, kColumns);
    rows.add(row_of(made));
    rows.finish();
    return 0;
  });

  Command list = snapshot.command("list", "those there are, newest first");
  list.rows(kColumns);
  list.examples("  rollcall snapshot list");
  list.run_here_or_there([](Context& context) {
    Rows rows(context, kColumns);
    for (const auto& info : store::list_snapshots(context.layout())) rows.add(row_of(info));
    rows.finish();
    return 0;
  });

  Command verify = snapshot.command("verify", "fold the log itself and compare");
  verify.optional_positional("SEQ", o->seq, "only that one", a_number());
  verify.examples("  rollcall snapshot verify");
  verify.run_here_or_there([o](Context& context) {
    const auto log = store::Log::open(context.layout(), store::Log::Mode::Read).value();
    auto all = chosen(context, o->seq);
    std::reverse(all.begin(), all.end());
    ProgressBar bar(context, "folding");
    store::Fold fold;
    int code = 0;
    for (const auto& info : all) {
      const auto kept = store::read_snapshot(info, *log);
      std::string verdict = "ok";
      if (kept) {
        fold.advance(*log, info.seq,
                     [&](const engine::Header& h, auto, auto, auto) {
                       if (h.seq % 65'536 == 0) bar.update(h.seq, all.back().seq);
                     })
            .value();
        const bool same = store::digest_of(fold.state) == info.digest &&
                          store::digest_of(kept->fold.state) == info.digest;
        if (!same) verdict = "DIVERGED: the log gives another state";
        if (!same) code = store::exit_code(store::Errc::Diverged);
      } else {
        verdict = kept.error().detail;
        if (code == 0) code = store::exit_code(kept.error().code);
      }
      fmt::print("{:>20}  {}\n", info.seq, printable(verdict));
    }
    return code;
  });

  Command remove = snapshot.command("rm", "remove one, or all: the log has it all");
  remove.optional_positional("SEQ", o->seq, "which", a_number());
  remove.flag("--all", o->all, "every one");
  remove.check([o](const Context&) {
    if (o->seq.empty() != o->all) usage_error("say which: its SEQ, or --all");
  });
  remove.examples("  rollcall snapshot rm --all");
  remove.run_here_or_there([o](Context& context) {
    for (const auto& info : chosen(context, o->seq)) {
      std::filesystem::remove(info.path);
      fmt::print("{}\n", info.seq);
    }
    return 0;
  });
}

}  // namespace rollcall::cli
