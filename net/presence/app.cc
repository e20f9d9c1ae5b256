// Putting an app together, and taking it apart in the right order.
#include "net/presence/app.h"

#include "net/loop/workers.h"
#include "net/presence/webhooks.h"

#include <spdlog/spdlog.h>

#include <algorithm>
#include <cstdlib>
#include <system_error>
#include <thread>

namespace rollcall::net::inline presence {
namespace {

store::Error no_thread() {
  return {store::Errc::Io, "the system gives this process no thread: see its limits (ulimit -a)"};
}

/// More than streams and questions may be by any setting: their own limits are what is met.
constexpr std::size_t kLastingMost = 100'000;

}  // namespace

App::App(const AppSettings& settings, store::Layout layout, Workers& workers)
    : Tenant(settings), workers_(workers), layout_(std::move(layout)), lasting_(kLastingMost, 0) {}

store::Result<std::unique_ptr<App>> App::open(const Settings& server, const AppSettings& settings,
                                              std::vector<DeliverySink*> shards, Loop& loop,
                                              Workers& workers) try {
  const auto layout = store::locate(server.data, settings.id);
  if (!layout) return layout.error();
  std::unique_ptr<App> app(new App(settings, *layout, workers));
  App* raw = app.get();
  raw->hub_ = std::make_unique<Hub>(raw->settings(), std::move(shards), [raw](HubEvent event) {
    raw->tell_webhooks(std::move(event));
  });
  raw->broadcast_ = std::make_unique<Broadcast>(raw->board_, *raw->hub_, loop);
  store::LiveOptions options;
  options.accept_clock = server.accept_clock ? store::AcceptClock::Yes : store::AcceptClock::No;
  options.policy = settings.policy;
  options.on_start = [raw](const store::Writer& writer) {
    raw->board_.start(writer);
    raw->snapshot_ = writer.from_snapshot();
    spdlog::info("app {}: {} users; state from {} and {} events after it", raw->settings().id,
                 writer.vault().users() - 1,
                 raw->snapshot_ == 0 ? "the beginning" : fmt::format("snapshot {}", raw->snapshot_),
                 writer.log().last() - raw->snapshot_);
  };
  options.on_durable = [raw](const store::Writer::Batch& batch) {
    raw->board_.apply(batch);
    const bool noted = std::any_of(batch.effects.begin(), batch.effects.end(), [](const auto& e) {
      return std::holds_alternative<engine::Overridden>(e.what) ||
             std::holds_alternative<engine::UserForgotten>(e.what);
    });
    if (noted || !batch.transitions.empty()) raw->broadcast_->notify();
    if (Rooms* rooms = raw->rooms_ready_) rooms->publish(batch);
    raw->batch_listeners_.notify();
  };
  // So that a clean stop leaves no unsigned tail.
  options.on_farewell = [raw](store::Writer& writer, engine::Micros at) {
    if (const auto made = writer.sign(at); !made)
      spdlog::warn("app {}: the end was not signed: {}", raw->settings().id, made.error().detail);
  };
  options.on_clock_step = [raw](engine::Micros step) {
    spdlog::warn("app {}: the wall clock {} s {} while the server ran; {}", raw->settings().id,
                 std::abs(step) / 1'000'000, step > 0 ? "jumped ahead" : "went back",
                 step > 0 ? "nobody watched meanwhile: deadlines move by it"
                          : "the log's time goes on, a tenth slower, until they meet");
  };
  options.on_health = [raw](const std::optional<store::Error>& problem) {
    if (problem) {
      spdlog::error("app {}: nothing can be written: {}", raw->settings().id, problem->detail);
    } else {
      spdlog::info("app {}: writing again", raw->settings().id);
      if (raw->sessions_) raw->sessions_->resume();
    }
  };
  auto live = store::Live::start(*layout, std::move(options));
  if (!live) return live.error();
  raw->live_ = std::move(*live);
  raw->sessions_ = std::make_unique<Sessions>(*raw->live_);
  ReaderLimits limits;
  limits.most = server.commands_max;
  limits.most_of_one = server.commands_per_caller;
  limits.memory_mb = server.command_memory_mb;
  limits.longest = std::chrono::seconds(server.command_s);
  limits.cpu_s = server.command_cpu_s;
  limits.rows_most = server.command_rows;
  raw->readers_ = std::make_unique<ReaderPool>(*layout, limits);
  raw->readers_->prepare();
  raw->broadcast_->set_reading([raw] { return raw->live_->reading(); });
  raw->rooms_ = std::make_unique<Rooms>(*raw->live_, *raw->hub_);
  raw->rooms_ready_ = raw->rooms_.get();
  if (const auto fault = store::signing_key_fault(*layout)) raw->set_signing_problem(fault->detail);
  const std::chrono::seconds often(settings.sign_every_s);
  const bool started = raw->run_aside([raw, often] {
    raw->now_and_then(often, [raw] {
      raw->sessions_->sweep_answers();
      raw->sign();
    });
  }) && (settings.snapshot_every == 0 || raw->run_aside([raw, often] {
                         raw->now_and_then(often, [raw] { raw->keep_snapshot(); });
                       })) &&
                       raw->run_aside([raw] {
                         raw->now_and_then(std::chrono::seconds(1),
                                           [raw] { raw->live_->look_after_folder(); });
                       });
  if (!started) return no_thread();
  if (!settings.webhooks.empty())
    raw->webhooks_ =
        std::make_unique<Webhooks>(raw->settings(), *raw->live_, raw->batch_listeners_);
  return app;
} catch (const std::system_error&) {  // of a std::thread of the log's, or of the webhooks'
  return no_thread();
}

App::~App() { stop(); }

void App::vouch(ConnectionId connection, Voucher voucher) {
  // On the shard's thread, which also says when the connection is closed: none is kept for ever.
  with_connection(connection, [this, voucher = std::move(voucher)](const Connection* found) {
    if (found != nullptr && found->tenant == this && !found->closing && !found->closed)
      vouched_.add(found->id, voucher);
  });
}

bool App::run_aside(std::function<void()> work) { return lasting_.run_at_once(std::move(work)); }

void App::now_and_then(std::chrono::seconds every, const std::function<void()>& work) {
  std::unique_lock lock(stop_mutex_);
  while (!stopping) {
    stopped_.wait_for(lock, every, [&] { return stopping.load(); });
    lock.unlock();
    if (!stopping) work();
    lock.lock();
  }
}

void App::keep_snapshot() {
  auto reading = live_->reading();
  const engine::Seq last = reading ? reading->log().last() : 0;
  reading.reset();
  if (last < snapshot_ + settings().snapshot_every) return;
  // A process of its own, with a state of its own: nobody here waits for it or pays for it.
  const auto made =
      readers_->ask_aside({"snapshot create", {}, false, {}}, [this] { return !stopping; });
  snapshot_ = last;
  if (!made && !stopping)
    spdlog::warn("app {}: no snapshot was made; `rollcall snapshot create` says why",
                 settings().id);
}

std::optional<std::string> App::signing_problem() const {
  const std::lock_guard guard(signing_mutex_);
  return signing_problem_;
}

void App::set_signing_problem(std::optional<std::string> problem) {
  const std::lock_guard guard(signing_mutex_);
  if (problem && problem != signing_problem_)
    spdlog::error("app {}: nothing can be signed: {}", settings().id, *problem);
  if (!problem && signing_problem_) spdlog::info("app {}: signing again", settings().id);
  signing_problem_ = std::move(problem);
}

void App::sign() {
  // Looked at even where nothing is new: health tells of a key that is gone before it is needed.
  if (const auto fault = store::signing_key_fault(layout_))
    return set_signing_problem(fault->detail);
  const auto reading = live_->reading();
  if (!reading || !live_->writable()) return;
  if (reading->log().last() == signed_) return set_signing_problem(std::nullopt);
  const auto done = live_->exclusively([this](store::Writer& writer, engine::Micros at) {
    const auto checkpoint = writer.sign(at);
    if (!checkpoint) return store::Result<void>(checkpoint.error());
    signed_ = writer.log().last();
    return store::Result<void>();
  });
  if (!done && !live_->writable()) return;  // told as such
  set_signing_problem(done ? std::nullopt : std::optional<std::string>(done.error().detail));
}

void App::drain(std::chrono::steady_clock::time_point until) {
  draining = true;
  if (webhooks_) webhooks_->drain(until);
  batch_listeners_.notify();
}

void App::stop() {
  if (stopping.exchange(true)) return;
  ending_.request_stop();
  {
    const std::lock_guard guard(stop_mutex_);
    stopped_.notify_all();
  }
  if (readers_) readers_->stop();
  lasting_.stop();
  if (webhooks_) webhooks_->leave_log();
  if (live_) live_->stop();
  webhooks_.reset();
}

void App::tell_webhooks(HubEvent event) {
  if (webhooks_) webhooks_->tell(std::move(event));
}

bool App::attends(std::string_view channel) const {
  return std::any_of(settings().attendance.begin(), settings().attendance.end(),
                     [&](const std::string& prefix) { return channel.starts_with(prefix); });
}

}  // namespace rollcall::net::inline presence
