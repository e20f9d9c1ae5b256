// What a subscriber missed on a channel whose frames carry a seq.
#pragma once

#include "net/v1/endpoints.h"

namespace rollcall::net::inline v1 {

/// Net changes after `after`: on a presence channel, of members; on the engine's channels, the
/// newest state of everybody who changed. Gone (Errc::CursorGone) where too much has happened.
[[nodiscard]] store::Result<CatchupResponse> catch_up(App& app, const std::string& channel,
                                                      engine::Seq after);

}  // namespace rollcall::net::inline v1
