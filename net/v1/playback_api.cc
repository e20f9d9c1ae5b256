// The clock is set off the connections' threads: going to a moment folds up to it.
#include "net/v1/playback_api.h"

#include "net/v1/offload.h"
#include "store/log/event_clock.h"

namespace rollcall::net::inline v1 {

Answer<PlaybackResponse> PlaybackEndpoint::run(Call call, Request r) {
  replay::Playback* const playback = call.app.playback();
  if (playback == nullptr)
    co_return store::Error{store::Errc::NotFound,
                           "this server is live: `rollcall replay --listen` plays the past"};
  auto work = [playback, r]() -> store::Result<PlaybackResponse> {
    std::optional<replay::Speed> speed;
    if (r.speed) {
      const auto read = replay::read_speed(*r.speed);
      if (!read) return read.error();
      speed = *read;
    }
    if (r.paused && *r.paused) playback->pause(true);
    if (speed) playback->set_speed(*speed);
    // "-2h" is meant of the replay's time.
    if (r.at) RC_TRY(playback->move_to(*r.at, playback->position().at));
    if (r.paused && !*r.paused) playback->pause(false);
    const auto is = playback->position();
    return PlaybackResponse{{is.at},   is.seq, replay::speed_text(is.speed), is.paused, is.ended,
                            {is.from}, {is.to}};
  };
  co_return co_await offload<PlaybackResponse>(call, std::move(work));
}

}  // namespace rollcall::net::inline v1
