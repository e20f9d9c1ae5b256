// The Pusher Channels protocol, version 7, on one shard: what a client says and what it is
// answered.
#pragma once

#include "net/access/quota.h"
#include "net/hub/shard.h"
#include "net/wire/pusher_message.h"

namespace rollcall::net::inline pusher {

class Pusher final : public Protocol {
 public:
  explicit Pusher(Shard& shard) : shard_(shard) {}

  std::string opened(Connection& connection) override;
  void message(Connection& connection, std::string_view text) override;
  void closed(Connection& connection, End end) override;
  void refused(Connection& connection, const std::string& channel, Ticket ticket) override;
  void fell_behind(Connection& connection, const std::string& channel) override;

 private:
  void subscribe(Connection& connection, const boost::json::value& data);
  void unsubscribe(Connection& connection, const boost::json::value& data);
  void sign_in(Connection& connection, const boost::json::value& data);
  void client_event(Connection& connection, const ClientMessage& message);
  /// Nobody is the member of that ticket any more; it, or nothing where there was none.
  static std::optional<Identity::Member> take_member(Connection& connection, Ticket ticket);
  [[nodiscard]] bool spend_token(Connection& connection);
  void touch(Connection& connection);
  static Identity& identity_of(Connection& connection);

  Shard& shard_;
  Rates comings_;  ///< of who leaves and comes again: each is an event of the log
};

}  // namespace rollcall::net::inline pusher
