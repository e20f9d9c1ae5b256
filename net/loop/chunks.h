// What an answer that goes on is made of: pieces from any thread, awaited on the connection's.
#pragma once

#include "net/loop/loop.h"

#include <boost/asio/awaitable.hpp>

#include <memory>
#include <string>

namespace rollcall::net::inline loop {

class Chunks {
 public:
  explicit Chunks(Loop& loop);
  ~Chunks();
  Chunks(const Chunks&) = delete;
  Chunks& operator=(const Chunks&) = delete;

  /// The producer's end; may outlive the consumer.
  class Sink {
   public:
    /// False where the consumer has gone, or is further behind than the bound: stop producing.
    bool push(std::string piece);
    void finish();
    [[nodiscard]] bool gone() const;
    /// How many bytes wait to be taken.
    [[nodiscard]] std::size_t waiting() const;
    /// Until at most `most` bytes wait or the consumer has gone; for half a second at the longest.
    void wait_for_room(std::size_t most) const;
    struct State;
    std::shared_ptr<State> state;
  };
  [[nodiscard]] Sink sink() const { return {state_}; }
  /// Kept for as long as anybody holds this or its sink.
  void hold(std::shared_ptr<void> what);
  /// Sent where nothing else is for 15 s, so that the other side sees the connection live.
  void set_keepalive(std::string text);

  /// The next pieces; false once the producer has finished and all is taken.
  boost::asio::awaitable<bool> next(std::string& out);
  void close();
  /// The same, and whoever awaits next() hears of it. On the consumer's thread.
  void cancel();

 private:
  std::shared_ptr<Sink::State> state_;
};

}  // namespace rollcall::net::inline loop
