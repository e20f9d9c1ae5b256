// The part of a log that a report is about, read once, with the times in which nobody watched.
//
// Why this file exists: every report sums up what was so between two moments, in one pass over the
// events between them. What is known of a time is told by the log itself while it is read: a gap by
// the event at its end, or by the clock's step at its beginning.
#pragma once

#include "replay/as_of.h"

#include <utility>
#include <vector>

namespace rollcall::replay {

/// Tells the memory that this is needed soon, so that what comes before need not wait for it.
template <class T>
void fetch(const T& what) {
  constexpr std::size_t kLine = 64;
  const auto* bytes = reinterpret_cast<const char*>(&what);
  for (std::size_t at = 0; at < sizeof(T); at += kLine) __builtin_prefetch(bytes + at, 1);
}

/// Times in which nobody watched, ascending and apart from each other.
class Unwatched {
 public:
  /// In order; of what is told twice, the part that is new counts.
  void add(Micros from, Micros to);
  /// How much of [from, to) was unwatched.
  [[nodiscard]] Micros within(Micros from, Micros to) const;
  /// Whether everything from then on was watched, as far as has been told.
  [[nodiscard]] bool none_after(Micros at) const {
    return list_.empty() || list_.back().second <= at;
  }
  [[nodiscard]] const std::vector<std::pair<Micros, Micros>>& list() const { return list_; }

 private:
  std::vector<std::pair<Micros, Micros>> list_;
};

/// The people whom a question is about: those marked, or everybody. Never the app itself.
class People {
 public:
  People() = default;
  explicit People(const std::vector<UserNumber>& some) {
    for (const UserNumber n : some) {
      if (n >= marks_.size()) marks_.resize(n + std::size_t{1});
      marks_[n] = true;
    }
  }
  [[nodiscard]] bool has(UserNumber user) const {
    return user != 0 && (marks_.empty() || (user < marks_.size() && marks_[user]));
  }

 private:
  std::vector<bool> marks_;
};

struct ReportRange {
  Seq before = 0, last = 0;  ///< the events after `before`, up to and with `last`
  Micros from = 0, to = 0;   ///< and the time from the first moment to before the second
  AsOf begin, end;           ///< what is known of both
};
/// [since, until), or until after `at`, whichever ends earlier. The whole log, as far as it speaks,
/// if none are given. An error if it ends before it begins, or spans more than 3,000 years.
[[nodiscard]] Result<ReportRange> report_range(const Reader& reader,
                                               const std::optional<TimeSpec>& since,
                                               const std::optional<TimeSpec>& until,
                                               const std::optional<TimeSpec>& at, Micros now,
                                               Watched watched);

/// What follows the events of a range. `unwatched` knows of each event's gap before the event
/// comes.
struct RangeFollower {
  std::function<void(const engine::State&)> begin;  ///< the state before the first of them
  std::function<void(const store::Fold::Step&)> step;
  std::function<void(UserNumber)> expect = nullptr;  ///< an event about that person comes soon
};
/// Reads it; the gaps that overlap the range, ascending. `progress` hears of the events done and of
/// all.
[[nodiscard]] Result<std::vector<Gap>> read_range(
    const Reader& reader, const ReportRange& range, const engine::Effects& wanted,
    Unwatched& unwatched, const RangeFollower& follower,
    const std::function<void(std::uint64_t, std::uint64_t)>& progress);

}  // namespace rollcall::replay
