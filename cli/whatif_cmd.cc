// rollcall whatif: history under another policy, beside what happened.
#include "cli/ask.h"
#include "cli/commands.h"
#include "cli/report_picture.h"
#include "replay/policy_setting.h"
#include "replay/question/whatif.h"

#include <boost/json.hpp>
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

namespace rollcall::cli {
namespace {

using replay::WhatIfQuestion;
namespace json = boost::json;

json::object object_of(const WhatIfQuestion::Summary& s,
                       const std::vector<WhatIfQuestion::Row>& people) {
  json::object all = replay::write_value(s).as_object(), policy, transitions;
  for (const char* name : {"idle_after_s", "ttl_s", "grace_clean_s", "grace_abort_s",
                           "grace_node_s", "grace_drain_s", "sessions_max"}) {
    policy[name] = all.contains(name) ? all.at(name) : json::value("off");
    all.erase(name);
  }
  for (const auto& edge : s.transitions)
    transitions[edge.from + "->" + edge.to] = {{"actual", edge.actual}, {"what_if", edge.what_if}};
  all["transitions"] = std::move(transitions);
  all["users"] = replay::write_value(people);
  all["policy"] = std::move(policy);
  return all;
}

/// Hours, two bars each: of everybody, and of those for whom it would have been different.
Picture picture_of(const WhatIfQuestion::Summary& s,
                   const std::vector<WhatIfQuestion::Row>& people) {
  const auto hours = [](replay::Seconds length) {
    return static_cast<double>(length.length) / 3.6e9;
  };
  Bars bars;
  const auto add = [&](const std::string& who, const auto& online, const auto& away) {
    bars.bars.push_back({who + ", actual", hours(online.actual), hours(away.actual), 0});
    bars.bars.push_back({who + ", what-if", hours(online.what_if), hours(away.what_if), 0});
  };
  if (people.size() != 1) add("everybody", s.online_s, s.away_s);
  for (const auto& person : people) add(person.user, person.online_s, person.away_s);
  Picture out;
  out.title = "Hours online and away: actual, and what if";
  out.description = fmt::format(
      "{:.2f} hours online actually, {:.2f} under the other policy; {:.2f} and {:.2f} away; {} "
      "people are different",
      hours(s.online_s.actual), hours(s.online_s.what_if), hours(s.away_s.actual),
      hours(s.away_s.what_if), people.size());
  out.what = std::move(bars);
  return out;
}

void print_table(const WhatIfQuestion::Summary& s, const std::vector<WhatIfQuestion::Row>& people) {
  const auto line = [](const std::string& what, const std::string& actual,
                       const std::string& what_if) {
    fmt::print("{:<28} {:>14} {:>14}\n", what, actual, what_if);
  };
  const auto hours = [](replay::Seconds length) {
    return fmt::format("{:.3f}", static_cast<double>(length.length) / 3.6e9);
  };
  line("", "actual", "what-if");
  for (const auto& edge : s.transitions)
    line(edge.from + " -> " + edge.to, fmt::format("{}", edge.actual),
         fmt::format("{}", edge.what_if));
  line("hours online", hours(s.online_s.actual), hours(s.online_s.what_if));
  line("hours away", hours(s.away_s.actual), hours(s.away_s.what_if));
  line("most online at once", fmt::format("{}", s.peak.actual), fmt::format("{}", s.peak.what_if));
  if (s.away_at)
    line("away at the moment", fmt::format("{}", s.away_at->actual),
         fmt::format("{}", s.away_at->what_if));
  if (!s.only_away.empty()) {
    constexpr std::size_t kShown = 12;
    const auto shown = std::min(kShown, s.only_away.size());
    std::vector<std::string> names;
    for (std::size_t i = 0; i < shown; ++i) names.push_back(printable(s.only_away[i]));
    fmt::print("  + {}{}\n", fmt::join(names, ", "), shown < s.only_away.size() ? ", …" : "");
  }
  fmt::print("timers' conclusions: {} the same, {} only in history, {} only in what-if\n", s.same,
             s.actual_only, s.what_if_only);
  fmt::print("{} {} different\n", people.size(), people.size() == 1 ? "person is" : "people are");
}

}  // namespace

void add_whatif(Command& root) {
  auto q = std::make_shared<WhatIfQuestion>();
  Command command = root.command("whatif", "history under another policy; nothing is written");
  command.option("--set", q->set,
                 "NAME=VALUE: idle_after, ttl (or off), grace_clean, grace_abort, grace_node, "
                 "grace_drain, sessions_max");
  command.option("--without", q->without, "as if this user had done nothing", a_word());
  command.option("--lose-node", q->lose_node, "as if this node had died at --at", a_number(1));
  command.option("--at", q->at, "who would have been away at this moment", a_moment());
  command.option("--from", q->from, "from this moment on (default: the log's begin)", a_moment());
  command.option("--to", q->to, "before this moment (default: the log's end)", a_moment());
  command.formats({"short", "json", "svg"});
  command.check([q](const Context&) {
    engine::Policy tried;
    for (const auto& setting : q->set)
      if (const auto set = replay::set_policy(tried, setting); !set)
        usage_error("--set: " + set.error().detail);
    if (q->lose_node && !q->at) usage_error("--lose-node needs --at: when it is lost");
    if (q->at && q->set.empty() && !q->without && !q->lose_node)
      usage_error("say what is to be different: --set, --without or --lose-node");
  });
  command.examples(
      "  rollcall whatif --set idle_after=120s --from 'today 08:00' --at 'today 10:00'\n"
      "  rollcall whatif --set grace_abort=0s -o json\n"
      "  rollcall whatif --set idle_after=60s -o svg > whatif.svg\n"
      "  rollcall whatif            (nothing changed: every conclusion comes out the same)");
  command.run([q](Context& context) {
    std::vector<WhatIfQuestion::Row> people;
    const auto summary = ask(context, *q, [&](const WhatIfQuestion::Row& row) {
      people.push_back(row);
      return true;
    });
    if (summary.coarse && !context.quiet)
      fmt::print(stderr,
                 "rollcall: signs of life are logged once a minute: with idle_after below 120 s "
                 "somebody may have been active for up to 60 s longer than this says\n");
    if (context.output == "json")
      fmt::print("{}\n", json_text(object_of(summary, people)));
    else if (context.output == "svg")
      fmt::print("{}", svg_of(picture_of(summary, people)));
    else
      print_table(summary, people);
    return 0;
  });
}

}  // namespace rollcall::cli
