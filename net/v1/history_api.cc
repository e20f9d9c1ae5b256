// Folds of the log on threads of their own.
#include "net/v1/history_api.h"

#include "net/v1/history_read.h"
#include "net/v1/offload.h"
#include "replay/attendance.h"
#include "replay/event_view.h"
#include "replay/time_text.h"
#include "replay/timeline.h"
#include "store/log/event_clock.h"

#include <set>

namespace rollcall::net::inline v1 {
namespace {

using engine::Micros;
using store::Errc;
using store::Error;
using store::Result;

/// Notes it in the log before it is answered; aside, as the log is asked whether a reason is
/// needed.
Answer<bool> note(Call& call, std::string what, std::vector<std::string> names) {
  auto work = [&app = call.app, caller = call.caller, what = std::move(what),
               names = std::move(names), why = read_reason(call.http)]() -> Result<bool> {
    const Asked asked{what, subjects_of(app, names), {}};
    const auto noted = note_read(app, caller, asked, why, Often::OnceAMinute);
    if (!noted) return noted.error();
    return true;
  };
  co_return co_await aside<bool>(call, std::move(work));
}

Result<replay::Reader> reader_of(App& app) {
  auto writer = app.live().reading();
  if (!writer) return Error{Errc::Io, "the log is being opened anew: try again"};
  return replay::Reader::beside(std::move(writer));
}

Result<std::vector<GapRow>> gap_rows(const replay::Reader& reader, Micros from, Micros to) {
  const auto gaps = replay::coverage_gaps(reader, from, to);
  if (!gaps) return gaps.error();
  std::vector<GapRow> out;
  for (const auto& gap : *gaps) out.push_back(gap_row(gap));
  return out;
}

struct Range {
  Micros from = 0, to = 0;
};
Result<Range> range_of(const std::optional<std::string>& from,
                       const std::optional<std::string>& to) {
  const Micros now = store::wall_now();
  const auto moment = [&](const std::optional<std::string>& text,
                          Micros without) -> Result<Micros> {
    if (!text) return without;
    const auto spec = replay::parse_time(*text, now);
    if (!spec) return spec.error();
    if (const auto* at = std::get_if<Micros>(&*spec)) return *at;
    return Error{Errc::BadInput, "from and to are times"};
  };
  const auto end = moment(to, now);
  if (!end) return end.error();
  const auto begin = moment(from, *end - Micros{86'400} * 1'000'000);
  if (!begin) return begin.error();
  if (*begin >= *end) return Error{Errc::BadInput, "from must be before to"};
  return Range{*begin, *end};
}

}  // namespace

Answer<People> people_at(Call& call, PresenceRequest r, std::uint64_t limit) {
  if (!call.caller.may("audit:read"))
    co_return Error{Errc::NotPermitted, "asking about the past needs the scope audit:read"};
  // What is refused was not read: nothing is logged of it.
  if (const auto spec = replay::parse_time(*r.at, store::wall_now()); !spec) co_return spec.error();
  const std::vector<std::string> names = r.users ? names_in(*r.users) : std::vector<std::string>{};
  const std::string what = "who" + option_text("at", r.at) + option_text("state", r.state) +
                           (r.users ? " (of some)" : "");
  const auto noted = co_await note(call, what, names);
  if (!noted) co_return noted.error();
  auto work = [&app = call.app, r, limit, names]() -> Result<People> {
    const auto reader = reader_of(app);
    if (!reader) return reader.error();
    const auto spec = replay::parse_time(*r.at, store::wall_now());
    if (!spec) return spec.error();
    People out;
    if (const auto* seq = std::get_if<engine::Seq>(&*spec)) {
      out.seq = std::min(*seq, reader->last());
    } else {
      const auto first = reader->log().seq_at(std::get<Micros>(*spec));
      if (!first) return first.error();
      out.seq = *first - 1;
      const auto gap = replay::gap_around(*reader, out.seq, std::get<Micros>(*spec));
      if (!gap) return gap.error();
      if (*gap) out.gap = gap_row(**gap);
    }
    const auto fold = replay::state_at(*reader, out.seq);
    if (!fold) return fold.error();
    const std::string wanted = r.state.value_or("");
    std::set<engine::UserNumber> only;
    for (const auto& name : names)
      if (const auto number =
              reader->vault() == nullptr ? std::nullopt : reader->vault()->number_of(name))
        only.insert(*number);
    const auto& users = fold->state.users;
    for (engine::UserNumber n = 1; n < users.size(); ++n) {
      const engine::User& u = users[n];
      const auto state = engine::name_of(u.state);
      if (u.state == engine::Presence::Online) ++out.online;
      if (u.state == engine::Presence::Away) ++out.away;
      if (r.users && !only.contains(n)) continue;
      const bool all = wanted == "any" || (wanted.empty() && r.users);
      const bool match =
          all || (wanted.empty() ? u.state != engine::Presence::Offline : state == wanted);
      if (!match || !u.enrolled || u.erased || out.people.size() >= limit) continue;
      const auto name = reader->vault() == nullptr ? std::nullopt : reader->vault()->name_of(n);
      if (!name) continue;  // forgotten since
      Person p;
      p.number = n;
      p.user = *name;
      p.state = std::string(state);
      if (u.since != 0) p.since = replay::rfc3339(u.since);
      if (u.last_seen != 0) p.last_seen = replay::rfc3339(u.last_seen);
      p.do_not_disturb = u.do_not_disturb;
      p.sessions = u.sessions.size();
      if (u.status_seq != 0)
        if (const auto header = reader->log().header(u.status_seq); header && *header) {
          const auto opened = reader->open_body(**header);
          if (!opened.body.status_text.empty()) p.text = opened.body.status_text;
          if (!opened.body.emoji.empty()) p.emoji = opened.body.emoji;
        }
      out.people.push_back(std::move(p));
    }
    std::sort(out.people.begin(), out.people.end(),
              [](const Person& a, const Person& b) { return a.user < b.user; });
    return out;
  };
  co_return co_await aside<People>(call, std::move(work));
}

Answer<TimelineResponse> TimelineEndpoint::run(Call call, Request r) {
  if (call.caller.user != r.user && !call.caller.may("audit:read"))
    co_return Error{Errc::NotPermitted, "somebody else's timeline needs the scope audit:read"};
  if (const auto range = range_of(r.from, r.to); !range) co_return range.error();
  if (call.caller.user != r.user) {
    const std::vector<std::string> names{r.user};
    const std::string what = "timeline" + option_text("from", r.from) + option_text("to", r.to);
    const auto noted = co_await note(call, what, names);
    if (!noted) co_return noted.error();
  }
  auto work = [&app = call.app, r]() -> Result<TimelineResponse> {
    constexpr std::size_t kEventsMost = 2000;
    const auto reader = reader_of(app);
    if (!reader) return reader.error();
    const auto number = reader->find_user(r.user);
    if (!number) return number.error();
    const auto range = range_of(r.from, r.to);
    if (!range) return range.error();
    const auto found = replay::timeline_of(*reader, *number, range->from, range->to, kEventsMost);
    if (!found) return found.error();
    TimelineResponse out;
    out.user = r.user;
    out.from = replay::rfc3339(range->from);
    out.to = replay::rfc3339(range->to);
    out.events_left_out = found->events_left_out;
    for (const auto& span : found->spans)
      out.spans.push_back({replay::rfc3339(span.from), std::string(engine::name_of(span.state)),
                           std::string(engine::name_of(span.cause)), span.seq});
    for (const auto& h : found->events) {
      const auto view = replay::view_of(*reader, h);
      EventRow row{h.seq,
                   replay::rfc3339(h.at),
                   std::string(engine::name_of(h.kind)),
                   std::string(engine::name_of(h.cause)),
                   h.session,
                   std::nullopt,
                   std::nullopt};
      if (!view.action.empty()) row.action = view.action;
      if (!view.body.body.description.empty()) row.description = view.body.body.description;
      out.events.push_back(std::move(row));
    }
    auto gaps = gap_rows(*reader, range->from, range->to);
    if (!gaps) return gaps.error();
    out.gaps = std::move(*gaps);
    return out;
  };
  co_return co_await aside<TimelineResponse>(call, std::move(work));
}

Answer<ConcurrencyResponse> ConcurrencyEndpoint::run(Call call, Request r) {
  constexpr std::uint64_t kSlicesMost = 5000;
  const std::uint64_t slices = r.slices.value_or(96);
  if (slices == 0 || slices > kSlicesMost) co_return Error{Errc::BadInput, "slices is 1 to 5000"};
  if (const auto range = range_of(r.from, r.to); !range) co_return range.error();
  std::vector<std::string> names;
  if (r.user) names.push_back(*r.user);
  const std::string what = "concurrency" + option_text("from", r.from) + option_text("to", r.to) +
                           fmt::format(" --slices={}", slices);
  const auto noted = co_await note(call, what, names);
  if (!noted) co_return noted.error();
  auto work = [&app = call.app, r, slices]() -> Result<ConcurrencyResponse> {
    const auto reader = reader_of(app);
    if (!reader) return reader.error();
    engine::UserNumber user = 0;
    if (r.user) {
      const auto number = reader->find_user(*r.user);
      if (!number) return number.error();
      user = *number;
    }
    const auto range = range_of(r.from, r.to);
    if (!range) return range.error();
    const auto found = replay::concurrency(*reader, range->from, range->to, slices, user);
    if (!found) return found.error();
    ConcurrencyResponse out;
    out.from = replay::rfc3339(range->from);
    out.to = replay::rfc3339(range->to);
    out.slice_ms = static_cast<std::uint64_t>(range->to - range->from) / slices / 1'000;
    for (const auto& s : *found)
      out.slices.push_back({replay::rfc3339(s.from),
                            static_cast<std::uint64_t>(s.online_us) / 1'000,
                            static_cast<std::uint64_t>(s.away_us) / 1'000, s.most});
    auto gaps = gap_rows(*reader, range->from, range->to);
    if (!gaps) return gaps.error();
    out.gaps = std::move(*gaps);
    return out;
  };
  co_return co_await aside<ConcurrencyResponse>(call, std::move(work));
}

}  // namespace rollcall::net::inline v1
