// Counting connections a place, and waiting for leaves to stand.
#include "net/presence/comings.h"

#include "store/bytes/bytes.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

namespace rollcall::net::inline presence {
namespace {

constexpr engine::Micros kUndoneWithin = 3'000'000;
// Of our own clock, where the log does not say by a later event that the time is over. Longer, so
// that an event on its way to the disk is still seen, and so that the log's clock may run slower.
constexpr auto kStandsAfter = std::chrono::milliseconds(3500);

std::pair<std::uint64_t, engine::UserNumber> place_of(const engine::Effect& effect) {
  const auto* in = std::get_if<engine::MemberIn>(&effect.what);
  return {in != nullptr ? in->channel : std::get<engine::MemberOut>(effect.what).channel,
          effect.user};
}

}  // namespace

void Comings::take(const engine::Header& h, Clock::time_point now) {
  reached_ = h.seq;
  ordinal_ = 0;
  // The log itself says that these stand.
  while (!leaving_order_.empty()) {
    const auto& [place, position] = leaving_order_.front();
    const auto it = leaving_.find(place);
    const bool undone = it == leaving_.end() || it->second.change.position != position;
    if (!undone) {
      if (it->second.change.at + kUndoneWithin >= h.at) break;
      make_ready(it->second.change);
      leaving_.erase(it);
    }
    leaving_order_.pop_front();
  }
  did_.list.clear();
  members_.apply(h, did_);
  auto& did = did_.list;
  // Of who was forgotten nothing is told, not even that he left.
  if (!did.empty() && std::holds_alternative<engine::UserForgotten>(did.front().what)) return;
  // A position counts an event's changes by channel and user; it is in cursors that are kept.
  std::sort(did.begin(), did.end(), [](const engine::Effect& x, const engine::Effect& y) {
    return place_of(x) < place_of(y);
  });
  for (const engine::Effect& effect : did)
    change(h, place_of(effect), std::holds_alternative<engine::MemberIn>(effect.what), now);
}

void Comings::change(const engine::Header& h, const Place& place, bool added,
                     Clock::time_point now) {
  const Change change{{h.seq, ordinal_++}, h.at, place.first, place.second, added};
  if (!added) {
    leaving_[place] = {change, now + kStandsAfter};
    leaving_order_.emplace_back(place, change.position);
    return;
  }
  // Back in time: neither happened. So it was, too, where a leave this old has been passed.
  if (leaving_.erase(place) != 0) return;
  make_ready(change);
}

void Comings::make_ready(const Change& change) {
  const bool told = change.position <= (change.added ? told_.added : told_.removed);
  if (told || !(change.added ? wants_added_ : wants_removed_)) return;
  (change.added ? ready_added_ : ready_removed_).emplace(change.position, change);
}

void Comings::settle(Clock::time_point now) {
  while (!leaving_order_.empty()) {
    const auto& [place, position] = leaving_order_.front();
    const auto it = leaving_.find(place);
    if (it != leaving_.end() && it->second.change.position == position) {
      if (it->second.due > now) return;
      make_ready(it->second.change);
      leaving_.erase(it);
    }
    leaving_order_.pop_front();
  }
}

std::vector<Comings::Change> Comings::next(std::size_t most) const {
  std::vector<Change> out;
  auto added = ready_added_.begin();
  auto removed = ready_removed_.begin();
  // By the moment at which each counts: a leave, when it had stood for three seconds.
  while (out.size() < most && (added != ready_added_.end() || removed != ready_removed_.end())) {
    const bool removal = added == ready_added_.end() ||
                         (removed != ready_removed_.end() &&
                          std::pair(removed->second.at + kUndoneWithin, removed->first) <
                              std::pair(added->second.at, added->first));
    out.push_back((removal ? removed++ : added++)->second);
  }
  return out;
}

std::vector<Comings::Change> Comings::within(const Told& bounds) const {
  std::vector<Change> out = next(ready());
  std::erase_if(out, [&](const Change& change) {
    return change.position > (change.added ? bounds.added : bounds.removed);
  });
  return out;
}

Comings::Told Comings::after(const std::vector<Change>& changes) const {
  Told out = told_;
  for (const Change& change : changes) {
    Position& furthest = change.added ? out.added : out.removed;
    furthest = std::max(furthest, change.position);
  }
  return out;
}

void Comings::tell(const std::vector<Change>& changes, const Told& bounds) {
  for (const Change& change : changes)
    (change.added ? ready_added_ : ready_removed_).erase(change.position);
  told_ = {std::max(told_.added, bounds.added), std::max(told_.removed, bounds.removed)};
}

std::optional<Comings::Position> Comings::first_leaving() const {
  for (const auto& [place, position] : leaving_order_) {
    const auto it = leaving_.find(place);
    if (it != leaving_.end() && it->second.change.position == position) return position;
  }
  return std::nullopt;
}

bool Comings::decided(const Position& removed) const {
  const auto first = first_leaving();
  return !first || *first > removed;
}

WebhookCursor Comings::cursor() const {
  engine::Seq done = reached_;
  for (const auto* ready : {&ready_added_, &ready_removed_})
    if (!ready->empty()) done = std::min(done, ready->begin()->first.first - 1);
  if (const auto leaving = first_leaving()) done = std::min(done, leaving->first - 1);
  const Told until = all_until(done);
  return {done,
          {std::max(told_.added, until.added), std::max(told_.removed, until.removed)},
          std::nullopt};
}

std::string render(const WebhookCursor& c) {
  std::string out = fmt::format("{} {} {} {} {}", c.done, c.told.added.first, c.told.added.second,
                                c.told.removed.first, c.told.removed.second);
  if (c.begun)
    out += fmt::format(" {} {} {} {}", c.begun->added.first, c.begun->added.second,
                       c.begun->removed.first, c.begun->removed.second);
  return out;
}

std::optional<WebhookCursor> parse_webhook_cursor(std::string_view text) {
  std::array<std::uint64_t, 9> numbers{};
  std::size_t n = 0;
  while (n < numbers.size()) {
    const std::size_t space = std::min(text.find(' '), text.size());
    const auto number = store::parse_decimal(text.substr(0, space));
    if (!number) return std::nullopt;
    numbers[n++] = *number;
    if (space == text.size()) {
      text = {};
      break;
    }
    text.remove_prefix(space + 1);
  }
  if (!text.empty() || (n != 5 && n != 9)) return std::nullopt;
  const auto told = [&](std::size_t i) {
    return Comings::Told{{numbers[i], static_cast<std::uint32_t>(numbers[i + 1])},
                         {numbers[i + 2], static_cast<std::uint32_t>(numbers[i + 3])}};
  };
  WebhookCursor out{numbers[0], told(1), std::nullopt};
  if (n == 9) out.begun = told(5);
  return out;
}

}  // namespace rollcall::net::inline presence
