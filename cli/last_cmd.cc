// rollcall last: sessions, newest first: who was here from when to when, and how it ended.
#include "cli/commands.h"
#include "cli/moment.h"
#include "cli/output.h"
#include "cli/pager.h"
#include "cli/people.h"
#include "cli/reading.h"
#include "replay/stays.h"

#include <fmt/format.h>

#include <algorithm>
#include <limits>

namespace rollcall::cli {
void add_last(Command& root) {
  struct Options {
    People people;
    std::string since, until, at_least;
    std::optional<std::uint64_t> n;
    bool open = false;
  };
  auto o = std::make_shared<Options>();
  Command command = root.command("last", "sessions, newest first");
  o->people.declare_words(command, "only these");
  command.option("-S,--since", o->since, "that ended after this moment", a_moment());
  command.option("-U,--until", o->until, "that began before this moment", a_moment());
  command.option("-n,--lines", o->n, "at most so many");
  command.option("--min", o->at_least, "at least so long, like 10min", a_duration());
  command.flag("--open", o->open, "only those still open");
  command.rows({"user", "from", "to", "length", "end", "login", "logout", "number"});
  command.check([o](const Context&) { check_range(o->since, o->until); });
  command.examples("  rollcall last ada -n 2\n  rollcall last -S yesterday --min 1h");
  command.run_here_or_there([o](Context& context) {
    const auto reader = open_read(context, o->people, "last");
    const auto found_people = o->people.find(reader);
    const std::set<engine::UserNumber> wanted(found_people.begin(), found_people.end());
    const engine::Seq from = o->since.empty() ? 0 : last_before(reader, o->since) + 1;
    const engine::Seq upto = o->until.empty() ? reader.last() : last_before(reader, o->until);
    const engine::Micros least =
        o->at_least.empty() ? 0 : replay::parse_duration(o->at_least).value();
    const auto now = reader.last() == 0
                         ? engine::Header{}
                         : reader.log().header(reader.last()).value().value_or(engine::Header{});
    auto found = replay::stays(reader.log(), reader.last()).value();
    std::reverse(found.begin(), found.end());
    const Pager pager(context);
    Rows rows(context, {"user", "from", "to", "length", "end", "login", "logout"});
    std::uint64_t shown = 0;
    for (const auto& stay : found) {
      if (!wanted.empty() && !wanted.contains(stay.user)) continue;
      if (stay.login > upto || (stay.logout != 0 && stay.logout < from) ||
          (o->open && stay.logout != 0))
        continue;
      const engine::Micros length = (stay.logout != 0 ? stay.to : now.at) - stay.from;
      if (length < least) continue;
      if (o->n && shown++ == *o->n) break;
      const bool machine = machine_output(context);
      const auto moment = [&](engine::Micros t) {
        return machine ? replay::rfc3339(t) : replay::short_time(t);
      };
      boost::json::object row{{"user", reader.user_text(stay.user)},
                              {"number", stay.user},
                              {"from", moment(stay.from)},
                              {"to", stay.logout != 0 ? moment(stay.to) : "still here"}};
      row["length"] = machine ? boost::json::value(static_cast<double>(length) / 1e6)
                              : boost::json::value(replay::short_duration(length));
      row["end"] = stay.logout != 0 ? engine::name_of(stay.end) : "";
      row["login"] = stay.login;
      row["logout"] =
          stay.logout != 0 ? boost::json::value(stay.logout) : boost::json::value(nullptr);
      rows.add(std::move(row));
    }
    rows.finish();
    return 0;
  });
}

}  // namespace rollcall::cli
