// Days, hours and minutes of invented people, and of their server.
#include "replay/invented/history.h"

#include "engine/event_fields.h"

#include <algorithm>
#include <utility>

namespace rollcall::replay::inline invented {

using engine::Cause;
using engine::Kind;
using engine::Micros;

namespace {

constexpr Micros kSecond = 1'000'000, kMinute = 60 * kSecond, kHour = 60 * kMinute,
                 kDay = 24 * kHour;
// The default policy's: whether a session is still there decides whether somebody logs in again.
const engine::Policy kPolicy;

Micros some(Draw& draw, Micros least, Micros most) { return draw.between(least, most); }

Device main_device(const Habits& habits) {
  switch (habits.kind) {
    case Habits::Kind::Casual:
      return Device::Phone;
    case Habits::Kind::Script:
      return Device::Api;
    default:
      return Device::Laptop;
  }
}

std::uint16_t grace_of(Cause how) {
  return how == Cause::Clean   ? kPolicy.grace_clean_s
         : how == Cause::Drain ? kPolicy.grace_drain_s
         : how == Cause::Crash ? kPolicy.grace_node_s
                               : kPolicy.grace_abort_s;
}

}  // namespace

Micros HistoryPlan::end() const { return start + Micros{days} * kDay; }

InventedHistory::InventedHistory(const HistoryPlan& plan)
    : plan_(plan),
      room_count_(rooms_of(plan.users)),
      people_(plan.users),
      outages_(plan.seed ^ 0x5EB7E5) {
  for (std::uint32_t i = 0; i < plan.users; ++i) {
    Person& p = people_[i];
    p.habits = habits_of(plan.seed, i);
    p.draw = Draw(plan.seed + 0x9E3779B9 * (std::uint64_t{i} + 1));
    (void)p.draw.next();
    for (auto& room : p.rooms) room = static_cast<std::uint32_t>(p.draw.below(room_count_));
    if (p.rooms[1] == p.rooms[0]) p.rooms[1] = (p.rooms[0] + 1) % room_count_;
    schedule_arrival(i, plan.start);
  }
  outage_ = {plan.start, plan.start, Cause::Drain};  // the first start
}

std::string InventedHistory::name(std::uint32_t person) const {
  return name_of(people_[person].habits, person);
}

bool InventedHistory::next(Deed& deed) {
  while (ready_.empty()) {
    if (server_ == Server::Over) return false;
    if (server_ == Server::Draining) {  // one person at a time: there may be many
      if (draining_ < people_.size()) {
        for (const Device device : {Device::Laptop, Device::Phone})
          lose_links(draining_, device, outage_.from, Cause::Drain);
        ++draining_;
      } else {
        (void)add(0, Device::Api, Kind::NodeDown, outage_.from, Cause::Drain);
        server_ = outage_.from >= plan_.end() ? Server::Over : Server::Down;
      }
      continue;
    }
    if (server_ == Server::Down) {
      if (outage_.to >= plan_.end()) {
        server_ = Server::Over;
        return false;
      }
      server_comes(outage_.to);
      continue;
    }
    const Micros at = next_.empty() ? plan_.end() : next_.top().at;
    if (outage_.from <= std::min(at, plan_.end())) {
      server_goes(outage_.from);
      continue;
    }
    if (at >= plan_.end()) {
      outage_ = {plan_.end(), plan_.end(), Cause::Drain};
      server_goes(plan_.end());
      continue;
    }
    const Next due = next_.top();
    next_.pop();
    if (due.at < up_since_) {  // nobody could reach the server then
      Draw& draw = people_[due.person].draw;
      schedule(due.person, up_since_ + some(draw, kSecond, 25 * kSecond), due.what);
      continue;
    }
    if (due.what == What::Step)
      step(due.person, due.at);
    else
      reconnect(due.person, due.at);
  }
  deed = std::move(ready_.front());
  ready_.pop_front();
  return true;
}

// The server.

/// A crash every week or two, and a new version on most Wednesdays, before people come.
void InventedHistory::plan_outage(Micros after) {
  const Micros crash = after + some(outages_, 3 * kDay, 16 * kDay);
  constexpr std::int64_t kFirstWednesday = 6;  // 1970-01-07
  const std::int64_t today = after / kDay;
  const std::int64_t days = (kFirstWednesday - today % 7 + 7) % 7;
  Micros update = (today + days) * kDay + 5 * kHour + 30 * kMinute;
  if (update <= after + kHour) update += 7 * kDay;
  update += some(outages_, 0, 20 * kMinute);
  if (crash < update) {
    const bool long_one = outages_.percent(20);
    outage_ = {crash, crash + some(outages_, 8 * kSecond, long_one ? 10 * kMinute : kMinute),
               Cause::Crash};
  } else {
    outage_ = {update, update + some(outages_, 3 * kSecond, 12 * kSecond), Cause::Drain};
  }
}

void InventedHistory::server_goes(Micros at) {
  if (outage_.cause == Cause::Drain) {
    server_ = Server::Draining;
    draining_ = 0;
    return;
  }
  server_ = Server::Down;
  (void)add(0, Device::Api, Kind::NodeDown, at, Cause::Crash);
  for (Person& p : people_)
    for (OnDevice& on : p.devices) {
      if (!on.linked()) continue;
      on.connections[0] = on.connections[1] = 0;
      on.joined = false;
      on.grace_s = kPolicy.grace_node_s;
      on.ends_at = outage_.to;  // its grace is added when the server is back
    }
}

/// Graces begin anew, and what has no connection lives longer by the gap (docs/presence.md, C15).
void InventedHistory::server_comes(Micros at) {
  server_ = Server::Up;
  up_since_ = at;
  (void)add(0, Device::Api, Kind::NodeUp, at);
  const Micros gap = outage_.to - outage_.from;
  for (std::uint32_t i = 0; i < people_.size(); ++i) {
    Person& p = people_[i];
    bool was_here = false;
    for (std::size_t d = 0; d < kDevices; ++d) {
      OnDevice& on = p.devices[d];
      if (!on.open || on.ends_at == 0) continue;
      if (static_cast<Device>(d) == Device::Api) {
        if (on.ends_at >= outage_.from) on.ends_at += gap;
        continue;
      }
      if (on.ends_at < outage_.from) continue;  // it had ended before
      on.ends_at = at + on.grace_s * kSecond;
      was_here = true;
    }
    // Nearly everybody's client connects again by itself.
    if (was_here && p.phase == Phase::Here && p.draw.percent(92))
      schedule(i, at + some(p.draw, kSecond, 25 * kSecond), What::Reconnect);
  }
  plan_outage(at);
}

// People's days.

void InventedHistory::schedule(std::uint32_t index, Micros at, What what) {
  next_.push({at, index, what});
}

bool InventedHistory::works_on(const Person& person, std::int32_t day) const {
  const std::int64_t since_1970 = plan_.start / kDay + day;
  const std::int64_t weekday = (since_1970 + 3) % 7;  // 0 is Monday: 1970-01-01 was a Thursday
  const auto lot = Draw(plan_.seed ^ (std::uint64_t{person.rooms[0]} << 20) ^
                        static_cast<std::uint64_t>(day) * 977 ^ person.habits.start_minute)
                       .next() %
                   100;
  switch (person.habits.kind) {
    case Habits::Kind::Office:
      return weekday < 5 && lot >= 8;  // sometimes ill or on holiday
    case Habits::Kind::Shift:
      return (since_1970 + person.habits.first_day) % 6 < 4;
    case Habits::Kind::Casual:
      return lot < 65;
    case Habits::Kind::Script:
      return true;
  }
  return true;
}

void InventedHistory::schedule_arrival(std::uint32_t index, Micros after) {
  Person& p = people_[index];
  const Micros since_start = after - plan_.start;
  std::int32_t day = std::max(p.day + 1, static_cast<std::int32_t>(since_start / kDay));
  const Micros jitter = some(p.draw, -15 * kMinute, 25 * kMinute);
  for (const auto days = static_cast<std::int32_t>(plan_.days); day < days; ++day) {
    const Micros at =
        std::max(plan_.start, plan_.start + day * kDay + p.habits.start_minute * kMinute + jitter);
    if (at < after || !works_on(p, day)) continue;
    p.day = day;
    return schedule(index, at);
  }
}

void InventedHistory::step(std::uint32_t index, Micros at) {
  Person& p = people_[index];
  if (p.phase == Phase::Out) return arrive(index, at);
  if (p.habits.kind == Habits::Kind::Script) return act_as_script(index, at);
  if (at >= p.leaves_at) return leave(index, at);
  if (p.lunch_at != 0 && at >= p.lunch_at) return lunch(index, at);
  act(index, at);
}

void InventedHistory::arrive(std::uint32_t index, Micros at) {
  Person& p = people_[index];
  p.phase = Phase::Here;
  p.lunch_at = 0;
  switch (p.habits.kind) {
    case Habits::Kind::Script:
      return act_as_script(index, at);
    case Habits::Kind::Casual:
      p.leaves_at = at + some(p.draw, 4 * kMinute, 25 * kMinute);
      break;
    case Habits::Kind::Shift:
      p.leaves_at = at + p.habits.work_minutes * kMinute;
      p.lunch_at = at + 4 * kHour + some(p.draw, -20 * kMinute, 20 * kMinute);
      break;
    case Habits::Kind::Office:
      p.leaves_at = at + p.habits.work_minutes * kMinute + some(p.draw, -40 * kMinute, kHour);
      p.lunch_at = at - at % kDay + 12 * kHour + some(p.draw, -30 * kMinute, 45 * kMinute);
      if (p.lunch_at < at + kHour) p.lunch_at = 0;
      break;
  }
  be_on(index, main_device(p.habits), at, Cause::Connect);
  if (p.habits.hides && p.draw.percent(70))
    set_status(index, at, engine::Override::Invisible, false, p.leaves_at, "", "");
  schedule(index, at + some(p.draw, 2 * kSecond, 90 * kSecond));
}

void InventedHistory::act(std::uint32_t index, Micros at) {
  Person& p = people_[index];
  const Device device = main_device(p.habits);
  be_on(index, device, at, Cause::Resync);
  Micros pause = some(p.draw, 15 * kSecond, 170 * kSecond);
  const std::uint64_t what = p.draw.below(1000);
  if (what < 560) {
    do_something(index, device, at);
    if (p.draw.percent(30)) pause = some(p.draw, 2 * kSecond, 12 * kSecond);
  } else if (what < 770) {
    add(index, device, Kind::Activity, at).touch = true;
  } else if (what < 800) {  // reads, or talks to somebody at the door
    pause = some(p.draw, 5 * kMinute, 12 * kMinute);
  } else if (what < 815 && device == Device::Laptop) {  // a meeting
    pause = some(p.draw, 15 * kMinute, 30 * kMinute);
    if (p.draw.percent(40))
      set_status(index, at, engine::Override::None, true, at + pause, "in a meeting", "📞");
  } else if (what < 830) {  // locks the screen: the client says so
    add(index, device, Kind::Inactivity, at, Cause::ClientHint);
    pause = some(p.draw, 3 * kMinute, 15 * kMinute);
  } else if (what < 850) {  // the network
    lose_links(index, device, at, p.draw.percent(60) ? Cause::Timeout : Cause::Abort);
    pause = p.draw.percent(85) ? some(p.draw, 2 * kSecond, 10 * kSecond)
                               : some(p.draw, 20 * kSecond, 3 * kMinute);
  } else if (what < 885) {  // a second tab, opened or closed
    OnDevice& on = p.devices[static_cast<std::size_t>(device)];
    if (on.connections[1] == 0) {
      on.connections[1] = ++connection_;
      add(index, device, Kind::LinkUp, at).connection = on.connections[1];
    } else {
      add(index, device, Kind::LinkDown, at, Cause::Clean).connection =
          std::exchange(on.connections[1], 0);
    }
  } else if (what >= 950 && p.habits.phone) {
    act_with_phone(index, at);
  } else {
    do_something(index, device, at);
  }
  if (p.lunch_at > at) pause = std::min(pause, p.lunch_at - at);
  schedule(index, at + pause);
}

void InventedHistory::act_with_phone(std::uint32_t index, Micros at) {
  Person& p = people_[index];
  const OnDevice& on = p.devices[static_cast<std::size_t>(Device::Phone)];
  if (on.linked() && at >= p.phone_until)
    return lose_links(index, Device::Phone, at, Cause::Timeout);  // back in the pocket
  if (!on.linked()) p.phone_until = at + some(p.draw, kMinute, 15 * kMinute);
  be_on(index, Device::Phone, at, Cause::Connect);
  do_something(index, Device::Phone, at);
}

void InventedHistory::act_as_script(std::uint32_t index, Micros at) {
  Person& p = people_[index];
  OnDevice& on = p.devices[static_cast<std::size_t>(Device::Api)];
  be_on(index, Device::Api, at, Cause::Login);
  Deed& deed = add(index, Device::Api, Kind::Activity, at);
  deed.proposal.action = something_synced(p.draw, deed.proposal.body);
  on.ends_at = at + kPolicy.ttl_s * kSecond;
  Micros pause = some(p.draw, 5 * kMinute, 40 * kMinute);
  if (p.draw.percent(3)) {
    close(index, Device::Api, at);
    pause = some(p.draw, kHour, 3 * kHour);
  } else if (p.draw.percent(2)) {
    pause = some(p.draw, 3 * kHour, 5 * kHour);  // hangs, and its session runs out
  }
  schedule(index, at + pause);
}

void InventedHistory::lunch(std::uint32_t index, Micros at) {
  Person& p = people_[index];
  const Device device = main_device(p.habits);
  const Micros back = at + some(p.draw, 25 * kMinute, kHour);
  p.lunch_at = 0;
  const bool shown = p.habits.lunch_status && !p.habits.hides;
  if (shown) set_status(index, at, engine::Override::Away, false, back, "lunch", "🍝");
  if (p.draw.percent(45)) lose_links(index, device, at, Cause::Clean);  // the lid is closed
  schedule(index, back);
}

void InventedHistory::leave(std::uint32_t index, Micros at) {
  Person& p = people_[index];
  p.phase = Phase::Out;
  constexpr Cause kHow[] = {Cause::Clean, Cause::Clean, Cause::Abort, Cause::Timeout};
  for (const Device device : {Device::Laptop, Device::Phone}) {
    if (p.habits.tidy)
      close(index, device, at);
    else
      lose_links(index, device, at, kHow[p.draw.below(4)]);
  }
  const Micros evening = plan_.start + p.day * kDay + 22 * kHour;
  const Micros again = at + some(p.draw, kHour, 5 * kHour);
  if (p.habits.kind == Habits::Kind::Casual && again < evening && p.draw.percent(55))
    return schedule(index, again);
  schedule_arrival(index, at);
}

void InventedHistory::reconnect(std::uint32_t index, Micros at) {
  Person& p = people_[index];
  if (p.phase != Phase::Here) return;
  for (const Device device : {Device::Laptop, Device::Phone}) {
    const OnDevice& on = p.devices[static_cast<std::size_t>(device)];
    if (on.open && !on.linked() && on.ends_at >= at) be_on(index, device, at, Cause::Resync);
  }
}

// What they do.

Deed& InventedHistory::add(std::uint32_t index, Device device, Kind kind, Micros at, Cause cause) {
  Deed& deed = ready_.emplace_back();
  deed.at = at;
  deed.person = index;
  deed.device = device;
  deed.proposal.kind = kind;
  deed.proposal.cause = cause;
  return deed;
}

/// Logs in, connects and joins: as much of it as is not so already.
void InventedHistory::be_on(std::uint32_t index, Device device, Micros at, Cause why) {
  Person& p = people_[index];
  OnDevice& on = p.devices[static_cast<std::size_t>(device)];
  if (on.open && on.ends_at != 0 && on.ends_at < at) on.open = false;  // a timer ended it
  if (!on.open) {
    Deed& login = add(index, device, Kind::Login, at, why);
    describe_login(index, device, login.proposal.body);
    on.open = true;
  }
  if (device == Device::Api) return;
  if (!on.linked()) {
    on.connections[0] = ++connection_;
    add(index, device, Kind::LinkUp, at).connection = on.connections[0];
    on.ends_at = 0;
  }
  if (device == Device::Laptop && !on.joined) {
    for (const auto room : p.rooms) add(index, device, Kind::Joined, at).room = room;
    on.joined = true;
  }
}

void InventedHistory::lose_links(std::uint32_t index, Device device, Micros at, Cause how) {
  Person& p = people_[index];
  OnDevice& on = p.devices[static_cast<std::size_t>(device)];
  if (std::exchange(on.joined, false))
    for (const auto room : p.rooms) add(index, device, Kind::Left, at).room = room;
  if (!on.linked()) return;
  for (auto& connection : on.connections)
    if (connection != 0)
      add(index, device, Kind::LinkDown, at, how).connection = std::exchange(connection, 0);
  on.grace_s = grace_of(how);
  on.ends_at = at + on.grace_s * kSecond;
}

/// Logs out, if there is something to log out of.
void InventedHistory::close(std::uint32_t index, Device device, Micros at) {
  OnDevice& on = people_[index].devices[static_cast<std::size_t>(device)];
  if (!on.open || (on.ends_at != 0 && on.ends_at < at)) return;
  if (on.joined)
    for (const auto room : people_[index].rooms) add(index, device, Kind::Left, at).room = room;
  add(index, device, Kind::Logout, at, Cause::Logout);
  on = {};
}

void InventedHistory::do_something(std::uint32_t index, Device device, Micros at) {
  Person& p = people_[index];
  const auto other = static_cast<std::uint32_t>(p.draw.below(people_.size()));
  Deed& deed = add(index, device, Kind::Activity, at);
  deed.proposal.action =
      something_done(p.draw, p.rooms[p.draw.below(2)], name(other), deed.proposal.body);
}

void InventedHistory::set_status(std::uint32_t index, Micros at, engine::Override manual,
                                 bool do_not_disturb, Micros until, std::string_view text,
                                 std::string_view emoji) {
  Deed& deed = add(index, Device::Laptop, Kind::StatusSet, at, Cause::User);
  deed.proposal.flags = static_cast<std::uint16_t>(
      static_cast<std::uint16_t>(manual) | (do_not_disturb ? engine::flag::kDoNotDisturb : 0));
  engine::write_fields(deed.proposal, engine::StatusFields{until});
  deed.proposal.body.status_text = text;
  deed.proposal.body.emoji = emoji;
}

}  // namespace rollcall::replay::inline invented
