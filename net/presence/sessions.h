// Connections as presence: a signed-in connection, a member of a presence channel and a login over
// the API are sessions of the same user.
//
// Why this file exists: what a socket does becomes facts in the log here and nowhere else. A first
// connection logs in and links, a lost one starts the grace, an explicit logout is at once.
#pragma once

#include "net/presence/write.h"
#include "store/bytes/mutex.h"

#include <functional>
#include <memory>
#include <string>
#include <unordered_map>
#include <vector>

namespace rollcall::net::inline presence {

struct Who {
  std::string user;
  std::string session;  ///< the caller's own name for it; empty: the one all share
  std::string address, agent;
};

class AnswerSweep;

enum class LinkEnd : std::uint8_t { Clean, Abort, Timeout, Drain };

/// Callbacks come on the committer's thread once what they report is durable.
class Sessions {
 public:
  using Then = std::function<void(const store::Result<engine::Seq>&)>;

  explicit Sessions(store::LogSource& live);
  ~Sessions();

  /// The connection stands for `who` from now on, for this reason: a subscription, or (0) the
  /// sign-in; with a channel, it also attends that. The seq is that of the last event it took (of
  /// Joined, with a channel).
  void attach(ConnectionId connection, Ticket reason, Who who, std::string channel, Then then);
  /// Not for this reason any more. Nothing where it did not stand for anybody for this reason.
  void detach(ConnectionId connection, Ticket reason, std::string channel, Then then);
  /// The socket is gone. `attended`: its logged channels with who it was there.
  struct Attended {
    std::string channel, user;
    Ticket reason = 0;
  };
  void gone(ConnectionId connection, LinkEnd end, std::vector<Attended> attended, Then then);
  /// A sign of life of whoever the connection stands for.
  void touch(ConnectionId connection);
  /// The client says its user went away: ignored while the session has another link.
  void hint_away(ConnectionId connection);

  /// then: a Conflict where the session is not open, NotFound where there is no such user,
  /// BadInput (422) where the key was used for another request.
  void write(Write write, std::function<void(const store::Result<WriteReply>&)> then);
  /// Closes every session of the user, at once.
  void terminate(std::string user);

  /// Deletes what Idempotency-Keys were answered more than a day ago, piece by piece.
  void sweep_answers();

  /// After the writer came back: what closed meanwhile is told, and what was taken by commits that
  /// failed is let go. From then on the log has the links that there are.
  void resume();

 private:
  struct Hold {
    Ticket reason = 0;
    std::string channel;  ///< that it attends; empty: none
  };
  struct Linked {
    engine::Seq session = 0;
    engine::UserNumber user = 0;
    std::vector<Hold> holds;
    [[nodiscard]] bool holds_for(Ticket reason) const;
    std::string key;  ///< of the session
  };
  store::Result<Linked*> ensure(store::Transaction& transaction, ConnectionId connection,
                                const Who& who);
  void drop(store::Transaction& transaction, ConnectionId connection, Linked& linked,
            engine::Cause cause);
  store::Result<WriteReply> perform(store::Transaction& transaction, const Write& write);

  store::LogSource& live_;
  // On the sequencer's thread alone:
  std::unordered_map<ConnectionId, std::vector<Linked>> links_;
  std::unique_ptr<AnswerSweep> answers_;
  // Of a writer that is stopped: what ended and could not be told, until resume().
  store::Mutex missed_mutex_;
  struct Missed {
    ConnectionId connection = 0;
    LinkEnd end = LinkEnd::Abort;
  };
  std::vector<Missed> missed_ RC_GUARDED_BY(missed_mutex_);
  struct Released {
    ConnectionId connection = 0;
    Ticket reason = 0;
  };
  /// Of connections that go on.
  std::vector<Released> released_ RC_GUARDED_BY(missed_mutex_);
  void release_later(ConnectionId connection, Ticket reason);
  void missed(ConnectionId connection, LinkEnd end);
  void reconcile(store::Transaction& transaction);
};

}  // namespace rollcall::net::inline presence
