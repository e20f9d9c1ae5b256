// Work that blocks, awaited by an endpoint without holding its connection's thread.
#pragma once

#include "net/loop/workers.h"
#include "net/v1/call.h"

#include <boost/asio/async_result.hpp>
#include <boost/asio/use_awaitable.hpp>

namespace rollcall::net::inline v1 {

/// Runs `work` (giving a Result<T>) on one of the workers; resumes on the loop's thread. Errc::Io
/// where they have as much to do as they may have.
template <class T, class Work>
Answer<T> offload(Workers& workers, Loop& loop, Work work) {
  auto out = std::make_shared<store::Result<T>>(
      store::Error{store::Errc::Io, "the server has as much to do as it may have: try again"});
  // Named and moved: g++ 12 destroys a temporary that is passed to a coroutine twice.
  auto begin = [&workers, &loop, out, &work](auto handler) {
    auto shared = std::make_shared<decltype(handler)>(std::move(handler));
    const bool taken = workers.run([out, shared, &loop, work = std::move(work)]() mutable {
      try {
        *out = work();
      } catch (const std::exception& error) {
        *out = store::Error{store::Errc::Io, error.what()};
      }
      loop.post([shared] { std::move (*shared)(); });
    });
    if (!taken) loop.post([shared] { std::move (*shared)(); });
  };
  co_await boost::asio::async_initiate<decltype(boost::asio::use_awaitable), void()>(
      std::move(begin), boost::asio::use_awaitable);
  co_return std::move(*out);
}

template <class T, class Work>
Answer<T> offload(Call& call, Work work) {
  return offload<T>(call.app.workers(), call.loop, std::move(work));
}

/// Runs `work(writer, now)` alone on the writer (store::Live::exclusively), durable on return.
template <class T, class Work>
Answer<T> with_writer(Call& call, Work work) {
  auto run = [&app = call.app, work = std::move(work)]() -> store::Result<T> {
    store::Result<T> out = store::Error{store::Errc::Io, "no answer"};
    const auto done = app.live().exclusively(
        [&](store::Writer& writer, engine::Micros at) -> store::Result<void> {
          out = work(writer, at);
          if (!out) return out.error();
          return {};
        });
    if (!done) out = done.error();
    return out;
  };
  co_return co_await offload<T>(call, std::move(run));
}

}  // namespace rollcall::net::inline v1
