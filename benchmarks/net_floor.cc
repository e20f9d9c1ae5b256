// One thread, one epoll set, no protocol beyond the handshake.
#include "benchmarks/net_floor.h"

#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <csignal>
#include <cstdlib>
#include <string_view>
#include <vector>

namespace rollcall::bench {
namespace {

struct Conn {
  int fd;
  bool subscriber = false;
  std::uint64_t cursor = 0;
  std::string in;
};

std::string framed(std::string_view body) {
  std::string out{static_cast<char>(0x81)};
  if (body.size() < 126) {
    out += static_cast<char>(body.size());
  } else {
    out += static_cast<char>(126);
    out += static_cast<char>(body.size() >> 8);
    out += static_cast<char>(body.size() & 0xFF);
  }
  out += body;
  return out;
}

}  // namespace

void run_floor(const std::string& kind, int port_pipe) {
  std::signal(SIGPIPE, SIG_IGN);
  const bool sweep = kind == "sweep";
  const int listener = ::socket(AF_INET, SOCK_STREAM, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof address;
  ::bind(listener, reinterpret_cast<sockaddr*>(&address), size);
  ::listen(listener, 4096);
  ::getsockname(listener, reinterpret_cast<sockaddr*>(&address), &size);
  const std::uint16_t port = ntohs(address.sin_port);
  (void)!::write(port_pipe, &port, sizeof port);
  const int set = ::epoll_create1(0);
  epoll_event event{};
  event.events = EPOLLIN;
  event.data.ptr = nullptr;
  ::epoll_ctl(set, EPOLL_CTL_ADD, listener, &event);
  std::vector<Conn*> subscribers;
  std::string log;
  std::uint64_t base = 0;
  std::vector<epoll_event> events(1024);
  std::vector<char> buffer(65536);
  constexpr std::string_view kAnswer = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}";
  constexpr std::string_view kUpgrade =
      "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
      "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n";
  while (true) {
    const int n = ::epoll_wait(set, events.data(), static_cast<int>(events.size()), -1);
    for (int i = 0; i < n; ++i) {
      auto* c = static_cast<Conn*>(events[static_cast<std::size_t>(i)].data.ptr);
      if (c == nullptr) {
        const int fd = ::accept4(listener, nullptr, nullptr, SOCK_NONBLOCK);
        if (fd < 0) continue;
        const int one = 1;
        ::setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
        event.data.ptr = new Conn{fd};
        ::epoll_ctl(set, EPOLL_CTL_ADD, fd, &event);
        continue;
      }
      const ssize_t got = ::recv(c->fd, buffer.data(), buffer.size(), 0);
      if (got <= 0) {
        if (got == 0) std::exit(0);  // the load has gone
        continue;
      }
      if (c->subscriber) {  // a subscriber only ever pings
        constexpr std::string_view kPong = "\x81\x21{\"event\":\"pusher:pong\",\"data\":{}}";
        (void)!::send(c->fd, kPong.data(), kPong.size(), MSG_NOSIGNAL);
        continue;
      }
      c->in.append(buffer.data(), static_cast<std::size_t>(got));
      const std::size_t head = c->in.find("\r\n\r\n");
      if (head == std::string::npos) continue;
      if (c->in.starts_with("GET")) {
        c->subscriber = true;
        c->cursor = base + log.size();
        std::string().swap(c->in);
        subscribers.push_back(c);
        (void)!::send(c->fd, kUpgrade.data(), kUpgrade.size(), MSG_NOSIGNAL);
        continue;
      }
      const std::size_t length_at = c->in.find("Content-Length: ");
      const auto length = static_cast<std::size_t>(std::atol(c->in.c_str() + length_at + 16));
      if (c->in.size() < head + 4 + length) continue;
      const std::string frame = framed(std::string_view(c->in).substr(head + 4, length));
      c->in.erase(0, head + 4 + length);
      (void)!::send(c->fd, kAnswer.data(), kAnswer.size(), MSG_NOSIGNAL);
      if (sweep) {
        log += frame;
      } else {
        for (const Conn* s : subscribers)
          (void)!::send(s->fd, frame.data(), frame.size(), MSG_NOSIGNAL);
      }
    }
    if (!sweep || log.empty()) continue;
    const std::uint64_t end = base + log.size();
    bool all = true;
    for (Conn* s : subscribers) {
      if (s->cursor == end) continue;
      const auto from = static_cast<std::size_t>(s->cursor - base);
      const ssize_t sent = ::send(s->fd, log.data() + from, log.size() - from, MSG_NOSIGNAL);
      if (sent > 0) s->cursor += static_cast<std::uint64_t>(sent);
      all = all && s->cursor == end;
    }
    if (all) {
      base = end;
      log.clear();
    }
  }
}

}  // namespace rollcall::bench
