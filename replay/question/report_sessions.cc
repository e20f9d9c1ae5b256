// Sessions as a report: the rows of `last`, by person, with where they were opened.
#include "replay/question/report.h"
#include "replay/question/sessions.h"

#include <algorithm>
#include <tuple>

namespace rollcall::replay::inline question {
namespace {

/// As a question without a zone understands it.
std::string plain(const TimeSpec& spec) {
  if (const auto* seq = std::get_if<Seq>(&spec)) return fmt::format("seq:{}", *seq);
  return rfc3339(std::get<Micros>(spec));
}

}  // namespace

Result<void> check(const SessionsReport& q) { return check_report(q); }

Result<SessionsReport::Summary> answer(const Desk& desk, const SessionsReport& q,
                                       const RowSink<SessionsReport::Row>& row) {
  const auto asked = asked_range(desk, q);
  if (!asked) return asked.error();
  SessionsQuestion plainly;
  static_cast<Whose&>(plainly) = q;
  if (asked->since) plainly.since = plain(*asked->since);
  if (asked->until) plainly.until = plain(*asked->until);
  // As they were at the range's end: what came later would change the answer as the log grows.
  if (asked->range.end.by_seq)
    plainly.at = plain(asked->range.last);
  else if (asked->until || asked->at)
    plainly.at = plain(asked->range.to);
  std::vector<SessionsQuestion::Row> found;
  const auto told = answer(desk, plainly, [&](const SessionsQuestion::Row& r) {
    found.push_back(r);
    return true;
  });
  if (!told) return told.error();
  std::sort(found.begin(), found.end(), [](const auto& a, const auto& b) {
    return std::tie(a.number, a.login_seq) < std::tie(b.number, b.login_seq);
  });
  const auto gaps = coverage_gaps(*desk.reader, asked->range.from, asked->range.to);
  if (!gaps) return gaps.error();
  SessionsReport::Summary out;
  describe_range(*asked, *gaps, out);
  out.count = found.size();
  std::uint64_t left = q.limit.value_or(~std::uint64_t{0}), user = 0;
  Micros once_to = 0;  // up to here the person's time is summed
  for (const auto& r : found) {
    const Micros end = r.from.at + r.seconds.length;
    if (user != r.number) {
      ++out.users;
      once_to = r.from.at;
    }
    user = r.number;
    out.seconds.length = engine::saturating_add(out.seconds.length, r.seconds.length);
    out.once_s.length = engine::saturating_add(
        out.once_s.length, std::max<Micros>(0, end - std::max(once_to, r.from.at)));
    once_to = std::max(once_to, end);
    if (left == 0) continue;
    SessionsReport::Row line{r.user,  r.number, r.from, r.to,        r.seconds, r.state,
                             r.cause, {},       {},     r.login_seq, r.end_seq};
    const auto login = desk.reader->log().header(r.login_seq);
    if (login && *login) {
      const auto opened = desk.reader->open_body(**login);
      line.address = opened.body.address;
      line.device = opened.body.device;
    }
    left = row(line) ? left - 1 : 0;
  }
  return out;
}

}  // namespace rollcall::replay::inline question
