// Two counts, summed over time.
#include "replay/head_count.h"

#include <algorithm>
#include <limits>

namespace rollcall::replay {
namespace {

using engine::Presence;

/// People times time: a million people for 300,000 years are past the end of the numbers.
Micros sum(Micros before, std::uint64_t people, Micros length) {
  Micros more = 0;
  if (__builtin_mul_overflow(static_cast<Micros>(people), length, &more))
    return std::numeric_limits<Micros>::max();
  return engine::saturating_add(before, more);
}

}  // namespace

HeadCount::HeadCount(const ReportRange& range, People only, const Unwatched& unwatched,
                     std::function<Stretch(Micros)> cut, std::function<void(const Piece&)> piece)
    : range_(range),
      only_(std::move(only)),
      unwatched_(unwatched),
      cut_(std::move(cut)),
      put_(std::move(piece)),
      at_(range.from) {
  if (range_.from < range_.to) open_piece(at_);
}

void HeadCount::open_piece(Micros at) {
  now_ = {};
  now_.time = cut_(at);
  now_.time.from = std::max(now_.time.from, range_.from);
  now_.time.to = std::min(now_.time.to, range_.to);
}

void HeadCount::pass(Micros until) {
  const auto& dark = unwatched_.list();
  until = std::min(until, range_.to);
  while (at_ < until) {
    while (dark_ < dark.size() && dark[dark_].second <= at_) ++dark_;
    const bool in_the_dark = dark_ < dark.size() && dark[dark_].first <= at_;
    Micros stop = std::min(until, now_.time.to);
    if (dark_ < dark.size())
      stop = std::min(stop, in_the_dark ? dark[dark_].second : dark[dark_].first);
    const Micros length = stop - at_;
    const auto online = count_[static_cast<std::size_t>(Presence::Online)];
    const auto away = count_[static_cast<std::size_t>(Presence::Away)];
    if (in_the_dark) {
      now_.unknown_us = sum(now_.unknown_us, online + away, length);
    } else {
      now_.online_us = sum(now_.online_us, online, length);
      now_.away_us = sum(now_.away_us, away, length);
      now_.watched_us += length;
      now_.online_max = std::max(now_.online_max, online);
    }
    at_ = stop;
    if (at_ < now_.time.to) continue;
    put_(now_);
    if (at_ < range_.to) open_piece(at_);
  }
}

void HeadCount::begin(const engine::State& state) {
  for (UserNumber n = 1; n < state.users.size(); ++n)
    if (only_.has(n)) ++count_[static_cast<std::size_t>(state.users[n].state)];
}

void HeadCount::take(const store::Fold::Step& step) {
  for (const engine::Transition& change : step.transitions) {
    if (change.from == change.to || !only_.has(change.user)) continue;
    pass(step.header.at);
    // Nobody counts who is Offline before they come.
    if (change.from != Presence::Offline) --count_[static_cast<std::size_t>(change.from)];
    ++count_[static_cast<std::size_t>(change.to)];
  }
}

void HeadCount::end() { pass(range_.to); }

}  // namespace rollcall::replay
