// POST /v1/replay: the clock of a server that plays the past.
#pragma once

#include "net/v1/endpoints.h"

namespace rollcall::net::inline v1 {

/// What is not given stays as it is; with nothing given the answer says how it is.
struct PlaybackRequest {
  std::optional<bool> paused;
  std::optional<std::string> speed;  ///< "1x", "60x", "max"
  std::optional<std::string> at;     ///< a moment, or seq:N, to go to
};
BOOST_DESCRIBE_STRUCT(PlaybackRequest, (), (paused, speed, at))

struct PlaybackResponse {
  replay::Moment at;  ///< the replay's clock
  std::uint64_t seq = 0;
  std::string speed;
  bool paused = false, ended = false;
  replay::Moment from, to;
};
BOOST_DESCRIBE_STRUCT(PlaybackResponse, (), (at, seq, speed, paused, ended, from, to))

struct PlaybackEndpoint {
  static constexpr Attributes kRoute{"POST", "/v1/replay", "audit:read",
                                     "Pause, speed and moment of a server that plays the past"};
  using Request = PlaybackRequest;
  using Response = PlaybackResponse;
  static Answer<Response> run(Call call, Request request);
};

using PlaybackEndpoints = boost::mp11::mp_list<PlaybackEndpoint>;

}  // namespace rollcall::net::inline v1
