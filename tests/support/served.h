// Sessions on a live log in memory: what connections and requests do, waited for until it is
// durable.
#pragma once

#include "net/presence/sessions.h"
#include "tests/support/stores.h"

#include <catch2/catch.hpp>

#include <functional>
#include <future>
#include <memory>
#include <string>
#include <thread>
#include <type_traits>
#include <utility>
#include <vector>

namespace rollcall::test {

class Served {
  MemoryStore store_;  // outlives the log that lies in it

 public:
  explicit Served(const engine::Policy& policy = {}) {
    store::LiveOptions options;
    options.medium = &store_.medium();
    options.policy = policy;
    live = store::Live::start(store_.layout(), std::move(options)).value();
    sessions = std::make_unique<net::Sessions>(*live);
    (void)story();
  }
  ~Served() { live->stop(); }  // whose callbacks come before it is gone
  Served(const Served&) = delete;
  Served& operator=(const Served&) = delete;

  template <class Value, class Begin>
  static store::Result<Value> wait(const Begin& begin) {
    std::promise<store::Result<Value>> told;
    begin([&told](const store::Result<Value>& value) { told.set_value(value); });
    return told.get_future().get();
  }
  store::Result<engine::Seq> attach(net::ConnectionId id, net::Ticket reason,
                                    const std::string& user, const std::string& session = {},
                                    const std::string& channel = {}) const {
    return wait<engine::Seq>([&](const net::Sessions::Then& then) {
      sessions->attach(id, reason, {user, session, "192.0.2.7", "far end"}, channel, then);
    });
  }
  void detach(net::ConnectionId id, net::Ticket reason, const std::string& channel = {}) const {
    (void)wait<engine::Seq>(
        [&](const net::Sessions::Then& then) { sessions->detach(id, reason, channel, then); });
  }
  void gone(net::ConnectionId id, net::LinkEnd end,
            std::vector<net::Sessions::Attended> attended = {}) const {
    (void)wait<engine::Seq>([&](const net::Sessions::Then& then) {
      sessions->gone(id, end, std::move(attended), then);
    });
  }
  store::Result<net::WriteReply> write(net::Write w) const {
    return wait<net::WriteReply>(
        [&](const std::function<void(const store::Result<net::WriteReply>&)>& then) {
          sessions->write(std::move(w), then);
        });
  }
  store::Result<net::WriteReply> write(engine::Kind kind, const std::string& user,
                                       const std::string& session = {}) const {
    net::Write w;
    w.kind = kind;
    w.user = user;
    w.session = session;
    w.all_sessions = kind == engine::Kind::Logout && session.empty();
    return write(std::move(w));
  }

  /// What `read` gives on the sequencer's thread once all that was submitted before is durable.
  template <class Read>
  auto in_log(const Read& read) const {
    std::promise<std::invoke_result_t<Read, store::Transaction&>> told;
    REQUIRE(live->submit([&](store::Transaction& transaction) {
      transaction.when_durable([&told, value = read(transaction)](const store::Result<void>&) {
        told.set_value(value);
      });
    }));
    return told.get_future().get();
  }
  /// What happened since it was asked last: "login connect". Enrolments are left out.
  std::vector<std::string> story() {
    (void)in_log([](store::Transaction&) { return true; });  // what comes after this is in the log
    return in_log([this](store::Transaction& transaction) {
      std::vector<std::string> out;
      (void)transaction.writer().log().scan(
          before_ + 1, transaction.state().seq, [&](const engine::Header& h, store::ByteView) {
            if (h.kind == engine::Kind::UserEnrolled || h.kind == engine::Kind::ChannelNamed)
              return true;
            out.emplace_back(engine::name_of(h.kind));
            if (h.cause != engine::Cause::None)
              out.back().append(" ").append(engine::name_of(h.cause));
            return true;
          });
      before_ = transaction.state().seq;
      return out;
    });
  }
  engine::Presence state_of(const std::string& user) const {
    return in_log([&](store::Transaction& transaction) {
      const auto number = transaction.writer().vault().number_of(user);
      return number ? transaction.state().users[*number].state : engine::Presence::Offline;
    });
  }
  std::size_t sessions_of(const std::string& user) const {
    return in_log([&](store::Transaction& transaction) {
      return transaction.state()
          .users[transaction.writer().vault().number_of(user).value()]
          .sessions.size();
    });
  }
  void until(const std::string& user, engine::Presence state) const {
    while (state_of(user) != state) std::this_thread::yield();
  }

  std::unique_ptr<store::Live> live;
  std::unique_ptr<net::Sessions> sessions;

 private:
  engine::Seq before_ = 0;
};

/// Nobody's grace is over while a test runs.
inline engine::Policy patient() {
  engine::Policy out;
  out.grace_clean_s = out.grace_abort_s = out.grace_drain_s = 3600;
  out.idle_after_ms = 3'600'000;
  return out;
}

}  // namespace rollcall::test
