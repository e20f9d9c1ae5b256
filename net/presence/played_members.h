// The members of channels in a replay: those of the past, whoever listens now.
//
// Why this file exists: live, a member is a connection that the hub has. Of the past there are no
// connections, but the log says who was in which channel.
#pragma once

#include "net/hub/hub.h"
#include "store/writer.h"

#include <map>
#include <string>

namespace rollcall::net::inline presence {

class PlayedMembers {
 public:
  explicit PlayedMembers(Hub& hub) : hub_(hub) {}

  /// Everybody who is in a channel in this state; whoever was shown before and is not goes.
  void place(const engine::State& state, const store::ReadView& reading);
  void apply(const store::Writer::Batch& batch, const store::ReadView& reading);

 private:
  using Names = std::map<engine::UserNumber, std::string>;
  void in(const std::string& channel, engine::UserNumber user, const store::ReadView& reading,
          engine::Seq seq);
  void out(const std::string& channel, engine::UserNumber user, engine::Seq seq);

  Hub& hub_;
  std::map<std::string, Names> shown_;  ///< by channel
};

}  // namespace rollcall::net::inline presence
