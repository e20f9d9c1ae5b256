// rollcall hold: what must not be forgotten or dropped.
#include "cli/ask.h"
#include "cli/commands.h"
#include "cli/confirm.h"
#include "cli/people.h"
#include "cli/remote.h"
#include "cli/writing.h"
#include "replay/question/store.h"
#include "store/govern.h"
#include "store/log/event_clock.h"

#include <boost/json.hpp>
#include <fmt/format.h>

namespace rollcall::cli {
namespace {

int change(Context& context, engine::Kind kind, const Person& person) {
  if (!context.url.empty()) {
    boost::json::object body = request_of(person);
    if (!context.reason.empty()) body["reason"] = context.reason;
    if (!context.ticket.empty()) body["ticket"] = context.ticket;
    const auto done =
        call(context, kind == engine::Kind::HoldSet ? "/v1/hold" : "/v1/hold/release", body);
    fmt::print("#{}\n", done.at("seq").to_number<std::uint64_t>());
    return 0;
  }
  const auto writer = open_writer(context);
  const auto written = store::change_hold(*writer, kind, person.whom(), context.reason,
                                          context.ticket, store::wall_now())
                           .value();
  fmt::print("#{}\n", written.seq);
  return 0;
}

}  // namespace

void add_hold(Command& root) {
  struct Options {
    Person person;
    bool yes = false;
  };
  auto o = std::make_shared<Options>();
  Command hold = root.command("hold", "forbid forgetting and dropping, for a user");
  Command add = hold.command("add", "from now on, forget and retention leave the user alone");
  o->person.declare(add, "the user's name");
  add.examples("  rollcall --reason 'case 12/26' hold add ada");
  add.run_writing(
      [o](Context& context) { return change(context, engine::Kind::HoldSet, o->person); });
  Command release = hold.command("release", "end a hold");
  o->person.declare(release, "the user's name");
  release.flag("--yes", o->yes, "do not ask");
  release.examples("  rollcall --reason 'case closed' hold release ada --yes");
  release.run_writing([o](Context& context) {
    fmt::print(
        stderr,
        "Plan: end the hold on {}; it can be forgotten and its texts dropped from then on.\n",
        o->person.number ? fmt::format("user #{}", *o->person.number) : printable(o->person.name));
    confirm(o->person.number ? "the user's number" : "the user", o->person.typed(), o->yes);
    return change(context, engine::Kind::HoldReleased, o->person);
  });
  Command list = hold.command("list", "the holds there are");
  list.rows({"user", "number", "since", "seq", "reason", "ticket"});
  list.examples("  rollcall hold list");
  list.run([](Context& context) {
    Rows rows(context, {"user", "since", "seq", "reason", "ticket"});
    ask(context, replay::HoldsQuestion{}, [&](const replay::HoldsQuestion::Row& row) {
      rows.add(replay::write_value(row).as_object());
      return true;
    });
    rows.finish();
    return 0;
  });
}

}  // namespace rollcall::cli
