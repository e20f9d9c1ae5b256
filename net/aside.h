// Work that blocks, awaited by an endpoint without holding its connection's thread.
#pragma once

#include "net/endpoints.h"

#include <boost/asio/async_result.hpp>
#include <boost/asio/use_awaitable.hpp>

namespace rollcall::net {

/// Runs `work` (giving a Result<T>) on a thread of its own; resumes on the connection's thread.
template <class T, class Work>
Answer<T> aside(Call& call, Work work) {
  auto out = std::make_shared<store::Result<T>>(store::Error{store::Errc::Io, "no answer"});
  // Named and moved: g++ 12 destroys a temporary that is passed to a coroutine twice.
  auto begin = [&call, out, &work](auto handler) {
    auto shared = std::make_shared<decltype(handler)>(std::move(handler));
    call.app.run_aside([out, shared, &loop = call.loop, work = std::move(work)]() mutable {
      *out = work();
      loop.post([shared] { std::move (*shared)(); });
    });
  };
  co_await boost::asio::async_initiate<decltype(boost::asio::use_awaitable), void()>(
      std::move(begin), boost::asio::use_awaitable);
  co_return std::move(*out);
}

/// Runs `work(writer, now)` alone on the writer (store::Live::exclusively), durable on return.
template <class T, class Work>
Answer<T> alone(Call& call, Work work) {
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
  co_return co_await aside<T>(call, std::move(run));
}

}  // namespace rollcall::net
