// rollcall store: make one, and say what is in it. rollcall policy is beside it: what the store
// asks for.
#include "cli/ask.h"
#include "cli/commands.h"
#include "cli/remote.h"
#include "cli/writing.h"
#include "replay/question/store.h"
#include "replay/read_log.h"
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
  info.run([](Context& context) {
    const auto found = ask(context, replay::StoreQuestion{});
    Rows rows(context, {"origin", "events", "users", "erased", "last_at", "signed"});
    rows.add({{"origin", found.origin},
              {"events", found.events},
              {"users", found.users},
              {"erased", found.erased},
              {"last_at", found.last_at ? replay::rfc3339(found.last_at->at) : ""},
              {"signed", found.signed_size}});
    rows.finish();
    return 0;
  });

  Command gaps = store.command("gaps", "when nobody watched: from the last word to the next start");
  gaps.rows({"seq", "from", "to", "length"});
  gaps.examples("  rollcall store gaps");
  gaps.run([](Context& context) {
    Rows rows(context, {"seq", "from", "to", "length"});
    ask(context, replay::GapsQuestion{}, [&](const replay::GapsQuestion::Row& gap) {
      rows.add({{"seq", gap.seq},
                {"from", replay::rfc3339(gap.from.at)},
                {"to", replay::rfc3339(gap.to.at)},
                {"length", replay::short_duration(gap.seconds.length)}});
      return true;
    });
    rows.finish();
    return 0;
  });

  Command reads = store.command("reads", "whether every read of personal data needs a --reason");
  auto setting = std::make_shared<std::string>();
  reads.optional_positional("SETTING", *setting,
                            "reason (every read is logged) or free; without it, shown",
                            one_of({"reason", "free"}));
  reads.examples("  rollcall store reads reason\n  rollcall --reason 'incident 7' audit -u ada");
  reads.run_writing([setting](Context& context) {
    const bool there = !context.url.empty();
    if (there && setting->empty()) {
      const bool needed = get(context, "/v1/log").at("reads_need_reason").as_bool();
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
