// Listening, dealing connections to shards, signals, draining.
#include "net/server.h"

#include "net/api.h"
#include "net/arrival.h"
#include "net/clock.h"
#include "net/refusals.h"
#include "net/signature.h"
#include "net/tls.h"
#include "store/writer.h"

#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/signal_set.hpp>
#include <boost/asio/steady_timer.hpp>
#include <fcntl.h>
#include <fmt/format.h>
#include <malloc.h>
#include <spdlog/spdlog.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <condition_variable>
#include <cstdlib>
#include <cstring>
#include <mutex>
#include <stop_token>

namespace rollcall::net {
namespace {

namespace asio = boost::asio;
using tcp = asio::ip::tcp;
using store::Errc;
using store::Error;

constexpr int kAcceptsAtOnce = 64;
constexpr int kFirstPassed = 3;  // sd_listen_fds(3): descriptors handed over begin here

std::string address_text(const sockaddr_storage& address) {
  boost::system::error_code ec;
  if (address.ss_family == AF_INET) {
    const auto& v4 = reinterpret_cast<const sockaddr_in&>(address);
    return asio::ip::address_v4(ntohl(v4.sin_addr.s_addr)).to_string();
  }
  if (address.ss_family == AF_INET6) {
    const auto& v6 = reinterpret_cast<const sockaddr_in6&>(address);
    asio::ip::address_v6::bytes_type bytes;
    std::memcpy(bytes.data(), &v6.sin6_addr, 16);
    const std::string text = asio::ip::address_v6(bytes).to_string();
    return normal_address(text).value_or(text);  // IPv4 to a socket of both families
  }
  return {};
}

/// Threads come and go, each with an arena of the allocator's, in which what they freed stays: the
/// pages go back to the system now and then.
constexpr auto kTrimEvery = std::chrono::seconds(30);

void trim_memory(const std::stop_token& stop) {
  std::mutex mutex;
  std::condition_variable_any wake;
  std::unique_lock lock(mutex);
  while (!stop.stop_requested()) {
    wake.wait_for(lock, stop, kTrimEvery, [] { return false; });
    if (!stop.stop_requested()) (void)::malloc_trim(0);
  }
}

/// How long a request's answer, or a stream's goodbye, may hold up an end.
constexpr auto kAnswersMay = std::chrono::seconds(2);

/// Descriptors that systemd, or the program before us, hands over; none where there are none.
std::vector<int> passed_listeners() {
  std::vector<int> out;
  const char* count = std::getenv("LISTEN_FDS");
  const char* pid = std::getenv("LISTEN_PID");
  if (count == nullptr || pid == nullptr || std::atoi(pid) != ::getpid()) return out;
  for (int i = 0; i < std::atoi(count) && i < 64; ++i) out.push_back(kFirstPassed + i);
  ::unsetenv("LISTEN_FDS");
  ::unsetenv("LISTEN_PID");
  return out;
}

}  // namespace

struct Server::Inner {
  explicit Inner(asio::io_context& io) : signals(io), second(io), pause(io), end(io) {}
  struct Listener {
    std::unique_ptr<tcp::acceptor> acceptor;
    bool tls = false;
    std::string text;
  };
  std::vector<Listener> listeners;
  asio::signal_set signals;
  asio::steady_timer second, pause, end;
  std::vector<std::thread> threads;
};

Server::Server(Settings settings) : settings_(std::move(settings)) {}

store::Result<std::unique_ptr<Server>> Server::start(Settings settings) {
  use_small_stacks();
  // As many descriptors as the system lets us have: connections are bounded by them.
  rlimit files{};
  if (::getrlimit(RLIMIT_NOFILE, &files) == 0 && files.rlim_cur < files.rlim_max) {
    files.rlim_cur = files.rlim_max;
    (void)::setrlimit(RLIMIT_NOFILE, &files);
    (void)::getrlimit(RLIMIT_NOFILE, &files);
  }
  constexpr std::uint64_t kOwnFiles = 100;  // the log's, the listeners', requests under way
  settings.connections_max = std::min<std::uint64_t>(
      settings.connections_max,
      files.rlim_cur > 2 * kOwnFiles ? files.rlim_cur - kOwnFiles : kOwnFiles);
  std::unique_ptr<Server> server(new Server(std::move(settings)));
  server->descriptors_max_ =
      files.rlim_cur > 2 * kOwnFiles ? files.rlim_cur - kOwnFiles : kOwnFiles;
  Settings& s = server->settings_;
  const unsigned cores = std::max(1U, std::thread::hardware_concurrency());
  // The sequencer and the committer share the core that the shards leave.
  const unsigned threads =
      std::min(s.threads == 0 ? std::max(1U, cores - 1) : s.threads, kShardsMax);
  std::vector<Outlet*> outlets;
  for (unsigned i = 0; i < threads; ++i) {
    server->shards_.push_back(std::make_unique<Shard>(i, s));
    server->protocols_.push_back(std::make_unique<Pusher>(*server->shards_.back()));
    server->shards_.back()->set_protocol(*server->protocols_.back());
    outlets.push_back(server->shards_.back().get());
  }
  server->inner_ = std::make_unique<Inner>(server->shards_.front()->loop().io());
  RC_TRY(server->listen());
  if (!s.tls_certificate.empty()) {
    auto tls = Tls::open(s);
    if (!tls) return tls.error();
    server->tls_ = std::move(*tls);
  }
  try {
    constexpr std::size_t kWorkersMost = 8, kWorkMost = 512;
    server->workers_ = std::make_unique<Workers>(kWorkersMost, kWorkMost);
  } catch (const std::system_error&) {
    return Error{Errc::Io, "the system gives this process no thread: see its limits (ulimit -a)"};
  }
  for (const AppSettings& app : s.apps) {
    auto opened = App::open(s, app, outlets, server->shards_.front()->loop(), *server->workers_);
    if (!opened) return opened.error();
    (*opened)->with_connection = [raw = server.get()](ConnectionId id,
                                                      std::function<void(Connection*)> visit) {
      const unsigned shard = shard_of(id);
      if (shard >= raw->shards_.size()) return visit(nullptr);
      Shard& home = *raw->shards_[shard];
      home.loop().post([&home, id, visit = std::move(visit)] { visit(home.find(id)); });
    };
    server->apps_.push_back(std::move(*opened));
  }
  server->api_ = std::make_unique<Api>(*server);
  return server;
}

Server::~Server() = default;

store::Result<void> Server::listen() {
  auto& io = shards_.front()->loop().io();
  const std::vector<int> passed = passed_listeners();
  std::size_t taken = 0;
  for (const Endpoint& endpoint : settings_.listen) {
    auto acceptor = std::make_unique<tcp::acceptor>(io);
    boost::system::error_code ec;
    const auto ip = asio::ip::make_address(endpoint.address, ec);
    if (ec) return Error{Errc::BadInput, fmt::format("'{}' is not an address", endpoint.address)};
    const tcp::endpoint wanted(ip, endpoint.port);
    if (taken < passed.size()) {
      acceptor->assign(wanted.protocol(), passed[taken++], ec);
    } else {
      acceptor->open(wanted.protocol(), ec);
      if (!ec) acceptor->set_option(asio::socket_base::reuse_address(true), ec);
      if (!ec) acceptor->bind(wanted, ec);
      if (!ec) acceptor->listen(asio::socket_base::max_listen_connections, ec);
    }
    // Only a restart hands it over, and says so then: a child that outlives us must not hold it.
    if (!ec) (void)::fcntl(acceptor->native_handle(), F_SETFD, FD_CLOEXEC);
    if (!ec) acceptor->native_non_blocking(true, ec);
    if (!ec) acceptor->set_option(tcp::no_delay(true), ec);  // accepted ones inherit it
    if (ec)
      return Error{Errc::Io, fmt::format("cannot listen on {}:{}: {}", endpoint.address,
                                         endpoint.port, ec.message())};
    const auto local = acceptor->local_endpoint(ec);
    const std::string host = ip.is_v6() ? fmt::format("[{}]", endpoint.address) : endpoint.address;
    inner_->listeners.push_back(
        {std::move(acceptor), endpoint.tls,
         fmt::format("{}://{}:{}", endpoint.tls ? "https" : "http", host, local.port())});
  }
  return {};
}

std::vector<int> Server::listeners() const {
  std::vector<int> out;
  for (const auto& listener : inner_->listeners) out.push_back(listener.acceptor->native_handle());
  return out;
}

App* Server::app_by_key(std::string_view key) {
  for (const auto& app : apps_)
    if (app->settings().key == key) return app.get();
  if (key.find('%') == std::string_view::npos) return nullptr;
  const auto plain = percent_decode(key);  // a client may write any character of it so
  return plain && plain->find('%') == std::string::npos ? app_by_key(*plain) : nullptr;
}

App* Server::app_by_id(std::string_view id) {
  for (const auto& app : apps_)
    if (app->settings().id == id) return app.get();
  return nullptr;
}

std::size_t Server::connections() const {
  std::size_t out = 0;
  for (const auto& shard : shards_) out += shard->connection_count();
  return out;
}

bool Server::admit() {
  if (settings_.handshakes_per_s == 0) return true;
  const auto now = std::chrono::steady_clock::now();
  const std::lock_guard guard(bucket_mutex_);
  const double rate = settings_.handshakes_per_s;
  const double passed = std::chrono::duration<double>(now - bucket_at_).count();
  bucket_ = std::min(rate, bucket_ + rate * std::min(passed, 1.0));
  bucket_at_ = now;
  if (bucket_ < 1) return false;
  bucket_ -= 1;
  return true;
}

void Server::accept(std::size_t index) {
  Inner::Listener& listener = inner_->listeners[index];
  listener.acceptor->async_wait(
      tcp::acceptor::wait_read, [this, index](const boost::system::error_code& ec) {
        if (ec || draining_) return;
        Inner::Listener& l = inner_->listeners[index];
        for (int i = 0; i < kAcceptsAtOnce; ++i) {
          sockaddr_storage address{};
          socklen_t size = sizeof address;
          const int fd =
              ::accept4(l.acceptor->native_handle(), reinterpret_cast<sockaddr*>(&address), &size,
                        SOCK_NONBLOCK | SOCK_CLOEXEC);
          if (fd < 0) {
            if (errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM) {
              // Nothing can be accepted: wait for somebody to go instead of spinning.
              inner_->pause.expires_after(std::chrono::milliseconds(100));
              inner_->pause.async_wait([this, index](const boost::system::error_code& waited) {
                if (!waited) accept(index);
              });
              return;
            }
            break;
          }
          serve(fd, address_text(address), l.tls);
        }
        accept(index);
      });
}

void Server::serve(int fd, std::string peer, bool tls) {
  // Those that have not said yet what they want count as well: they hold descriptors.
  const std::size_t all = connections() + conversations;
  if (all >= settings_.connections_max + 50 || all + 2 * tls_pairs >= descriptors_max_) {
    log_refusal(Refused::Connection, 503, "there are as many connections as there may be");
    ::close(fd);
    return;
  }
  Shard& shard = *shards_[next_shard_++ % shards_.size()];
  // Counted from here on: of many that come at once the shard will not have seen the first before
  // the last is taken.
  shard.loop().post([this, &shard, fd, peer = std::move(peer), tls,
                     arriving = std::make_shared<Counted>(conversations)] {
    receive(*this, shard, fd, peer, tls);
  });
}

void Server::look_for_ended() {
  if (looking_.exchange(true)) return;
  const bool taken = workers_->run([this] {
    api_->end_vouched();
    looking_ = false;
  });
  if (!taken) looking_ = false;
}

void Server::tick() {
  std::chrono::milliseconds every = std::chrono::seconds(1);
  // So often that whoever is signed out is gone within a second.
  constexpr auto kVouchedEvery = std::chrono::milliseconds(500);
  const bool vouched = std::any_of(apps_.begin(), apps_.end(),
                                   [](const auto& app) { return !app->vouched().empty(); });
  if (vouched) {
    every = kVouchedEvery;
    look_for_ended();
  }
  for (const auto& app : apps_) {
    app->hub().tick();
    every = std::min(every, app->hub().tick_every());
  }
  inner_->second.expires_at(next_beat(every));
  inner_->second.async_wait([this](const boost::system::error_code& ec) {
    if (!ec) tick();
  });
}

Server::Ended Server::run() {
  inner_->signals.add(SIGINT);
  inner_->signals.add(SIGTERM);
  inner_->signals.add(SIGHUP);
  inner_->signals.add(SIGUSR2);
  std::function<void()> await_signal = [&] {
    inner_->signals.async_wait([&](const boost::system::error_code& ec, int number) {
      if (ec) return;
      if (number == SIGHUP) {
        if (tls_) {
          const auto reloaded = tls_->reload();
          if (reloaded)
            spdlog::info("the TLS certificate was read again");
          else
            spdlog::error("the TLS certificate stays as it was: {}", reloaded.error().detail);
        }
        await_signal();
        return;
      }
      if (number == SIGUSR2 && restart_problem) {
        if (const auto problem = restart_problem()) {
          spdlog::error("no restart, the server goes on: {}", *problem);
          await_signal();
          return;
        }
      }
      drain(number == SIGUSR2 ? Ended::Restart : Ended::Stopped);
    });
  };
  await_signal();
  tick();
  for (std::size_t i = 0; i < inner_->listeners.size(); ++i) accept(i);
  try {
    for (std::size_t i = 1; i < shards_.size(); ++i)
      inner_->threads.emplace_back([this, i] { shards_[i]->run(); });
  } catch (const std::system_error&) {
    for (const auto& shard : shards_) shard->stop();
    for (std::thread& thread : inner_->threads) thread.join();
    throw store::Failure(
        {Errc::Io, "the system gives this process no thread a shard: --threads takes fewer"});
  }
  std::vector<std::string> texts;
  for (const auto& listener : inner_->listeners) texts.push_back(listener.text);
  if (on_listening) on_listening(texts);
  const std::jthread trimming(trim_memory);
  shards_.front()->run();
  for (std::thread& thread : inner_->threads) thread.join();
  workers_->stop();
  for (const auto& app : apps_) app->stop();
  return ended_;
}

void Server::drain(Ended how) {
  draining_ = true;
  ended_ = how;
  spdlog::info("draining {} connections over {} ms", connections(), settings_.drain.count());
  boost::system::error_code ec;
  for (auto& listener : inner_->listeners) {
    listener.acceptor->cancel(ec);
    // On a restart whoever connects now waits in the socket's queue for the program that follows.
    if (how == Ended::Stopped) listener.acceptor->close(ec);
  }
  const auto until = std::chrono::steady_clock::now() + settings_.drain;
  for (const auto& app : apps_) app->drain(until);
  const auto left = std::make_shared<std::atomic<std::size_t>>(shards_.size());
  for (const auto& shard : shards_) {
    shard->loop().post([this, left, raw = shard.get()] {
      raw->drain(settings_.drain, [this, left] {
        if (--*left != 0) return;
        const auto deadline = std::chrono::steady_clock::now() + kAnswersMay;
        shards_.front()->loop().post([this, deadline] { end_by(deadline); });
      });
    });
  }
}

void Server::end_by(std::chrono::steady_clock::time_point deadline) {
  if (answering == 0 || std::chrono::steady_clock::now() >= deadline) {
    for (const auto& shard : shards_) shard->stop();
    return;
  }
  inner_->end.expires_after(std::chrono::milliseconds(10));
  inner_->end.async_wait([this, deadline](const boost::system::error_code& ec) {
    if (!ec) end_by(deadline);
  });
}

}  // namespace rollcall::net
