// One coroutine a person.
#include "net/company.h"

#include "net/wire/pusher_message.h"
#include "net/wire/pusher_signature.h"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/beast/core.hpp>
#include <boost/beast/websocket.hpp>
#include <boost/json.hpp>
#include <fmt/format.h>

#include <random>

namespace rollcall::net {
namespace {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace json = boost::json;
using Socket = beast::websocket::stream<beast::tcp_stream>;
constexpr auto as_result = asio::as_tuple(asio::use_awaitable);

std::uint64_t below(std::mt19937_64& rng, std::uint64_t n) { return rng() % n; }

const std::vector<std::string>& rooms() {
  static const std::vector<std::string> all{"presence-kitchen", "presence-workshop",
                                            "presence-library"};
  return all;
}

std::string text(const char* event, json::object data, const std::string& channel = {}) {
  json::object out{{"event", event}, {"data", std::move(data)}};
  if (!channel.empty()) out["channel"] = channel;
  return json::serialize(out);
}

std::string sign_in_text(const Company& company, const std::string& id, const std::string& name) {
  const std::string data = json::serialize(json::object{{"id", name}});
  const std::string auth = company.key + ":" + hmac_hex(company.secret, user_string(id, data));
  return text("pusher:signin", json::object{{"auth", auth}, {"user_data", data}});
}

std::string join_text(const Company& company, const std::string& id, const std::string& name,
                      const std::string& room) {
  const std::string data =
      json::serialize(json::object{{"user_id", name}, {"user_info", json::object{{"name", name}}}});
  const std::string auth =
      company.key + ":" + hmac_hex(company.secret, channel_string(id, room, data));
  return text("pusher:subscribe",
              json::object{{"channel", room}, {"channel_data", data}, {"auth", auth}});
}

asio::awaitable<void> pause(double seconds) {
  asio::steady_timer timer(co_await asio::this_coro::executor);
  timer.expires_after(std::chrono::microseconds(static_cast<std::int64_t>(seconds * 1e6)));
  co_await timer.async_wait(as_result);
}

/// Reads and forgets, answering pings, until the connection ends.
asio::awaitable<void> listen(std::shared_ptr<Socket> socket, std::shared_ptr<bool> open) {
  beast::flat_buffer buffer;
  while (true) {
    const auto [failed, n] = co_await socket->async_read(buffer, as_result);
    if (failed) break;
    buffer.consume(buffer.size());
  }
  *open = false;
}

asio::awaitable<void> person(const Company& company, std::string name, std::uint64_t seed) {
  std::mt19937_64 rng(seed);
  const auto executor = co_await asio::this_coro::executor;
  const double minute = 60.0 / company.speed;
  co_await pause(minute * static_cast<double>(below(rng, 100)) / 100);  // not all through one door
  while (true) {
    auto socket = std::make_shared<Socket>(executor);
    const auto address = asio::ip::make_address(company.address);
    const auto [unconnected] = co_await beast::get_lowest_layer(*socket).async_connect(
        asio::ip::tcp::endpoint(address, company.port), as_result);
    const auto [unmet] = co_await socket->async_handshake(
        fmt::format("{}:{}", company.address, company.port),
        fmt::format("/app/{}?protocol=7&client=company&version=1", company.key), as_result);
    beast::flat_buffer buffer;
    const auto [unheard, size] = co_await socket->async_read(buffer, as_result);
    if (unconnected || unmet || unheard) {
      co_await pause(1 + static_cast<double>(below(rng, 3)));
      continue;
    }
    boost::system::error_code ec;
    const auto hello = json::parse(beast::buffers_to_string(buffer.data()), ec);
    const auto inner = ec ? json::value() : json::parse(hello.at("data").as_string(), ec);
    const std::string id = ec ? "" : std::string(inner.at("socket_id").as_string());
    const auto open = std::make_shared<bool>(true);
    asio::co_spawn(executor, listen(socket, open), asio::detached);
    const auto say = [&](const std::string& message) -> asio::awaitable<void> {
      const auto [unsent, n] = co_await socket->async_write(asio::buffer(message), as_result);
      if (unsent) *open = false;
    };
    const std::string hello_text = sign_in_text(company, id, name);
    co_await say(hello_text);
    const std::string& room = rooms()[below(rng, rooms().size())];
    const std::string join = join_text(company, id, name, room);
    co_await say(join);
    // A stay of two to twelve of their minutes: busy, then quiet for a while, then busy again.
    const std::uint64_t turns = 4 + below(rng, 20);
    for (std::uint64_t turn = 0; turn < turns && *open; ++turn) {
      const std::uint64_t mood = below(rng, 10);
      const std::string busy = text("client-typing", json::object{{"on", true}}, room);
      const std::string gone = text("client-rollcall-away", json::object{}, room);
      if (mood < 6)
        co_await say(busy);
      else if (mood == 6)
        co_await say(gone);
      co_await pause(minute * 0.5);
    }
    // Some say goodbye; some close the lid.
    if (below(rng, 3) == 0) {
      beast::get_lowest_layer(*socket).close();
    } else {
      const auto [unclosed] =
          co_await socket->async_close(beast::websocket::close_code::normal, as_result);
      (void)unclosed;
    }
    co_await pause(minute * (0.3 + static_cast<double>(below(rng, 20)) / 10));
  }
}

asio::awaitable<void> watch_stop(asio::io_context& io, const std::atomic<bool>& stop) {
  while (!stop) co_await pause(0.2);
  io.stop();
}

}  // namespace

const std::vector<std::string>& company_people() {
  static const std::vector<std::string> all{"ada",    "alan",    "barbara",  "donald",
                                            "edsger", "frances", "grace",    "john",
                                            "ken",    "linus",   "margaret", "radia"};
  return all;
}

store::Result<void> run_company(const Company& company, const std::atomic<bool>& stop) {
  asio::io_context io{1};
  boost::system::error_code ec;
  (void)asio::ip::make_address(company.address, ec);
  if (ec)
    return store::Error{store::Errc::BadInput,
                        fmt::format("'{}' is not an address", company.address)};
  std::uint64_t seed = company.seed;
  for (const std::string& name : company_people())
    asio::co_spawn(io, person(company, name, ++seed), asio::detached);
  asio::co_spawn(io, watch_stop(io, stop), asio::detached);
  io.run();
  return {};
}

}  // namespace rollcall::net
