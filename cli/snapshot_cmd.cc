// rollcall snapshot: the state in a file, so that a start or a question folds only what came after.
#include "cli/ask.h"
#include "cli/commands.h"
#include "replay/question/copies.h"

#include <boost/json.hpp>
#include <fmt/format.h>

namespace rollcall::cli {
namespace {

const std::vector<std::string> kColumns{"seq", "at", "users", "bytes", "reducer", "digest"};

template <class Q>
int print_snapshots(Context& context, const Q& q) {
  Rows rows(context, kColumns);
  ask(context, q, [&](const replay::SnapshotRow& r) {
    rows.add(replay::write_value(r).as_object());
    return true;
  });
  rows.finish();
  return 0;
}

}  // namespace

void add_snapshot(Command& root) {
  struct Options {
    replay::SnapshotCreation creation;
    replay::SnapshotVerification verification;
    replay::SnapshotRemoval removal;
  };
  auto o = std::make_shared<Options>();
  Command snapshot =
      root.command("snapshot", "the state in files, from which a start or a question goes on");

  Command create = snapshot.command("create", "write the state at the log's end");
  create.option("--keep", o->creation.keep, "how many stay, the newest (default: 3)", a_number(1));
  create.rows(kColumns);
  create.examples("  rollcall snapshot create");
  create.run([o](Context& context) { return print_snapshots(context, o->creation); });

  Command list = snapshot.command("list", "those there are, newest first");
  list.rows(kColumns);
  list.examples("  rollcall snapshot list");
  list.run([](Context& context) { return print_snapshots(context, replay::SnapshotsQuestion{}); });

  Command verify = snapshot.command("verify", "fold the log itself and compare");
  verify.option("SEQ", o->verification.seq, "only that one", a_number());
  verify.examples("  rollcall snapshot verify");
  verify.run([o](Context& context) {
    const auto done = ask(context, o->verification, [](const replay::SnapshotVerification::Row& r) {
      fmt::print("{:>20}  {}\n", r.seq, printable(r.fault.value_or("ok")));
      return true;
    });
    return static_cast<int>(done.exit);
  });

  Command remove = snapshot.command("rm", "remove one, or all: the log has it all");
  remove.option("SEQ", o->removal.seq, "which", a_number());
  remove.flag("--all", o->removal.all, "every one");
  remove.check([o](const Context&) {
    if (o->removal.seq.has_value() == o->removal.all.has_value())
      usage_error("say which: its SEQ, or --all");
  });
  remove.examples("  rollcall snapshot rm --all");
  remove.run([o](Context& context) {
    ask(context, o->removal, [](const replay::SnapshotRemoval::Row& r) {
      fmt::print("{}\n", r.seq);
      return true;
    });
    return 0;
  });
}

}  // namespace rollcall::cli
