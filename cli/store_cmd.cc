// rollcall store: make one, and say what is in it. rollcall policy is beside it: what the store
// asks for.
#include "cli/commands.h"
#include "cli/output.h"
#include "cli/remote.h"
#include "cli/writing.h"
#include "replay/attendance.h"
#include "replay/read_log.h"
#include "replay/reader.h"
#include "replay/time_text.h"
#include "store/log/event_clock.h"
#include "store/writer.h"

#include <boost/json.hpp>
#include <fmt/format.h>

#include <cstdio>

namespace rollcall::cli {

void add_store(Command& root) {
  Command store = root.command("store", "make a store, or say what is in it");

  auto origin = std::make_shared<std::string>();
  Command init = store.command("init", "make an empty store with its keys");
  init.option("--origin", *origin,
              "the log's name in proofs, like example.com/presence (default: made up)",
              a_key_name());
  init.examples("  rollcall store init --origin rollcall.example/log1");
  init.run([origin](Context& context) {
    const auto writer = store::Writer::create(context.layout(), *origin).value();
    const auto keys = store::trusted_keys(context.layout()).value();
    fmt::print("{}\n", keys.front().vkey());
    return 0;
  });

  Command info = store.command("info", "size, users, last event, last signed checkpoint");
  info.rows({"origin", "events", "users", "erased", "last_at", "signed"});
  info.examples("  rollcall store info");
  info.run_here_or_there([](Context& context) {
    const auto reader = replay::Reader::open(context.layout()).value();
    const auto newest = store::newest_checkpoint(reader.log(), context.layout()).value();
    const auto last = reader.last() == 0 ? std::optional<engine::Header>{}
                                         : reader.log().header(reader.last()).value();
    Rows rows(context, {"origin", "events", "users", "erased", "last_at", "signed"});
    boost::json::object row{{"origin", reader.log().origin()}, {"events", reader.last()}};
    row["users"] = reader.vault() != nullptr ? reader.vault()->users() - 1 : 0;
    row["erased"] = reader.vault() != nullptr ? reader.vault()->erased().size() : 0;
    row["last_at"] = last ? replay::rfc3339(last->at) : "";
    row["signed"] = newest.newest ? newest.newest->checkpoint.size : 0;
    rows.add(std::move(row));
    rows.finish();
    return 0;
  });

  Command gaps = store.command("gaps", "when nobody watched: from the last word to the next start");
  gaps.rows({"seq", "from", "to", "length"});
  gaps.examples("  rollcall store gaps");
  gaps.run_here_or_there([](Context& context) {
    const auto reader = replay::Reader::open(context.layout()).value();
    Rows rows(context, {"seq", "from", "to", "length"});
    for (const auto& gap : replay::coverage_gaps(reader).value())
      rows.add({{"seq", gap.seq},
                {"from", replay::rfc3339(gap.from)},
                {"to", replay::rfc3339(gap.to)},
                {"length", replay::short_duration(gap.to - gap.from)}});
    rows.finish();
    return 0;
  });

  Command reads = store.command("reads", "whether every read of personal data needs a --reason");
  auto setting = std::make_shared<std::string>();
  reads.optional_positional("SETTING", *setting,
                            "reason (every read is logged) or free; without it, shown",
                            one_of({"reason", "free"}));
  reads.examples("  rollcall store reads reason\n  rollcall --reason 'incident 7' audit -u ada");
  reads.run([setting](Context& context) {
    const bool there = !context.url.empty();
    if (there && setting->empty()) {
      const bool needed = ask(context, "/v1/log").at("reads_need_reason").as_bool();
      fmt::print("{}\n", needed ? "reason" : "free");
      return 0;
    }
    if (setting->empty()) {
      const auto log = store::Log::open(context.layout(), store::Log::Mode::Read).value();
      fmt::print("{}\n", replay::reads_need_reason(*log).value() ? "reason" : "free");
      return 0;
    }
    if (there) {
      (void)call(context, "/v1/reads", {{"need_reason", *setting == "reason"}});
      return 0;
    }
    const auto writer = open_writer(context);
    replay::set_reads_need_reason(*writer, *setting == "reason", store::wall_now()).value();
    return 0;
  });
}

}  // namespace rollcall::cli
