// One search, and what stands on each side.
#include "cli/two_logs.h"

#include <fmt/format.h>

#include <algorithm>
#include <tuple>
#include <utility>

namespace rollcall::cli {
namespace {

/// The rules that two events meet in the state before them, which is the same of both.
std::pair<const replay::Rule*, const replay::Rule*> rules_met(const replay::Reader& reader,
                                                              const replay::Header& a,
                                                              const replay::Header& b) {
  const auto fold = replay::state_at(reader, a.seq - 1).value();
  const auto met = [&](const replay::Header& h) {
    engine::State state = fold.state;
    replay::RuleFinder finder(h.user);
    finder.before(state, h);
    std::vector<engine::Transition> transitions;
    const auto outcome = engine::apply(state, h, transitions);
    return finder.after(state, h, outcome).own;
  };
  return {met(a), met(b)};
}

std::string with_rule(const replay::EventView& event, const replay::Rule* rule) {
  if (rule == nullptr) return event_line(event);
  return fmt::format("{}   ({}: {})", event_line(event), rule->number, rule->says);
}

}  // namespace

Compared compare(LogSide& a, LogSide& b) {
  Compared out;
  out.parted = replay::where_parted(a.roots(), b.roots()).value();
  if (out.parted.how != replay::Parting::Parted) return out;
  FirstDifference first{a.event(out.parted.common + 1), b.event(out.parted.common + 1)};
  const replay::Reader* here = a.reader() != nullptr ? a.reader() : b.reader();
  if (here != nullptr)
    std::tie(first.rule_a, first.rule_b) = rules_met(*here, first.of_a.header, first.of_b.header);
  out.first = std::move(first);
  return out;
}

void print_first(std::FILE* out, const Compared& compared, const std::string& a,
                 const std::string& b) {
  if (!compared.first) return;
  const auto& first = *compared.first;
  const std::size_t width = std::max(a.size(), b.size());
  fmt::print(out, "{:<{}} says  {}\n", a, width, with_rule(first.of_a, first.rule_a));
  fmt::print(out, "{:<{}} says  {}\n", b, width, with_rule(first.of_b, first.rule_b));
  if (event_line(first.of_a) == event_line(first.of_b))
    fmt::print(out,
               "{:<{}}       both read alike: the entries differ in other bytes, like the seal "
               "of a text (`rollcall show {} --raw`)\n",
               "", width, first.of_a.header.seq);
}

std::string relation_of(const Compared& compared, const LogSide& a, const LogSide& b,
                        const std::string& name_a, const std::string& name_b) {
  const auto common = compared.parted.common;
  const auto goes_on = [&](const std::string& longer, const LogSide& of, const std::string& other) {
    return fmt::format("{} is the beginning of {}, which has {} more {}", other, longer,
                       of.log().events - common,
                       of.log().events - common == 1 ? "event" : "events");
  };
  switch (compared.parted.how) {
    case replay::Parting::Equal:
      return fmt::format("all {} events are the same", common);
    case replay::Parting::FirstGoesOn:
      return goes_on(name_a, a, name_b);
    case replay::Parting::SecondGoesOn:
      return goes_on(name_b, b, name_a);
    case replay::Parting::Parted:
      break;
  }
  return fmt::format("{} {} the same before; {} has {} in all, {} has {}", common,
                     common == 1 ? "event is" : "events are", name_a, a.log().events, name_b,
                     b.log().events);
}

}  // namespace rollcall::cli
