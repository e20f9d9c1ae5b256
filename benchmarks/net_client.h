// A load of WebSocket clients and HTTP publishers on one thread, as cheap as it can be: it shares
// the machine with what it measures.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

namespace rollcall::bench {

struct Where {
  std::string address = "127.0.0.1";
  std::uint16_t port = 0;
};

/// Blocking connect; throws on failure.
[[nodiscard]] int connect_to(const Where& where);

class Load {
 public:
  explicit Load(Where where);
  ~Load();

  /// Opens `count` connections: GET `path` as an upgrade, then `after(first message)` gives what to
  /// send once the server has spoken (empty: nothing); ready when `ready` is in something received.
  /// At most `parallel` at a time. Seconds it took.
  double open(std::size_t count, const std::string& path,
              const std::function<std::string(std::string_view first)>& after,
              const std::string& ready, std::size_t parallel = 64);
  /// The subscribers, to be counted: frames received since.
  [[nodiscard]] std::uint64_t frames() const { return frames_; }
  [[nodiscard]] std::size_t size() const { return clients_.size(); }

  /// Keep-alive connections that POST `request` again as soon as it is answered.
  void publishers(std::size_t count, std::string request);
  void stop_publishing();
  [[nodiscard]] std::uint64_t answered() const { return answered_; }
  /// One POST on a publisher's connection; answered() moves when it is answered.
  void publish_once();
  /// For a server that closes after each answer: publish_once() connects anew.
  bool connect_each_time = false;
  /// Another request on the same connection.
  void request(std::string text);

  /// Receives what there is, for at most `wait`.
  void turn(std::chrono::milliseconds wait);
  /// Until `frames()` reaches so many; false after `patience`.
  bool until(std::uint64_t frames, std::chrono::milliseconds patience);
  /// Called with the time of each received read, where set: for latencies (frames, when).
  std::function<void(std::uint64_t)> on_frames;
  void close_all();
  /// To one client's connection.
  void send(std::size_t client, std::string_view bytes);

 private:
  struct Client {
    int fd = -1;
    std::uint8_t stage = 0;  // 0 waits for 101, 1 for the first message, 2 for ready, 3 counts
    std::uint64_t skip = 0;  // bytes of the present frame that are still to come
    std::string held;
    bool publisher = false;
  };
  void receive(Client& client);
  std::uint64_t count(Client& client, std::string_view bytes);

  Where where_;
  int epoll_ = -1;
  std::vector<Client*> clients_, publishers_;
  std::string request_, ready_;
  std::function<std::string(std::string_view)> after_;
  std::uint64_t frames_ = 0, answered_ = 0;
  std::size_t ready_count_ = 0;
  bool publishing_ = false;
  std::vector<char> buffer_ = std::vector<char>(1 << 20);
};

/// A masked text frame, as a client sends it.
[[nodiscard]] std::string masked(std::string_view text);
/// CPU seconds of the threads that a process has now, to the nanosecond, and its resident bytes.
struct Usage {
  double cpu_s = 0;
  std::uint64_t rss = 0;
};
[[nodiscard]] Usage usage_of(int pid);

}  // namespace rollcall::bench
