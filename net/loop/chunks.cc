// A bounded queue of text with one waiter.
#include "net/loop/chunks.h"

#include "store/bytes/mutex.h"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>

#include <condition_variable>
#include <vector>

namespace rollcall::net::inline loop {
namespace {

constexpr std::size_t kWaitingMost = 4U << 20;  ///< bytes a reader may lag
constexpr auto kKeepAlive = std::chrono::seconds(15);

}  // namespace

struct Chunks::Sink::State : std::enable_shared_from_this<Chunks::Sink::State> {
  explicit State(Loop& consumer) : loop(consumer), timer(consumer.io()) {}
  Loop& loop;
  boost::asio::steady_timer timer;  // on the consumer's thread alone
  mutable store::Mutex mutex;
  std::condition_variable taken;
  std::string data RC_GUARDED_BY(mutex), keepalive RC_GUARDED_BY(mutex);
  std::vector<std::shared_ptr<void>> held RC_GUARDED_BY(mutex);
  bool finished RC_GUARDED_BY(mutex) = false, closed RC_GUARDED_BY(mutex) = false,
                posted RC_GUARDED_BY(mutex) = false;

  void wake() RC_REQUIRES(mutex) {
    if (posted) return;
    posted = true;
    loop.post([self = shared_from_this()] {
      {
        const store::Lock guard(self->mutex);
        self->posted = false;
      }
      self->timer.cancel();
    });
  }
};

Chunks::Chunks(Loop& loop) : state_(std::make_shared<Sink::State>(loop)) {}
Chunks::~Chunks() { close(); }

bool Chunks::Sink::push(std::string piece) {
  const store::Lock guard(state->mutex);
  if (state->closed || state->data.size() + piece.size() > kWaitingMost) return false;
  state->data += piece;
  state->wake();
  return true;
}

void Chunks::Sink::finish() {
  const store::Lock guard(state->mutex);
  state->finished = true;
  if (!state->closed) state->wake();
}

bool Chunks::Sink::gone() const {
  const store::Lock guard(state->mutex);
  return state->closed;
}

std::size_t Chunks::Sink::waiting() const {
  const store::Lock guard(state->mutex);
  return state->data.size();
}

void Chunks::Sink::wait_for_room(std::size_t most) const {
  store::Lock lock(state->mutex);
  state->taken.wait_for(lock.waiting(), std::chrono::milliseconds(500), [&] {
    state->mutex.held();
    return state->closed || state->data.size() <= most;
  });
}

void Chunks::hold(std::shared_ptr<void> what) {
  const store::Lock guard(state_->mutex);
  state_->held.push_back(std::move(what));
}

void Chunks::set_keepalive(std::string text) {
  const store::Lock guard(state_->mutex);
  state_->keepalive = std::move(text);
}

boost::asio::awaitable<bool> Chunks::next(std::string& out) {
  const auto state = state_;
  while (true) {
    {
      const store::Lock guard(state->mutex);
      if (!state->data.empty()) {
        out = std::exchange(state->data, {});
        state->taken.notify_all();
        co_return true;
      }
      if (state->finished || state->closed) co_return false;
    }
    state->timer.expires_after(kKeepAlive);
    // A wake that was posted before this wait began finds `data` above at the next turn.
    const auto [ec] =
        co_await state->timer.async_wait(boost::asio::as_tuple(boost::asio::use_awaitable));
    if (!ec) {
      const store::Lock guard(state->mutex);
      if (state->data.empty() && !state->keepalive.empty()) {
        out = state->keepalive;
        co_return true;
      }
    }
  }
}

void Chunks::close() {
  const store::Lock guard(state_->mutex);
  state_->closed = true;
  state_->taken.notify_all();
  state_->data.clear();
}

void Chunks::cancel() {
  close();
  state_->timer.cancel();
}

}  // namespace rollcall::net::inline loop
