// Who the people of an invented history are: names, habits, devices, what they do and say.
//
// Why this file exists: history.cc lets them come and go; what they are like follows here from the
// seed and their place in the list alone. All of it is invented: nobody's data is in it.
#pragma once

#include "engine/event.h"

#include <cstdint>
#include <string>

namespace rollcall::replay::inline invented {

/// Numbers from a seed, the same on every machine and library (splitmix64).
class Draw {
 public:
  explicit Draw(std::uint64_t state = 0) : state_(state) {}
  std::uint64_t next();
  std::uint64_t below(std::uint64_t n) { return next() % n; }
  /// From `least` to `most`, both included.
  std::int64_t between(std::int64_t least, std::int64_t most) {
    return least + static_cast<std::int64_t>(below(static_cast<std::uint64_t>(most - least) + 1));
  }
  bool percent(std::uint64_t chance) { return below(100) < chance; }

 private:
  std::uint64_t state_;
};

enum class Device : std::uint8_t { Laptop, Phone, Api };
inline constexpr std::size_t kDevices = 3;

struct Habits {
  enum class Kind : std::uint8_t {
    Office,  ///< working days, with lunch
    Shift,   ///< four days on, two off, early, late or at night
    Casual,  ///< looks in with the phone, any day
    Script,  ///< a service without connections, day and night
  } kind = Kind::Office;
  std::int16_t start_minute = 0;  ///< of the day, UTC
  std::int16_t work_minutes = 0;
  std::uint8_t first_day = 0;  ///< of a shift's six
  bool phone = false;          ///< has one beside the laptop
  bool tidy = false;           ///< says goodbye; others close the lid or just go
  bool hides = false;          ///< is often invisible
  bool lunch_status = false;   ///< says so when eating
};

[[nodiscard]] Habits habits_of(std::uint64_t seed, std::uint32_t person);
/// Unique, like ada.lindqvist; of a script like script-7.
[[nodiscard]] std::string name_of(const Habits& habits, std::uint32_t person);
/// The caller's own name for the session.
[[nodiscard]] std::string_view name_of(Device device);
/// Where the login comes from, in the body: device, address, agent.
void describe_login(std::uint32_t person, Device device, engine::Body& body);
[[nodiscard]] std::string room_name(std::uint32_t room);
/// How many rooms a company of so many has.
[[nodiscard]] std::uint32_t rooms_of(std::uint32_t people);

/// What somebody does: the action's name; its texts go into the body. `room` is where it is
/// said if it is said somewhere, `colleague` somebody it may be about.
[[nodiscard]] std::string_view something_done(Draw& draw, std::uint32_t room,
                                              const std::string& colleague, engine::Body& body);
[[nodiscard]] std::string_view something_synced(Draw& draw, engine::Body& body);

}  // namespace rollcall::replay::inline invented
