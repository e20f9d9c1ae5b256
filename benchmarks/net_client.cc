// Sockets, an epoll set, and the least that tells frames apart.
#include "benchmarks/net_client.h"

#include <arpa/inet.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cctype>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <stdexcept>

namespace rollcall::bench {

namespace {

/// Clients of one machine share its 28,000 ports to an address, and those of connections that were
/// closed a moment ago wait a minute: looking for a free one then costs more than connecting. So
/// every few thousand connections come from another loopback address, as clients do in the world.
void from_another_address(int fd) {
  constexpr std::uint32_t kEach = 4000;
  static std::uint32_t made = static_cast<std::uint32_t>(::getpid()) * kEach;
  const std::uint32_t group = made++ / kEach;
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr =
      htonl(0x7F010000U | (group / 250 % 250) << 8 | (1 + group % 250));  // 127.1.x.y
  const int one = 1;
  ::setsockopt(fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &one, sizeof one);
  (void)::bind(fd, reinterpret_cast<sockaddr*>(&address), sizeof address);
}

}  // namespace

int connect_to(const Where& where) {
  const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (fd >= 0 && where.address.starts_with("127.")) from_another_address(fd);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(where.port);
  ::inet_pton(AF_INET, where.address.c_str(), &address.sin_addr);
  if (fd < 0 || ::connect(fd, reinterpret_cast<sockaddr*>(&address), sizeof address) != 0)
    throw std::runtime_error("cannot connect: " + std::string(std::strerror(errno)));
  return fd;
}

std::string masked(std::string_view text) {
  std::string out{static_cast<char>(0x81)};
  if (text.size() < 126) {
    out += static_cast<char>(0x80 | text.size());
  } else {
    out += static_cast<char>(0x80 | 126);
    out += static_cast<char>(text.size() >> 8);
    out += static_cast<char>(text.size() & 0xFF);
  }
  out.append(4, '\0');  // a mask of zeros leaves the text as it is
  out += text;
  return out;
}

Usage usage_of(int pid) {
  Usage out;
  const std::filesystem::path process = "/proc/" + std::to_string(pid);
  for (const auto& task : std::filesystem::directory_iterator(process / "task")) {
    double nanoseconds = 0;
    std::ifstream(task.path() / "schedstat") >> nanoseconds;
    out.cpu_s += nanoseconds / 1e9;
  }
  std::uint64_t pages = 0;
  std::ifstream(process / "statm") >> pages >> pages;
  out.rss = pages * 4096;
  return out;
}

Load::Load(Where where) : where_(std::move(where)) { epoll_ = ::epoll_create1(EPOLL_CLOEXEC); }

Load::~Load() {
  close_all();
  ::close(epoll_);
}

void Load::close_all() {
  for (auto* list : {&clients_, &publishers_}) {
    for (Client* c : *list) {
      ::close(c->fd);
      delete c;
    }
    list->clear();
  }
  ready_count_ = 0;
}

double Load::open(std::size_t count, const std::string& path,
                  const std::function<std::string(std::string_view)>& after,
                  const std::string& ready, std::size_t parallel) {
  after_ = after;
  ready_ = ready;
  const std::string hello = "GET " + path +
                            " HTTP/1.1\r\nHost: 127.0.0.1\r\nUpgrade: websocket\r\nConnection: "
                            "Upgrade\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: "
                            "dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n";
  const auto begun = std::chrono::steady_clock::now();
  const std::size_t before = clients_.size();
  const std::size_t wanted = before + count;
  std::size_t done_before = ready_count_;
  while (ready_count_ - done_before < count) {
    while (clients_.size() < wanted &&
           clients_.size() - before < ready_count_ - done_before + parallel) {
      auto* c = new Client;
      c->fd = connect_to(where_);
      epoll_event event{};
      event.events = EPOLLIN;
      event.data.ptr = c;
      ::epoll_ctl(epoll_, EPOLL_CTL_ADD, c->fd, &event);
      clients_.push_back(c);
      if (::send(c->fd, hello.data(), hello.size(), MSG_NOSIGNAL) < 0)
        throw std::runtime_error("cannot send a handshake");
    }
    turn(std::chrono::milliseconds(100));
    if (std::chrono::steady_clock::now() - begun > std::chrono::seconds(120))
      throw std::runtime_error("connections do not get ready: " + std::to_string(ready_count_));
  }
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - begun).count();
}

std::uint64_t Load::count(Client& c, std::string_view bytes) {
  std::uint64_t seen = 0;
  if (!c.held.empty()) {
    c.held += bytes;
    bytes = c.held;
  }
  std::string rest;
  while (!bytes.empty()) {
    if (c.skip >= bytes.size()) {
      c.skip -= bytes.size();
      break;
    }
    bytes.remove_prefix(static_cast<std::size_t>(c.skip));
    c.skip = 0;
    std::size_t head = 2;
    if (bytes.size() >= 2) {
      const auto length = static_cast<unsigned char>(bytes[1]);
      head = length == 126 ? 4 : length == 127 ? 10 : 2;
    }
    if (bytes.size() < head) {
      rest = std::string(bytes);
      break;
    }
    std::uint64_t length = static_cast<unsigned char>(bytes[1]);
    if (head > 2) {
      length = 0;
      for (std::size_t i = 2; i < head; ++i)
        length = length << 8 | static_cast<unsigned char>(bytes[i]);
    }
    ++seen;
    c.skip = head + length;
  }
  c.held = std::move(rest);
  return seen;
}

void Load::receive(Client& c) {
  const ssize_t n = ::recv(c.fd, buffer_.data(), buffer_.size(), MSG_DONTWAIT);
  if (n < 0 && (errno == EAGAIN || errno == EINTR)) return;
  if (n <= 0 && c.publisher) {  // Soketi closes after each answer: connect again and go on
    ::close(c.fd);
    c.fd = connect_to(where_);
    epoll_event event{};
    event.events = EPOLLIN;
    event.data.ptr = &c;
    ::epoll_ctl(epoll_, EPOLL_CTL_ADD, c.fd, &event);
    c.held.clear();
    if (publishing_) (void)!::send(c.fd, request_.data(), request_.size(), MSG_NOSIGNAL);
    return;
  }
  if (n <= 0) throw std::runtime_error("the server closed a subscriber");
  std::string_view bytes(buffer_.data(), static_cast<std::size_t>(n));
  if (c.publisher) {
    c.held += bytes;
    const std::size_t head = c.held.find("\r\n\r\n");
    if (head == std::string::npos) return;
    std::string lower = c.held.substr(0, head);
    for (char& x : lower) x = static_cast<char>(std::tolower(static_cast<unsigned char>(x)));
    const std::size_t at = lower.find("content-length: ");
    const auto length = at == std::string::npos
                            ? 0UL
                            : static_cast<unsigned long>(std::atol(lower.c_str() + at + 16));
    if (c.held.size() < head + 4 + length) return;
    if (!lower.starts_with("http/1.1 200"))
      throw std::runtime_error("a publish was refused: " + c.held);
    c.held.clear();
    ++answered_;
    if (publishing_ && ::send(c.fd, request_.data(), request_.size(), MSG_NOSIGNAL) < 0)
      throw std::runtime_error("cannot publish");
    return;
  }
  if (c.stage == 3) {
    const std::uint64_t seen = count(c, bytes);
    frames_ += seen;
    if (on_frames && seen != 0) on_frames(seen);
    return;
  }
  c.held += bytes;
  if (c.stage == 0) {
    const std::size_t end = c.held.find("\r\n\r\n");
    if (end == std::string::npos) return;
    if (c.held.find(" 101 ") == std::string::npos)
      throw std::runtime_error("refused: " + c.held.substr(0, 200));
    c.held.erase(0, end + 4);
    c.stage = 1;
    if (!after_) {
      c.stage = 3;
      ++ready_count_;
      std::string().swap(c.held);
      return;
    }
  }
  if (c.stage == 1 && c.held.size() > 2) {
    const std::string reply = after_(c.held);
    c.held.clear();
    if (!reply.empty() && ::send(c.fd, reply.data(), reply.size(), MSG_NOSIGNAL) < 0)
      throw std::runtime_error("cannot subscribe");
    c.stage = 2;
    return;
  }
  if (c.stage == 2 && c.held.find(ready_) != std::string::npos) {
    std::string().swap(c.held);
    c.stage = 3;
    ++ready_count_;
  }
}

void Load::publishers(std::size_t n, std::string request) {
  request_ = std::move(request);
  while (publishers_.size() < n) {
    auto* c = new Client;
    c->fd = connect_to(where_);
    c->publisher = true;
    epoll_event event{};
    event.events = EPOLLIN;
    event.data.ptr = c;
    ::epoll_ctl(epoll_, EPOLL_CTL_ADD, c->fd, &event);
    publishers_.push_back(c);
  }
  publishing_ = true;
  for (Client* c : publishers_)
    (void)!::send(c->fd, request_.data(), request_.size(), MSG_NOSIGNAL);
}

void Load::publish_once() {
  if (connect_each_time) {
    Client& c = *publishers_.front();
    ::close(c.fd);
    c.fd = connect_to(where_);
    c.held.clear();
    epoll_event event{};
    event.events = EPOLLIN;
    event.data.ptr = &c;
    ::epoll_ctl(epoll_, EPOLL_CTL_ADD, c.fd, &event);
  }
  (void)!::send(publishers_.front()->fd, request_.data(), request_.size(), MSG_NOSIGNAL);
}

void Load::send(std::size_t client, std::string_view bytes) {
  (void)!::send(clients_[client]->fd, bytes.data(), bytes.size(), MSG_NOSIGNAL);
}

void Load::request(std::string text) {
  request_ = std::move(text);
  publish_once();
}

void Load::stop_publishing() { publishing_ = false; }

void Load::turn(std::chrono::milliseconds wait) {
  static thread_local std::vector<epoll_event> events(1024);
  const int n = ::epoll_wait(epoll_, events.data(), static_cast<int>(events.size()),
                             static_cast<int>(wait.count()));
  for (int i = 0; i < n; ++i)
    receive(*static_cast<Client*>(events[static_cast<std::size_t>(i)].data.ptr));
}

bool Load::until(std::uint64_t frames, std::chrono::milliseconds patience) {
  const auto end = std::chrono::steady_clock::now() + patience;
  while (frames_ < frames) {
    turn(std::chrono::milliseconds(100));
    if (std::chrono::steady_clock::now() > end) return false;
  }
  return true;
}

}  // namespace rollcall::bench
