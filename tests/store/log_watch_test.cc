// A follower waits for another process's append, not for time to pass.
#include "store/log/log_watch.h"

#include "tests/support/stores.h"

#include <catch2/catch.hpp>
#include <pthread.h>

#include <csignal>
#include <thread>

using namespace rollcall;
using namespace rollcall::store;
using test::Scratch;

TEST_CASE("an append to the log is seen, and so is the end that is asked for", "[store]") {
  const Scratch scratch;
  const auto layout = test::layout_in(scratch.path());
  const auto writer = Writer::create(layout, "test/1").value();
  // On a thread of its own: from here on signals come to it by wait() alone.
  std::thread([&] {
    LogWatch watch(layout);
    test::fill(*writer, 1, 3);
    CHECK(watch.wait());
    ::pthread_kill(::pthread_self(), SIGINT);
    bool ended = false;
    for (int i = 0; i < 100 && !ended; ++i) ended = !watch.wait();  // what else was written first
    CHECK(ended);
  }).join();
}
