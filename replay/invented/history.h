// An invented history, deed by deed in the order of time.
//
// Why this file exists: demos, load and tests want a history that looks like one: people with
// habits who come, work, eat, hide, lose their connection and forget to log out; a server that
// crashes, is restarted for an update and is back. Everything follows from the seed. Pure: knows no
// store, clock or file, and keeps one record a person, however long the history.
#pragma once

#include "replay/invented/people.h"
#include "store/proposal.h"

#include <deque>
#include <queue>
#include <vector>

namespace rollcall::replay::inline invented {

struct HistoryPlan {
  std::uint64_t seed = 1;
  std::uint32_t users = 0, days = 0;
  engine::Micros start = 0;  ///< midnight UTC
  [[nodiscard]] engine::Micros end() const;
};
inline constexpr std::uint32_t kInventedUsersMax = 1'000'000;
inline constexpr std::uint32_t kInventedDaysMax = 3650;

/// Something that a person does, or the server: NodeUp where it starts, NodeDown with the cause
/// Crash or Drain where it ends.
struct Deed {
  engine::Micros at = 0;
  std::uint32_t person = 0;
  Device device = Device::Laptop;
  bool touch = false;            ///< only a sign of life
  std::uint32_t connection = 0;  ///< LinkUp, LinkDown
  std::uint32_t room = 0;        ///< Joined, Left
  store::Proposal proposal;      ///< without user, session, node, connection and channel
};

class InventedHistory {
 public:
  explicit InventedHistory(const HistoryPlan& plan);
  /// False at the end.
  [[nodiscard]] bool next(Deed& deed);
  [[nodiscard]] std::string name(std::uint32_t person) const;
  [[nodiscard]] const HistoryPlan& plan() const { return plan_; }

 private:
  using Micros = engine::Micros;
  struct OnDevice {
    bool open = false;  ///< the session, unless ends_at is over
    bool joined = false;
    std::uint16_t grace_s = 0;  ///< of the last link's end
    std::uint32_t connections[2] = {};
    Micros ends_at = 0;  ///< when a timer ends it; 0 while it is linked
    [[nodiscard]] bool linked() const { return connections[0] != 0; }
  };
  enum class Phase : std::uint8_t { Out, Here };
  struct Person {
    Draw draw;
    Habits habits;
    Phase phase = Phase::Out;
    std::int32_t day = -1;  ///< on which the present or last stay began
    Micros leaves_at = 0, lunch_at = 0, lunch_ends_at = 0, phone_until = 0;
    std::uint32_t rooms[2] = {};
    OnDevice devices[kDevices];
  };
  enum class What : std::uint8_t { Step, Reconnect };
  struct Next {
    Micros at;
    std::uint32_t person;
    What what;
    auto operator<=>(const Next&) const = default;
  };
  struct Outage {
    Micros from = 0, to = 0;
    engine::Cause cause = engine::Cause::Crash;
  };
  enum class Server : std::uint8_t { Up, Draining, Down, Over };

  void step(std::uint32_t index, Micros at);
  void arrive(std::uint32_t index, Micros at);
  void act(std::uint32_t index, Micros at);
  void act_as_script(std::uint32_t index, Micros at);
  void act_with_phone(std::uint32_t index, Micros at);
  void lunch(std::uint32_t index, Micros at);
  void leave(std::uint32_t index, Micros at);
  void reconnect(std::uint32_t index, Micros at);
  void schedule_arrival(std::uint32_t index, Micros after);
  void schedule(std::uint32_t index, Micros at, What what = What::Step);

  void be_on(std::uint32_t index, Device device, Micros at, engine::Cause why);
  void lose_links(std::uint32_t index, Device device, Micros at, engine::Cause how);
  void close(std::uint32_t index, Device device, Micros at);
  void do_something(std::uint32_t index, Device device, Micros at);
  void set_status(std::uint32_t index, Micros at, engine::Override manual, bool do_not_disturb,
                  Micros until, std::string_view text, std::string_view emoji);
  Deed& add(std::uint32_t index, Device device, engine::Kind kind, Micros at,
            engine::Cause cause = engine::Cause::None);
  [[nodiscard]] bool works_on(const Person& person, std::int32_t day) const;

  void plan_outage(Micros after);
  void server_goes(Micros at);
  void server_comes(Micros at);

  HistoryPlan plan_;
  std::uint32_t room_count_;
  std::vector<Person> people_;
  std::priority_queue<Next, std::vector<Next>, std::greater<>> next_;
  std::deque<Deed> ready_;
  Draw outages_;
  Outage outage_;  ///< the next one, or the present
  Server server_ = Server::Down;
  Micros up_since_ = 0;
  std::uint32_t draining_ = 0;  ///< whose connections are closed next
  std::uint32_t connection_ = 0;
};

}  // namespace rollcall::replay::inline invented
