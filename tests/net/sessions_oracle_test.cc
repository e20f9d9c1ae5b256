// Whatever connections do, the log holds exactly the links and memberships that there are.
#include "net/presence/sessions.h"
#include "tests/support/served.h"

#include <map>
#include <set>

using namespace rollcall;
using engine::Kind;
using net::ConnectionId;
using net::LinkEnd;
using net::Sessions;
using net::Ticket;
using store::Transaction;
using test::patient;
using test::Served;

namespace {

/// Who has which connection for which reason, kept by hand.
class Oracle {
 public:
  struct Reason {
    std::string user, session, channel;
  };
  using Place = std::pair<std::string, std::string>;  // user, session
  std::map<ConnectionId, std::map<Ticket, Reason>> reasons;
  std::map<Place, std::set<ConnectionId>> linked;

  void attach(ConnectionId id, Ticket ticket, const Reason& reason) {
    reasons[id][ticket] = reason;
    linked[{reason.user, reason.session}].insert(id);
  }
  void drop(ConnectionId id, Ticket ticket) {
    const Reason reason = reasons[id][ticket];
    reasons[id].erase(ticket);
    for (const auto& [other, r] : reasons[id])
      if (r.user == reason.user && r.session == reason.session) return;
    linked[{reason.user, reason.session}].erase(id);
  }
  void end(const std::string& user) {
    for (auto& [place, ids] : linked)
      if (place.first == user) ids.clear();
  }
  [[nodiscard]] std::map<std::pair<std::string, std::string>, std::uint32_t> attending() const {
    std::map<std::pair<std::string, std::string>, std::uint32_t> out;
    for (const auto& [id, all] : reasons)
      for (const auto& [ticket, r] : all)
        if (!r.channel.empty()) ++out[{r.user, r.channel}];
    return out;
  }
};

void require_equal(const Served& served, const Oracle& oracle) {
  const std::string fault = served.in_log([&](Transaction& transaction) -> std::string {
    const engine::State& state = transaction.state();
    std::size_t links = 0, places = 0;
    for (const auto& [id, session] : state.sessions) links += session.links.size();
    for (const auto& [place, ids] : oracle.linked) {
      const auto& [user, key] = place;
      const auto session = transaction.writer().session_by_key(user, key);
      std::set<ConnectionId> right;
      if (session)
        for (const auto& link : state.sessions.at(*session).links) right.insert(link.connection);
      if (right != ids) return "links of " + user + "/" + key;
      links -= ids.size();
    }
    if (links != 0) return "links of nobody";
    const auto attending = oracle.attending();
    for (const auto& user : state.users)
      for (const auto& a : user.attendance) places += a.count;
    for (const auto& [where, count] : attending) {
      const auto number = transaction.writer().vault().number_of(where.first).value();
      const auto channel = transaction.writer().view().channel_number(where.second);
      std::uint32_t found = 0;
      for (const auto& a : state.users[number].attendance)
        if (channel && a.channel == *channel) found += a.count;
      if (found != count) return where.first + " in " + where.second;
      places -= count;
    }
    return places == 0 ? "" : "members who are nobody";
  });
  REQUIRE(fault == "");
}

}  // namespace

TEST_CASE("whatever connections do, the log has the links and members that there are",
          "[net][property]") {
  const std::uint64_t seed = test::test_seed();
  INFO("reproduce with ROLLCALL_SEED=" << seed);
  std::mt19937_64 rng{seed};
  const std::vector<std::string> users{"ada", "bob", "zoe"}, keys{"default", "phone"},
      channels{"", "presence-a", "presence-b"};
  const auto any = [&](const std::vector<std::string>& of) {
    return of[test::below(rng, of.size())];
  };
  for (int round = 0; round < 4; ++round) {
    Served served(patient());
    Oracle oracle;
    Ticket last = 0;
    for (int step = 0; step < 150; ++step) {
      const ConnectionId id = 16 * (1 + test::below(rng, 5));
      auto& mine = oracle.reasons[id];
      switch (test::below(rng, 8)) {
        case 0:
          if (test::below(rng, 3) != 0) break;
          {
            std::vector<Sessions::Attended> attended;
            for (const auto& [ticket, r] : mine)
              if (!r.channel.empty()) attended.push_back({r.channel, r.user, ticket});
            served.gone(id, static_cast<LinkEnd>(test::below(rng, 4)), attended);
            while (!mine.empty()) oracle.drop(id, mine.begin()->first);
          }
          break;
        case 1:
        case 2:
          if (!mine.empty()) {
            const auto it =
                std::next(mine.begin(), static_cast<std::ptrdiff_t>(test::below(rng, mine.size())));
            const Ticket ticket = it->first;
            served.detach(id, ticket, it->second.channel);
            served.detach(id, ticket, it->second.channel);  // twice is once
            oracle.drop(id, ticket);
          }
          break;
        case 3: {
          const std::string user = any(users);
          if (test::below(rng, 2) == 0)
            served.sessions->terminate(user);
          else
            (void)served.write(Kind::Logout, user);
          oracle.end(user);
          break;
        }
        case 4:
          (void)served.write(Kind::Login, any(users), any(keys));
          break;
        default: {
          const Oracle::Reason reason{any(users), any(keys), any(channels)};
          REQUIRE(served.attach(id, ++last, reason.user, reason.session, reason.channel));
          oracle.attach(id, last, reason);
        }
      }
      require_equal(served, oracle);
    }
  }
}
