// How many were here at once: over time, and over the hours of the week.
#include "replay/head_count.h"
#include "replay/question/report.h"

#include <algorithm>
#include <array>
#include <cmath>

namespace rollcall::replay::inline question {
namespace {

using Piece = HeadCount::Piece;

/// People, in millionths, as a length of time is in microseconds.
std::optional<Decimal> mean(Micros people_us, Micros watched_us) {
  if (watched_us <= 0) return std::nullopt;
  return Decimal{
      std::llround(1e6 * static_cast<double>(people_us) / static_cast<double>(watched_us))};
}

void add(Piece& sum, const Piece& more) {
  sum.online_us = engine::saturating_add(sum.online_us, more.online_us);
  sum.away_us = engine::saturating_add(sum.away_us, more.away_us);
  sum.unknown_us = engine::saturating_add(sum.unknown_us, more.unknown_us);
  sum.watched_us = engine::saturating_add(sum.watched_us, more.watched_us);
  sum.online_max = std::max(sum.online_max, more.online_max);
}

/// Counts over the range, cut as `cut` says; the gaps in it.
Result<std::vector<Gap>> count(const Desk& desk, const AskedRange& asked,
                               std::function<Stretch(Micros)> cut,
                               std::function<void(const Piece&)> piece) {
  Unwatched unwatched;
  HeadCount heads(asked.range, asked.only, unwatched, std::move(cut), std::move(piece));
  auto gaps = read_range(*desk.reader, asked.range, engine::Effects::only<>(), unwatched,
                         {[&](const engine::State& state) { heads.begin(state); },
                          [&](const store::Fold::Step& step) { heads.take(step); }},
                         desk.progress);
  if (gaps) heads.end();
  return gaps;
}

}  // namespace

Result<void> check(const ConcurrencyReport& q) {
  RC_TRY(check_report(q));
  RC_TRY(check_by(q.by, {"hour", "day"}));
  if (q.by.size() > 1) return Error{Errc::BadInput, "by is hour or day, one of them"};
  return {};
}

Result<ConcurrencyReport::Summary> answer(const Desk& desk, const ConcurrencyReport& q,
                                          const RowSink<ConcurrencyReport::Row>& row) {
  constexpr Micros kHoursMost = Micros{62} * 86'400 * 1'000'000;
  const auto asked = asked_range(desk, q);
  if (!asked) return asked.error();
  const bool by_day =
      q.by.empty() ? asked->range.to - asked->range.from > kHoursMost : q.by.front() == "day";
  std::uint64_t left = q.limit.value_or(~std::uint64_t{0});
  Piece all;
  const auto gaps = count(
      desk, *asked,
      [&](Micros at) { return by_day ? day_at(asked->zone, at) : hour_at(asked->zone, at); },
      [&](const Piece& piece) {
        add(all, piece);
        if (left == 0) return;
        ConcurrencyReport::Row r;
        r.from = {piece.time.from};
        r.to = {piece.time.to};
        if (by_day) r.day = date_text(piece.time.number);
        r.online_max = piece.online_max;
        r.online_mean = mean(piece.online_us, piece.watched_us);
        r.away_mean = mean(piece.away_us, piece.watched_us);
        r.unknown_s = {piece.unknown_us};
        left = row(r) ? left - 1 : 0;
      });
  if (!gaps) return gaps.error();
  ConcurrencyReport::Summary out;
  describe_range(*asked, *gaps, out);
  out.online_max = all.online_max;
  out.online_mean = mean(all.online_us, all.watched_us);
  out.away_mean = mean(all.away_us, all.watched_us);
  return out;
}

Result<void> check(const HeatmapReport& q) { return check_report(q); }

Result<HeatmapReport::Summary> answer(const Desk& desk, const HeatmapReport& q,
                                      const RowSink<HeatmapReport::Row>& row) {
  constexpr std::int64_t kDay = 24, kWeek = 7 * kDay, kMonday = 3 * kDay;  // 1970 began a Thursday
  const auto asked = asked_range(desk, q);
  if (!asked) return asked.error();
  std::array<Piece, kWeek> hours{};
  const auto gaps = count(
      desk, *asked, [&](Micros at) { return hour_at(asked->zone, at); },
      [&](const Piece& piece) {
        const std::int64_t hour = ((piece.time.number + kMonday) % kWeek + kWeek) % kWeek;
        add(hours[static_cast<std::size_t>(hour)], piece);
      });
  if (!gaps) return gaps.error();
  HeatmapReport::Summary out;
  describe_range(*asked, *gaps, out);
  std::uint64_t left = q.limit.value_or(~std::uint64_t{0});
  Piece all;
  for (std::size_t i = 0; i < hours.size(); ++i) {
    const Piece& piece = hours[i];
    add(all, piece);
    if (left == 0) continue;
    HeatmapReport::Row r;
    r.weekday = i / kDay + 1;
    r.hour = i % kDay;
    r.online_s = {piece.online_us};
    r.away_s = {piece.away_us};
    r.unknown_s = {piece.unknown_us};
    r.watched_s = {piece.watched_us};
    r.online_mean = mean(piece.online_us, piece.watched_us);
    r.away_mean = mean(piece.away_us, piece.watched_us);
    left = row(r) ? left - 1 : 0;
  }
  out.online_s = {all.online_us};
  out.away_s = {all.away_us};
  out.unknown_s = {all.unknown_us};
  return out;
}

}  // namespace rollcall::replay::inline question
