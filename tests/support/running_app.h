// An app on its shard, as a server runs them, without listening anywhere.
//
// Why this file exists: what a client says and what a request asks is tested with the real hub,
// shard, log and sessions; the store lies in memory, and the far end of a connection is the test's.
#pragma once

#include "net/presence/server_context.h"
#include "net/pusher/pusher.h"
#include "tests/support/far_end.h"
#include "tests/support/scratch.h"

#include <functional>
#include <future>
#include <memory>
#include <thread>
#include <type_traits>

namespace rollcall::test {

inline constexpr const char* kAppKey = "app-key";
inline constexpr const char* kAppSecret = "app-secret";

class RunningApp {
 public:
  using Change = std::function<void(net::Settings&)>;
  explicit RunningApp(const Change& change = [](net::Settings&) {});
  ~RunningApp();
  RunningApp(const RunningApp&) = delete;
  RunningApp& operator=(const RunningApp&) = delete;

  [[nodiscard]] net::ServerContext& context() { return context_; }
  [[nodiscard]] net::App& app() { return *context_.apps.front(); }
  [[nodiscard]] net::Shard& shard() { return *context_.shards.front(); }
  /// What the work gives, done on the shard's thread.
  template <class Work>
  auto there(Work work) {
    std::packaged_task<std::invoke_result_t<Work>()> task(std::move(work));
    auto out = task.get_future();
    shard().loop().post([&task] { task(); });
    return out.get();
  }
  /// What `read` gives on the sequencer's thread, after everything that was submitted before; it is
  /// durable by then.
  template <class Read>
  auto in_log(Read read) {
    using Out = std::invoke_result_t<Read, store::Transaction&>;
    std::promise<Out> told;
    auto out = told.get_future();
    const bool taken = app().live().submit([&](store::Transaction& transaction) {
      transaction.when_durable([&told, value = read(transaction)](const store::Result<void>&) {
        told.set_value(value);
      });
    });
    if (!taken) throw std::runtime_error("the log takes nothing");
    return out.get();
  }
  template <class Reached>
  static void until(const Reached& reached) {
    while (!reached()) std::this_thread::yield();
  }
  /// Takes over the near end, as after a handshake.
  void adopt(FarEnd& far);

 private:
  Scratch scratch_{Scratch::On::Memory};
  net::ServerContext context_;
  std::unique_ptr<net::Pusher> pusher_;
  std::thread thread_;
};

}  // namespace rollcall::test
