// Listening, dealing connections to shards, signals, draining.
#include "net/server.h"

#include "net/access/local_caller.h"
#include "net/http/api.h"
#include "net/http/arrival.h"
#include "net/loop/clock.h"
#include "net/loop/local_socket.h"
#include "net/loop/memory_reserve.h"
#include "net/loop/tls.h"
#include "net/wire/pusher_signature.h"
#include "net/wire/refusals.h"
#include "store/bytes/mutex.h"
#include "store/writer.h"

#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
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
#include <stop_token>

namespace rollcall::net {
namespace {

namespace asio = boost::asio;
using tcp = asio::ip::tcp;
using store::Errc;
using store::Error;

constexpr int kAcceptsAtOnce = 64;
constexpr int kFirstPassed = 3;  // sd_listen_fds(3): descriptors handed over begin here
/// As a restart hands them over; what systemd passes has other names and is an address's.
constexpr std::string_view kAddressName = "address", kLocalName = "rollcall-local";

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
  store::Mutex mutex;
  std::condition_variable_any wake;
  store::Lock lock(mutex);
  while (!stop.stop_requested()) {
    wake.wait_for(lock, stop, kTrimEvery, [] { return false; });
    if (!stop.stop_requested()) (void)::malloc_trim(0);
  }
}

/// How long a request's answer, or a stream's goodbye, may hold up an end.
constexpr auto kAnswersMay = std::chrono::seconds(2);

struct Passed {
  std::vector<int> addresses;
  int local = -1;  ///< of DIR/socket
};

/// Descriptors that systemd, or the program before us, hands over; none where there are none.
Passed passed_listeners() {
  Passed out;
  const char* count = std::getenv("LISTEN_FDS");
  const char* pid = std::getenv("LISTEN_PID");
  const char* names = std::getenv("LISTEN_FDNAMES");
  if (count == nullptr || pid == nullptr || std::atoi(pid) != ::getpid()) return out;
  std::string_view rest = names != nullptr ? names : "";
  for (int i = 0; i < std::atoi(count) && i < 64; ++i) {
    const std::string_view name = rest.substr(0, rest.find(':'));
    rest.remove_prefix(std::min(name.size() + 1, rest.size()));
    if (name == kLocalName)
      out.local = kFirstPassed + i;
    else
      out.addresses.push_back(kFirstPassed + i);
  }
  ::unsetenv("LISTEN_FDS");
  ::unsetenv("LISTEN_PID");
  ::unsetenv("LISTEN_FDNAMES");
  return out;
}

}  // namespace

struct Server::Inner {
  explicit Inner(asio::io_context& io) : signals(io), second(io), pause(io), end(io) {}
  struct Listener {
    std::unique_ptr<asio::posix::stream_descriptor> socket;
    std::string text;  ///< its URL; empty of the local one
    bool tls = false;
    bool local = false;
  };
  std::vector<Listener> listeners;
  int passed_local = -1;  ///< by the program before us
  SocketFile local_file;
  LocalCallers local_callers;
  asio::signal_set signals;
  asio::steady_timer second, pause, end;
  std::vector<std::thread> threads;
};

Server::Server(Settings settings) : context_(std::move(settings)) {}

store::Result<std::unique_ptr<Server>> Server::start(Settings settings) {
  use_small_stacks();
  (void)keep_memory_reserve();
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
  Settings& s = server->context_.settings;
  const unsigned cores = std::max(1U, std::thread::hardware_concurrency());
  // The sequencer and the committer share the core that the shards leave.
  const unsigned threads =
      std::min(s.threads == 0 ? std::max(1U, cores - 1) : s.threads, kShardsMax);
  std::vector<DeliverySink*> sinks;
  for (unsigned i = 0; i < threads; ++i) {
    server->context_.shards.push_back(std::make_unique<Shard>(i, s));
    server->protocols_.push_back(std::make_unique<Pusher>(*server->context_.shards.back()));
    server->context_.shards.back()->set_protocol(*server->protocols_.back());
    sinks.push_back(server->context_.shards.back().get());
  }
  server->inner_ = std::make_unique<Inner>(server->context_.shards.front()->loop().io());
  RC_TRY(server->listen());
  if (!s.tls_certificate.empty()) {
    auto tls = Tls::open(s.tls_certificate, s.tls_key);
    if (!tls) return tls.error();
    server->context_.tls = std::move(*tls);
  }
  try {
    constexpr std::size_t kWorkersMost = 8, kWorkMost = 512;
    server->context_.workers = std::make_unique<Workers>(kWorkersMost, kWorkMost);
  } catch (const std::system_error&) {
    return Error{Errc::Io, "the system gives this process no thread: see its limits (ulimit -a)"};
  }
  for (const AppSettings& app : s.apps) {
    auto opened = App::open(s, app, sinks, server->context_.shards.front()->loop(),
                            *server->context_.workers);
    if (!opened) return opened.error();
    (*opened)->with_connection = [raw = server.get()](ConnectionId id,
                                                      std::function<void(Connection*)> visit) {
      const unsigned shard = shard_of(id);
      if (shard >= raw->context_.shards.size()) return visit(nullptr);
      Shard& home = *raw->context_.shards[shard];
      home.loop().post([&home, id, visit = std::move(visit)] { visit(home.find(id)); });
    };
    server->context_.apps.push_back(std::move(*opened));
  }
  server->api_ = std::make_unique<Api>(server->context_);
  if (!s.playback)
    server->listen_locally();  // the stores are ours by now, and so is the folder's socket
  return server;
}

Server::~Server() = default;

store::Result<void> Server::listen() {
  auto& io = context_.shards.front()->loop().io();
  const Passed all_passed = passed_listeners();
  const std::vector<int>& passed = all_passed.addresses;
  inner_->passed_local = all_passed.local;
  std::size_t taken = 0;
  for (const Endpoint& endpoint : context_.settings.listen) {
    tcp::acceptor acceptor(io);
    boost::system::error_code ec;
    const auto ip = asio::ip::make_address(endpoint.address, ec);
    if (ec) return Error{Errc::BadInput, fmt::format("'{}' is not an address", endpoint.address)};
    const tcp::endpoint wanted(ip, endpoint.port);
    if (taken < passed.size()) {
      acceptor.assign(wanted.protocol(), passed[taken++], ec);
    } else {
      acceptor.open(wanted.protocol(), ec);
      if (!ec) acceptor.set_option(asio::socket_base::reuse_address(true), ec);
      if (!ec) acceptor.bind(wanted, ec);
      if (!ec) acceptor.listen(asio::socket_base::max_listen_connections, ec);
    }
    // Only a restart hands it over, and says so then: a child that outlives us must not hold it.
    if (!ec) (void)::fcntl(acceptor.native_handle(), F_SETFD, FD_CLOEXEC);
    if (!ec) acceptor.native_non_blocking(true, ec);
    if (!ec) acceptor.set_option(tcp::no_delay(true), ec);  // accepted ones inherit it
    if (ec)
      return Error{Errc::Io, fmt::format("cannot listen on {}:{}: {}", endpoint.address,
                                         endpoint.port, ec.message())};
    const auto local = acceptor.local_endpoint(ec);
    const std::string host = ip.is_v6() ? fmt::format("[{}]", endpoint.address) : endpoint.address;
    inner_->listeners.push_back(
        {std::make_unique<asio::posix::stream_descriptor>(io, acceptor.release()),
         fmt::format("{}://{}:{}", endpoint.tls ? "https" : "http", host, local.port()),
         endpoint.tls, false});
  }
  return {};
}

void Server::listen_locally() {
  const auto file = context_.settings.data / kLocalSocket;
  int fd = std::exchange(inner_->passed_local, -1);
  // Whoever connects now waits in the queue of whose file it is: ours, as the stores are ours.
  if (fd >= 0) {
    const auto ours = connect_local(file);
    ::close(ours ? *ours : std::exchange(fd, -1));
  }
  if (fd < 0) {
    const auto made = listen_local(file);
    if (!made)
      return spdlog::warn("commands on this folder will not find the server: {}",
                          made.error().detail);
    fd = *made;
  }
  (void)::fcntl(fd, F_SETFD, FD_CLOEXEC);
  (void)::fcntl(fd, F_SETFL, ::fcntl(fd, F_GETFL) | O_NONBLOCK);
  inner_->local_file = SocketFile(file);
  auto& io = context_.shards.front()->loop().io();
  inner_->listeners.push_back(
      {std::make_unique<asio::posix::stream_descriptor>(io, fd), {}, false, true});
}

std::vector<Server::Handed> Server::listeners() const {
  std::vector<Handed> out;
  for (const auto& listener : inner_->listeners)
    out.push_back({listener.socket->native_handle(), listener.local ? kLocalName : kAddressName});
  return out;
}

void Server::accept(std::size_t index) {
  Inner::Listener& listener = inner_->listeners[index];
  listener.socket->async_wait(
      asio::posix::descriptor_base::wait_read, [this, index](const boost::system::error_code& ec) {
        if (ec || context_.draining) return;
        Inner::Listener& l = inner_->listeners[index];
        for (int i = 0; i < kAcceptsAtOnce; ++i) {
          sockaddr_storage address{};
          socklen_t size = sizeof address;
          const int fd = ::accept4(l.socket->native_handle(), reinterpret_cast<sockaddr*>(&address),
                                   &size, SOCK_NONBLOCK | SOCK_CLOEXEC);
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
          if (!l.local) {
            serve(fd, {address_text(address), l.tls, false});
          } else if (auto name = inner_->local_callers.name_of(fd)) {
            serve(fd, {std::move(*name), false, true});
          } else {
            log_refusal(Refused::Connection, 403, "the socket is for this server's own user");
            ::close(fd);
          }
        }
        accept(index);
      });
}

void Server::serve(int fd, Peer peer) {
  // Those that have not said yet what they want count as well: they hold descriptors.
  const std::size_t all = context_.connections() + context_.http_sessions;
  if (all >= context_.settings.connections_max + 50 ||
      all + 2 * context_.tls_pairs >= descriptors_max_) {
    log_refusal(Refused::Connection, 503, "there are as many connections as there may be");
    ::close(fd);
    return;
  }
  Shard& shard = *context_.shards[next_shard_++ % context_.shards.size()];
  // Counted from here on: of many that come at once the shard will not have seen the first before
  // the last is taken.
  shard.loop().post([this, &shard, fd, peer = std::move(peer),
                     arriving = std::make_shared<Counted>(context_.http_sessions)] {
    receive(*api_, shard, fd, peer);
  });
}

void Server::look_for_ended() {
  if (looking_.exchange(true)) return;
  const bool taken = context_.workers->run([this] {
    api_->end_vouched();
    looking_ = false;
  });
  if (!taken) looking_ = false;
}

void Server::tick() {
  (void)keep_memory_reserve();
  std::chrono::milliseconds every = std::chrono::seconds(1);
  // So often that whoever is signed out is gone within a second.
  constexpr auto kVouchedEvery = std::chrono::milliseconds(500);
  const bool vouched = std::any_of(context_.apps.begin(), context_.apps.end(),
                                   [](const auto& app) { return !app->vouched().empty(); });
  if (vouched) {
    every = kVouchedEvery;
    look_for_ended();
  }
  for (const auto& app : context_.apps) {
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
        if (context_.tls) {
          const auto reloaded = context_.tls->reload();
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
    for (std::size_t i = 1; i < context_.shards.size(); ++i)
      inner_->threads.emplace_back([this, i] { context_.shards[i]->run(); });
  } catch (const std::system_error&) {
    for (const auto& shard : context_.shards) shard->stop();
    for (std::thread& thread : inner_->threads) thread.join();
    throw store::Failure(
        {Errc::Io, "the system gives this process no thread a shard: --threads takes fewer"});
  }
  std::vector<std::string> texts;
  for (const auto& listener : inner_->listeners)
    if (!listener.local) texts.push_back(listener.text);
  if (on_listening) on_listening(texts);
  for (const auto& app : context_.apps)
    if (replay::Playback* playback = app->playback())
      playback->run(context_.settings.playback->paused);
  const std::jthread trimming(trim_memory);
  context_.shards.front()->run();
  for (std::thread& thread : inner_->threads) thread.join();
  context_.workers->stop();
  for (const auto& app : context_.apps) app->stop();
  return ended_;
}

void Server::drain(Ended how) {
  context_.draining = true;
  ended_ = how;
  spdlog::info("draining {} connections over {} ms", context_.connections(),
               context_.settings.drain.count());
  boost::system::error_code ec;
  for (auto& listener : inner_->listeners) {
    listener.socket->cancel(ec);
    // On a restart whoever connects now waits in the socket's queue for the program that follows.
    if (how == Ended::Stopped) listener.socket->close(ec);
  }
  if (how == Ended::Stopped) inner_->local_file.remove();
  const auto until = std::chrono::steady_clock::now() + context_.settings.drain;
  for (const auto& app : context_.apps) app->drain(until);
  const auto left = std::make_shared<std::atomic<std::size_t>>(context_.shards.size());
  for (const auto& shard : context_.shards) {
    shard->loop().post([this, left, raw = shard.get()] {
      raw->drain(context_.settings.drain, [this, left] {
        if (--*left != 0) return;
        const auto deadline = std::chrono::steady_clock::now() + kAnswersMay;
        context_.shards.front()->loop().post([this, deadline] { end_by(deadline); });
      });
    });
  }
}

void Server::end_by(std::chrono::steady_clock::time_point deadline) {
  if (context_.answering == 0 || std::chrono::steady_clock::now() >= deadline) {
    for (const auto& shard : context_.shards) shard->stop();
    return;
  }
  inner_->end.expires_after(std::chrono::milliseconds(10));
  inner_->end.async_wait([this, deadline](const boost::system::error_code& ec) {
    if (!ec) end_by(deadline);
  });
}

}  // namespace rollcall::net
