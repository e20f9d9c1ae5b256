// Stays, filtered.
#include "replay/question/sessions.h"

#include "replay/stays.h"

#include <algorithm>
#include <set>

namespace rollcall::replay::inline question {

Result<void> check(const SessionsQuestion& q) {
  RC_TRY(check_whose(q));
  RC_TRY(check_range(q.since, q.until));
  RC_TRY(check_moment("at", q.at));
  if (!q.min) return {};
  RC_TRY(check_text("min", *q.min, 100));
  if (const auto length = parse_duration(*q.min); !length)
    return Error{Errc::BadInput, "min: " + length.error().detail};
  return {};
}

Result<SessionsQuestion::Summary> answer(const Desk& desk, const SessionsQuestion& q,
                                         const RowSink<SessionsQuestion::Row>& row) {
  const Reader& reader = *desk.reader;
  const auto people = find_users(reader, q);
  if (!people) return people.error();
  const std::set<UserNumber> wanted(people->begin(), people->end());
  const auto moment = as_of(reader, q.at.value_or(""), desk.now, desk.watched);
  if (!moment) return moment.error();
  const auto bounds = bounds_of(desk, q.since, q.until);
  if (!bounds) return bounds.error();
  const Seq from = bounds->before + 1, upto = std::min(moment->seq, bounds->last);
  const Micros least = q.min ? parse_duration(*q.min).value() : 0;
  const bool known = moment->known == Known::Yes;
  // How long an open session is known to have lasted.
  Micros end = q.at ? std::min(moment->at, moment->watched_to) : moment->ends;
  for (const Gap& gap : moment->gaps) end = std::min(end, gap.from);
  auto found = stays(reader.log(), moment->seq);
  if (!found) return found.error();
  const std::uint64_t most = q.limit.value_or(~std::uint64_t{0});
  std::uint64_t shown = 0;
  for (auto it = found->rbegin(); it != found->rend() && shown < most; ++it) {
    const Stay& stay = *it;
    const bool open = stay.logout == 0;
    if (!wanted.empty() && !wanted.contains(stay.user)) continue;
    if (stay.login > upto || (!open && stay.logout < from) || (q.open.value_or(false) && !open))
      continue;
    SessionsQuestion::Row r;
    r.seconds = {(open ? end : stay.to) - stay.from};
    if (r.seconds.length < least) continue;
    r.user = reader.user_text(stay.user);
    r.number = stay.user;
    r.from = {stay.from};
    r.login_seq = stay.login;
    r.state = !open ? "ended" : known ? "open" : "unknown";
    if (!open) {
      r.to = Moment{stay.to};
      r.cause = std::string(engine::name_of(stay.end));
      r.end_seq = stay.logout;
    }
    ++shown;
    if (!row(r)) break;
  }
  SessionsQuestion::Summary out;
  out.upto = moment->seq;
  out.at = {q.at ? moment->at : moment->ends};
  out.coverage = coverage_of(*moment);
  out.gaps = rows_of(moment->gaps);
  if (q.at) return out;
  auto gaps = coverage_gaps(reader);
  if (!gaps) return gaps.error();
  std::erase_if(*gaps, [&](const Gap& gap) { return gap.seq < from || gap.seq > upto; });
  out.gaps = rows_of(*gaps);
  return out;
}

}  // namespace rollcall::replay::inline question
