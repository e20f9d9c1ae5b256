// A request that nobody wants any more ends at once, whatever the other side has said by then.
#pragma once

#include "net/loop/http.h"

#include <catch2/catch.hpp>
#include <unistd.h>

#include <chrono>
#include <thread>

namespace rollcall::test {

/// `listener` has url(), and answer(WORDS) that takes a connection and says them.
template <class Listener>
void check_given_up_at_once(const Listener& listener) {
  for (const char* words : {"", "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf"}) {
    std::stop_source cancel;
    int fd = -1;
    std::thread other([&] {
      fd = listener.answer(words);
      cancel.request_stop();
    });
    const auto begun = std::chrono::steady_clock::now();
    const auto reply = net::post(listener.url(), "{}", {}, cancel.get_token());
    CHECK(std::chrono::steady_clock::now() - begun < std::chrono::seconds(5));
    other.join();
    ::close(fd);
    REQUIRE(reply.has_error());
    CHECK(reply.error().detail.find("given up") != std::string::npos);
    CHECK(reply.error().detail.find("pw") == std::string::npos);  // of the URL's credentials
  }
}

}  // namespace rollcall::test
