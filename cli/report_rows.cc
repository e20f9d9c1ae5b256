// Cells, bars of block characters, and the parts of a picture.
#include "cli/report_rows.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

namespace rollcall::cli {
namespace {

using engine::Micros;
using replay::Decimal;
using replay::Moment;
using replay::Seconds;

constexpr std::size_t kBar = 24;  // characters
constexpr std::array<std::string_view, 7> kDays{"Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"};

double hours(Seconds length) { return static_cast<double>(length.length) / 3.6e9; }

/// 132h05m: hours of work are counted, not days.
std::string hours_text(Seconds length) {
  const Micros minutes = length.length / 60'000'000;
  return fmt::format("{}h{:02}m", minutes / 60, minutes % 60);
}

std::string mean_text(const std::optional<Decimal>& people) {
  return people ? fmt::format("{:.2f}", static_cast<double>(people->length) / 1e6) : "unknown";
}

std::optional<double> mean_of(const std::optional<Decimal>& people) {
  return people ? std::optional(static_cast<double>(people->length) / 1e6) : std::nullopt;
}

std::string time_text(const std::optional<Moment>& at, const replay::TimeZone& zone) {
  return at ? replay::short_time(at->at, zone) : "";
}

std::string count_text(std::uint64_t n) { return fmt::format("{}", n); }

/// "1 person", "3 people".
std::string counted(std::uint64_t n, std::string_view one, std::string_view many) {
  return fmt::format("{} {}", n, n == 1 ? one : many);
}

std::string repeated(std::string_view block, double length, double whole) {
  std::string out;
  const double part = whole > 0 ? length / whole * static_cast<double>(kBar) : 0;
  for (double i = 0; i + 0.5 < part; ++i) out += block;
  return out;
}

/// In eighths of a character, so that small numbers show.
std::string fine_bar(double value, double whole) {
  constexpr std::array<std::string_view, 8> kParts{"", "▏", "▎", "▍", "▌", "▋", "▊", "▉"};
  const double share = whole > 0 ? std::clamp(value / whole, 0.0, 1.0) : 0;
  const auto eighths = static_cast<std::size_t>(std::lround(share * kBar * 8));
  std::string out;
  for (std::size_t i = 0; i < eighths / 8; ++i) out += "█";
  return out.append(kParts[eighths % 8]);
}

std::string range_text(const replay::ReportSummary& s, const replay::TimeZone& zone) {
  return fmt::format("{} to {} ({})", replay::short_time(s.from.at, zone),
                     replay::short_time(s.to.at, zone), s.tz);
}

template <class Q>
Picture titled(const Told<Q>& told, std::string_view what, std::string description) {
  Picture out;
  out.title = std::string(what);
  out.range = range_text(told.summary, told.zone);
  out.description = std::move(description);
  out.zone = told.zone;
  return out;
}

/// What a row is of: any of a room, a person and a day.
template <class Row>
std::string label_of(const Row& r) {
  std::string out;
  const auto add = [&](const std::optional<std::string>& part) {
    if (part) out += (out.empty() ? "" : " · ") + *part;
  };
  if constexpr (requires { r.room; }) add(r.room);
  add(r.user);
  add(r.day);
  return out;
}

}  // namespace

Shown shown_of(const Told<replay::PresenceReport>& told) {
  Shown out;
  const bool by_user = told.rows.empty() || told.rows.front().user;
  const bool by_day = !told.rows.empty() && told.rows.front().day;
  const bool unknown = told.summary.unknown_s.length != 0;
  if (by_user) out.head.emplace_back("user");
  if (by_day) out.head.emplace_back("day");
  if (!by_user) out.head.emplace_back("users");
  out.head.insert(out.head.end(), {"online", "away"});
  if (unknown) out.head.emplace_back("unknown");
  out.head.insert(out.head.end(), {"first_seen", "last_seen", "sessions", "bar"});
  double most = 0;
  for (const auto& r : told.rows)
    most = std::max(most, hours(r.online_s) + hours(r.away_s) + hours(r.unknown_s));
  for (const auto& r : told.rows) {
    auto& line = out.lines.emplace_back();
    if (by_user) line.push_back(r.user.value_or(""));
    if (by_day) line.push_back(r.day.value_or(""));
    if (!by_user) line.push_back(count_text(r.users.value_or(0)));
    line.push_back(hours_text(r.online_s));
    line.push_back(hours_text(r.away_s));
    if (unknown) line.push_back(hours_text(r.unknown_s));
    line.push_back(time_text(r.first_seen, told.zone));
    line.push_back(time_text(r.last_seen, told.zone));
    line.push_back(count_text(r.sessions));
    line.push_back(repeated("█", hours(r.online_s), most) + repeated("▒", hours(r.away_s), most) +
                   repeated("?", hours(r.unknown_s), most));
  }
  return out;
}

Picture picture_of(const Told<replay::PresenceReport>& told) {
  const auto& s = told.summary;
  Picture out = titled(told, "Presence",
                       fmt::format("{}: {:.2f} hours online, {:.2f} away, {:.2f} unknown.",
                                   counted(s.users, "person", "people"), hours(s.online_s),
                                   hours(s.away_s), hours(s.unknown_s)));
  Bars bars;
  for (const auto& r : told.rows)
    bars.bars.push_back({label_of(r), hours(r.online_s), hours(r.away_s), hours(r.unknown_s)});
  out.what = std::move(bars);
  return out;
}

Shown shown_of(const Told<replay::SessionsReport>& told) {
  Shown out;
  out.head = {"user", "from", "to", "length", "end", "address", "device", "login", "logout"};
  for (const auto& r : told.rows)
    out.lines.push_back({r.user, replay::short_time(r.from.at, told.zone),
                         r.to                   ? replay::short_time(r.to->at, told.zone)
                         : r.state == "unknown" ? "unknown"
                                                : "still here",
                         hours_text(r.seconds), r.cause.value_or(""), r.address, r.device,
                         count_text(r.login_seq), r.end_seq ? count_text(*r.end_seq) : ""});
  return out;
}

Picture picture_of(const Told<replay::SessionsReport>& told) {
  const auto& s = told.summary;
  Picture out =
      titled(told, "Sessions",
             fmt::format("{} of {}: {:.2f} hours; time in several at once counted once, {:.2f}.",
                         counted(s.count, "session", "sessions"),
                         counted(s.users, "person", "people"), hours(s.seconds), hours(s.once_s)));
  Lanes lanes;
  lanes.from = s.from.at;
  lanes.to = s.to.at;
  std::uint64_t user = 0;
  for (const auto& r : told.rows) {  // ascending by person
    if (lanes.lanes.empty() || user != r.number) lanes.lanes.push_back({r.user, {}});
    user = r.number;
    lanes.lanes.back().stays.push_back(
        {r.from.at, r.to ? r.to->at : r.from.at + r.seconds.length, r.state != "unknown"});
  }
  out.what = std::move(lanes);
  return out;
}

Shown shown_of(const Told<replay::AttendanceReport>& told) {
  Shown out;
  const auto* first = told.rows.empty() ? nullptr : &told.rows.front();
  const bool room = first == nullptr || first->room, user = first == nullptr || first->user;
  const bool day = first != nullptr && first->day;
  if (room) out.head.emplace_back("room");
  if (user) out.head.emplace_back("user");
  if (day) out.head.emplace_back("day");
  out.head.insert(out.head.end(), {"from", "to", "length", "visits", "bar"});
  double most = 0;
  for (const auto& r : told.rows) most = std::max(most, hours(r.seconds));
  for (const auto& r : told.rows) {
    auto& line = out.lines.emplace_back();
    if (room) line.push_back(r.room.value_or(""));
    if (user) line.push_back(r.user.value_or(""));
    if (day) line.push_back(r.day.value_or(""));
    line.push_back(time_text(r.from, told.zone));
    line.push_back(r.to ? time_text(r.to, told.zone) : "still there");
    line.push_back(hours_text(r.seconds));
    line.push_back(count_text(r.visits));
    line.push_back(fine_bar(hours(r.seconds), most));
  }
  return out;
}

Picture picture_of(const Told<replay::AttendanceReport>& told) {
  const auto& s = told.summary;
  Picture out =
      titled(told, "Attendance",
             fmt::format("{} of {} in {}: {:.2f} hours.", counted(s.visits, "visit", "visits"),
                         counted(s.users, "person", "people"), counted(s.rooms, "room", "rooms"),
                         hours(s.seconds)));
  const bool visits = !told.rows.empty() && told.rows.front().room && told.rows.front().user &&
                      !told.rows.front().day;
  if (!visits) {
    Bars bars;
    for (const auto& r : told.rows)
      bars.bars.push_back({label_of(r), hours(r.seconds), 0, hours(r.unknown_s)});
    out.what = std::move(bars);
    return out;
  }
  Lanes lanes;
  lanes.from = s.from.at;
  lanes.to = s.to.at;
  for (const auto& r : told.rows) {  // ascending by room, then by person
    const std::string label = label_of(r);
    if (lanes.lanes.empty() || lanes.lanes.back().label != label)
      lanes.lanes.push_back({label, {}});
    lanes.lanes.back().stays.push_back(
        {r.from ? r.from->at : s.from.at, r.to ? r.to->at : s.to.at, r.unknown_s.length == 0});
  }
  out.what = std::move(lanes);
  return out;
}

Shown shown_of(const Told<replay::ConcurrencyReport>& told) {
  Shown out;
  const bool by_day = !told.rows.empty() && told.rows.front().day;
  out.head = {by_day ? "day" : "from", "online_max", "online_mean", "away_mean", "bar"};
  double most = 0;
  for (const auto& r : told.rows) most = std::max(most, mean_of(r.online_mean).value_or(0));
  for (const auto& r : told.rows)
    out.lines.push_back(
        {by_day ? r.day.value_or("") : replay::short_time(r.from.at, told.zone).substr(0, 16),
         count_text(r.online_max), mean_text(r.online_mean), mean_text(r.away_mean),
         fine_bar(mean_of(r.online_mean).value_or(0), most)});
  return out;
}

Picture picture_of(const Told<replay::ConcurrencyReport>& told) {
  const auto& s = told.summary;
  Picture out = titled(told, "Concurrency",
                       fmt::format("At most {} online at once; on average {} online and {} away.",
                                   s.online_max, mean_text(s.online_mean), mean_text(s.away_mean)));
  Curve curve;
  for (const auto& r : told.rows)
    curve.points.push_back({r.from.at, r.to.at, mean_of(r.online_mean), mean_of(r.away_mean)});
  out.what = std::move(curve);
  return out;
}

Shown shown_of(const Told<replay::HeatmapReport>& told) {
  constexpr std::array<std::string_view, 9> kLevels{" ", "▁", "▂", "▃", "▄", "▅", "▆", "▇", "█"};
  Shown out;
  out.head = {"weekday", "hour", "online_mean", "away_mean", "online", "away"};
  double most = 0;
  for (const auto& r : told.rows) most = std::max(most, mean_of(r.online_mean).value_or(0));
  out.instead = "    ";
  for (int hour = 0; hour < 24; ++hour) out.instead += fmt::format(" {:02}", hour);
  for (const auto& r : told.rows) {
    const std::string day(kDays[(r.weekday + 6) % 7]);
    out.lines.push_back({day, fmt::format("{:02}:00", r.hour), mean_text(r.online_mean),
                         mean_text(r.away_mean), hours_text(r.online_s), hours_text(r.away_s)});
    if (r.hour == 0) out.instead += "\n" + day + " ";
    const auto value = mean_of(r.online_mean);
    const double share = value && most > 0 ? *value / most : 0;
    const std::string_view block =
        value ? kLevels[static_cast<std::size_t>(std::ceil(share * 8))] : "?";
    out.instead += fmt::format(" {0}{0}", block);
  }
  out.instead += fmt::format(
      "\n\n█ is {:.2f} people online on average, by the clocks of {}{}\n", most, told.summary.tz,
      out.instead.find('?') == std::string::npos ? "" : "; ? is an hour of which nothing is known");
  return out;
}

Picture picture_of(const Told<replay::HeatmapReport>& told) {
  const auto& s = told.summary;
  Picture out = titled(told, "Hours of the week",
                       fmt::format("{:.2f} hours online and {:.2f} away, summed over people.",
                                   hours(s.online_s), hours(s.away_s)));
  Grid grid;
  for (const auto& r : told.rows)
    if (const auto at = (r.weekday - 1) * 24 + r.hour; at < grid.hours.size())
      grid.hours[at] = mean_of(r.online_mean);
  out.what = grid;
  return out;
}

std::vector<std::string> facts_above(const replay::ReportSummary& summary,
                                     const replay::TimeZone& zone, const std::string& totals) {
  std::vector<std::string> out{range_text(summary, zone), totals};
  const auto& known = summary.coverage;
  if (known.known == "after_end" && known.log_ends)
    out.push_back(fmt::format("The log ends at {}: who was here then is unknown afterwards.",
                              replay::short_time(known.log_ends->at, zone)));
  for (const auto& gap : summary.gaps)
    out.push_back(fmt::format("Nobody watched from {} to {}: who was here before is unknown.",
                              replay::short_time(gap.from.at, zone),
                              replay::short_time(gap.to.at, zone)));
  return out;
}

}  // namespace rollcall::cli
