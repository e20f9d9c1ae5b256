// Sentences and members about coverage.
#include "cli/coverage.h"

#include <boost/json.hpp>
#include <fmt/format.h>

namespace rollcall::cli {
namespace json = boost::json;

json::object coverage_row(const replay::Coverage& coverage,
                          const std::vector<replay::GapRow>& gaps) {
  json::object out = replay::write_value(coverage).as_object();
  out["coverage"] = coverage.known;  // as CSV names it
  out.erase("known");
  out["gaps"] = replay::write_value(gaps);
  return out;
}

json::object moment_row(replay::Moment at, std::uint64_t seq,
                        const std::optional<std::string>& root, const replay::Coverage& coverage,
                        const std::vector<replay::GapRow>& gaps) {
  json::object out{{"at", replay::rfc3339(at.at)}, {"seq", seq}};
  out["root"] = root ? json::value(*root) : json::value(nullptr);
  for (auto& [name, value] : coverage_row(coverage, gaps)) out[name] = value;
  return out;
}

void add_coverage_columns(json::object& row, const replay::Coverage& coverage,
                          const std::vector<replay::GapRow>& gaps) {
  std::string list;
  for (const auto& gap : gaps)
    list += fmt::format("{}{}/{}", list.empty() ? "" : " ", replay::rfc3339(gap.from.at),
                        replay::rfc3339(gap.to.at));
  row["coverage"] = coverage.known;
  row["gaps"] = list;
}

void warn_of_unknown(const Context& context, const replay::Coverage& coverage,
                     const std::vector<replay::GapRow>& gaps) {
  if (context.quiet || coverage.known == "yes") return;
  if (coverage.known == "before_begin") {
    if (coverage.log_begins)
      fmt::print(stderr, "rollcall: the log begins at {}\n",
                 replay::rfc3339(coverage.log_begins->at));
    else
      fmt::print(stderr, "rollcall: the log is empty\n");
    return;
  }
  if (coverage.known == "after_end" && coverage.log_ends)
    fmt::print(stderr, "rollcall: the log ends at {}: who was here then is unknown afterwards\n",
               replay::rfc3339(coverage.log_ends->at));
  for (const auto& gap : gaps)
    fmt::print(stderr,
               "rollcall: nobody watched from {} to {} (seq {}): who was here before is unknown\n",
               replay::rfc3339(gap.from.at), replay::rfc3339(gap.to.at), gap.seq);
}

void say_log_end(const Context& context, replay::Moment at, std::uint64_t seq) {
  if (!context.url.empty() || seq == 0 || context.quiet) return;
  fmt::print(stderr, "rollcall: as of {}, where the log ends: no server has it open\n",
             replay::rfc3339(at.at));
}

}  // namespace rollcall::cli
