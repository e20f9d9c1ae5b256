// Folding the log into spans and slices.
#include "replay/timeline.h"

#include <algorithm>
#include <array>

namespace rollcall::replay {

using engine::Presence;

Result<Timeline> timeline_of(const Reader& reader, UserNumber user, Micros from, Micros to,
                             std::size_t events_most) {
  Timeline out;
  const auto end = reader.log().seq_at(to);
  if (!end) return end.error();
  store::Fold fold;
  Span before{from, Presence::Offline, 0, engine::Cause::None};
  const auto folded =
      fold.advance(reader.log(), *end - 1,
                   [&](const Header& h, store::ByteView, engine::Outcome,
                       std::span<const engine::Transition> t) {
                     if (h.user == user && h.at >= from) out.events.push_back(h);
                     for (const engine::Transition& change : t) {
                       if (change.user != user || change.from == change.to) continue;
                       if (h.at <= from)
                         before.state = change.to;
                       else
                         out.spans.push_back({h.at, change.to, h.seq, change.cause});
                     }
                   });
  if (!folded) return folded.error();
  out.spans.insert(out.spans.begin(), before);
  if (out.events.size() > events_most) {
    out.events_left_out = true;
    out.events.erase(out.events.begin(),
                     out.events.end() - static_cast<std::ptrdiff_t>(events_most));
  }
  return out;
}

Result<std::vector<Slice>> concurrency(const Reader& reader, Micros from, Micros to,
                                       std::size_t count, UserNumber user,
                                       const std::vector<std::pair<Micros, Micros>>& unwatched) {
  std::vector<Slice> out(count);
  const Micros width = std::max<Micros>(1, (to - from) / static_cast<Micros>(count));
  for (std::size_t i = 0; i < count; ++i) out[i].from = from + width * static_cast<Micros>(i);
  std::array<std::uint64_t, 3> now{};  // by presence
  std::size_t slice = 0;
  Micros at = from;
  auto dark = unwatched.begin();         // the next time, or that at hand, in which nobody watched
  const auto pass = [&](Micros until) {  // what was so until then, into the slices it covers
    until = std::min(until, to);
    while (at < until) {
      while (dark != unwatched.end() && dark->second <= at) ++dark;
      const bool in_the_dark = dark != unwatched.end() && dark->first <= at;
      const bool last = slice + 1 >= count;
      Micros stop = last ? until : std::min(until, out[slice + 1].from);
      if (dark != unwatched.end()) stop = std::min(stop, in_the_dark ? dark->second : dark->first);
      const auto online = now[static_cast<std::size_t>(Presence::Online)];
      const auto away = now[static_cast<std::size_t>(Presence::Away)];
      if (in_the_dark) {
        out[slice].unknown_us += static_cast<Micros>(online + away) * (stop - at);
      } else {
        out[slice].online_us += static_cast<Micros>(online) * (stop - at);
        out[slice].away_us += static_cast<Micros>(away) * (stop - at);
        out[slice].most = std::max(out[slice].most, online + away);
      }
      at = stop;
      if (!last && at >= out[slice + 1].from) ++slice;
    }
  };
  const auto end = reader.log().seq_at(to);
  if (!end) return end.error();
  store::Fold fold;
  const auto folded =
      fold.advance(reader.log(), *end - 1,
                   [&](const Header& h, store::ByteView, engine::Outcome,
                       std::span<const engine::Transition> t) {
                     for (const engine::Transition& change : t) {
                       if (change.from == change.to || (user != 0 && change.user != user)) continue;
                       pass(h.at);
                       auto& left = now[static_cast<std::size_t>(change.from)];
                       if (left > 0) --left;
                       ++now[static_cast<std::size_t>(change.to)];
                     }
                   });
  if (!folded) return folded.error();
  pass(to);
  return out;
}

std::vector<std::pair<Micros, Micros>> unwatched_in(const std::vector<Gap>& gaps, Micros ends,
                                                    Micros from, Micros to) {
  std::vector<std::pair<Micros, Micros>> out;
  const auto add = [&](Micros begin, Micros end) {
    begin = std::max(begin, from);
    end = std::min(end, to);
    if (begin >= end) return;
    if (!out.empty() && begin <= out.back().second)
      out.back().second = std::max(out.back().second, end);
    else
      out.emplace_back(begin, end);
  };
  std::vector<Gap> sorted = gaps;
  std::sort(sorted.begin(), sorted.end(),
            [](const Gap& a, const Gap& b) { return a.from < b.from; });
  for (const Gap& gap : sorted) add(gap.from, gap.to);
  add(ends, to);
  return out;
}

}  // namespace rollcall::replay
