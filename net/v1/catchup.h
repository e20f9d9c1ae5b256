// What a subscriber missed on a channel whose frames carry a seq.
#pragma once

#include "net/presence/app.h"
#include "net/v1/endpoint.h"

namespace rollcall::net::inline v1 {

struct Missed {
  std::uint64_t seq = 0;
  std::string event, channel, data;
};
BOOST_DESCRIBE_STRUCT(Missed, (), (seq, event, channel, data))

struct CatchupResponse {
  std::uint64_t upto = 0;
  std::vector<Missed> events;
};
BOOST_DESCRIBE_STRUCT(CatchupResponse, (), (upto, events))

/// Net changes after `after`: on a presence channel, of members; on the engine's channels, the
/// newest state of everybody who changed. Gone (Errc::CursorGone) where too much has happened.
[[nodiscard]] store::Result<CatchupResponse> catch_up(App& app, const std::string& channel,
                                                      engine::Seq after);

}  // namespace rollcall::net::inline v1
