// Both folders are opened here: nothing of them leaves this machine.
#include "cli/diff_stores.h"

#include "cli/event_rows.h"
#include "cli/two_logs.h"
#include "replay/question/presence.h"

#include <boost/json.hpp>
#include <fmt/format.h>

namespace rollcall::cli {
namespace {

namespace json = boost::json;

struct Ends {
  engine::State end_a, end_b;
  std::optional<replay::StatesDiffer> differ;
};

engine::State end_of(const LogSide& side) {
  return replay::state_at(*side.reader(), side.reader()->last()).value().state;
}

std::string name_in(const LogSide& side, const engine::State& state, replay::UserNumber n) {
  return n < state.users.size() ? side.reader()->user_text(n) : std::string();
}

/// As diff --at says it: from A's end to B's.
json::object row_of(const LogSide& a, const LogSide& b, const Ends& ends, replay::UserNumber n) {
  const auto user = [&](const engine::State& state) {
    const engine::User* found = state.find(n);
    return found == nullptr ? engine::User{} : *found;
  };
  const engine::User of_a = user(ends.end_a), of_b = user(ends.end_b);
  const std::string name_a = name_in(a, ends.end_a, n), name_b = name_in(b, ends.end_b, n);
  json::object out{{"user", name_a.empty() ? name_b : name_a}, {"number", n}};
  if (!name_a.empty() && !name_b.empty() && name_a != name_b) out["user_b"] = name_b;
  out["from"] = engine::name_of(of_a.state);
  out["to"] = engine::name_of(of_b.state);
  if (of_a.since != 0) out["since_a"] = replay::rfc3339(of_a.since);
  if (of_b.since != 0) out["since_b"] = replay::rfc3339(of_b.since);
  return out;
}

json::object side_object(const LogSide& side) {
  json::object out{{"store", side.name()}, {"origin", side.log().origin}};
  out["events"] = side.log().events;
  const auto end = replay::as_of(*side.reader(), "", 0, replay::Watched::ToItsEnd).value();
  if (end.ends != 0) {
    out["log_begins"] = replay::rfc3339(end.begins);
    out["log_ends"] = replay::rfc3339(end.ends);
  }
  out["root"] = side.log().root ? json::value(*side.log().root) : json::value(nullptr);
  return out;
}

json::object page_object(std::uint32_t page) {
  return {{"page", page},
          {"first", page * engine::kUsersPerPage},
          {"last", (page + 1) * engine::kUsersPerPage - 1}};
}

json::object object_of(LogSide& a, LogSide& b, const Compared& compared, const Ends& ends,
                       std::size_t shown) {
  json::object out{{"a", side_object(a)}, {"b", side_object(b)}};
  out["how"] = replay::name_of(compared.parted.how);
  out["same_events"] = compared.parted.common;
  if (compared.first) {
    const auto& first = *compared.first;
    json::object difference{{"seq", first.of_a.header.seq}, {"a", machine_row("json", first.of_a)}};
    difference["b"] = machine_row("json", first.of_b);
    if (first.rule_a != nullptr) difference["rule_a"] = first.rule_a->number;
    if (first.rule_b != nullptr) difference["rule_b"] = first.rule_b->number;
    out["first_difference"] = std::move(difference);
  } else {
    out["first_difference"] = nullptr;
  }
  out["first_page"] = ends.differ ? json::value(page_object(ends.differ->page)) : nullptr;
  out["users_differ"] = ends.differ ? ends.differ->users.size() : 0;
  json::array users;
  for (std::size_t i = 0; i < shown; ++i)
    users.push_back(row_of(a, b, ends, ends.differ->users[i]));
  out["users"] = std::move(users);
  return out;
}

void print_for_people(const Context& context, LogSide& a, LogSide& b, const Compared& compared,
                      const Ends& ends, std::size_t shown) {
  for (const auto& [letter, side] : {std::pair{'A', &a}, std::pair{'B', &b}})
    fmt::print("{}  {}   {}   {} events\n", letter, printable(side->name()), side->log().origin,
               side->log().events);
  if (a.log().origin != b.log().origin)
    fmt::print("they are logs of two origins, like a log and what was restored from its backup\n");
  if (compared.first) fmt::print("PARTED     seq {}\n", compared.first->of_a.header.seq);
  print_first(stdout, compared, "A", "B");
  fmt::print("{}\n", relation_of(compared, a, b, "A", "B"));
  if (!ends.differ) {
    fmt::print("at their ends everybody is in the same state\n");
    return;
  }
  fmt::print(
      "at their ends the records of {} users differ; page {} (users {} to {}) is the first\n",
      ends.differ->users.size(), ends.differ->page, ends.differ->page * engine::kUsersPerPage,
      (ends.differ->page + 1) * engine::kUsersPerPage - 1);
  Rows rows(context, {"user", "number", "from", "to", "since_a", "since_b"});
  for (std::size_t i = 0; i < shown; ++i) {
    auto row = row_of(a, b, ends, ends.differ->users[i]);
    for (const char* since : {"since_a", "since_b"})
      if (auto* text = row.if_contains(since))
        *text = replay::short_time(replay::parse_rfc3339(text->get_string()).value());
    rows.add(std::move(row));
  }
  rows.finish();
  if (shown < ends.differ->users.size())
    fmt::print("… and {} more: -n N shows more\n", ends.differ->users.size() - shown);
}

}  // namespace

int diff_stores(const Context& context, const std::string& a, const std::string& b,
                std::optional<std::uint64_t> most) {
  LogSide first(context, a, "diff of two stores"), second(context, b, "diff of two stores");
  const Compared compared = compare(first, second);
  Ends ends{end_of(first), end_of(second), {}};
  ends.differ = replay::where_states_differ(ends.end_a, ends.end_b);
  const bool machine = machine_output(context);
  constexpr std::uint64_t kUsual = 20;  // a screen
  const std::uint64_t wanted = most.value_or(machine ? ~std::uint64_t{0} : kUsual);
  const std::size_t shown =
      ends.differ ? std::min<std::uint64_t>(wanted, ends.differ->users.size()) : 0;
  if (machine)
    fmt::print("{}\n", json_text(object_of(first, second, compared, ends, shown)));
  else
    print_for_people(context, first, second, compared, ends, shown);
  return compared.first ? kDiverged : 0;
}

}  // namespace rollcall::cli
