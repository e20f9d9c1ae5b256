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
  RC_TRY(server.playback ? raw->play(server) : raw->go_live(server));
  return app;
} catch (const std::system_error&) {  // of a std::thread of the log's, or of the webhooks'
  return no_thread();
}

store::Result<void> App::go_live(const Settings& server) {
  store::LiveOptions options;
  options.accept_clock = server.accept_clock ? store::AcceptClock::Yes : store::AcceptClock::No;
  options.policy = settings().policy;
  options.on_start = [this](const store::Writer& writer) {
    board_.start(writer);
    snapshot_ = writer.from_snapshot();
    spdlog::info("app {}: {} users; state from {} and {} events after it", settings().id,
                 writer.vault().users() - 1,
                 snapshot_ == 0 ? "the beginning" : fmt::format("snapshot {}", snapshot_),
                 writer.log().last() - snapshot_);
  };
  options.on_durable = [this](const store::Writer::Batch& batch) {
    board_.apply(batch);
    const bool noted = std::any_of(batch.effects.begin(), batch.effects.end(), [](const auto& e) {
      return std::holds_alternative<engine::Overridden>(e.what) ||
             std::holds_alternative<engine::UserForgotten>(e.what);
    });
    if (noted || !batch.transitions.empty()) broadcast_->notify();
    if (Rooms* rooms = rooms_ready_) rooms->publish(batch);
    batch_listeners_.notify();
  };
  // So that a clean stop leaves no unsigned tail.
  options.on_farewell = [this](store::Writer& writer, engine::Micros at) {
    if (const auto made = writer.sign(at); !made)
      spdlog::warn("app {}: the end was not signed: {}", settings().id, made.error().detail);
  };
  options.on_clock_step = [this](engine::Micros step) {
    spdlog::warn("app {}: the wall clock {} s {} while the server ran; {}", settings().id,
                 std::abs(step) / 1'000'000, step > 0 ? "jumped ahead" : "went back",
                 step > 0 ? "nobody watched meanwhile: deadlines move by it"
                          : "the log's time goes on, a tenth slower, until they meet");
  };
  options.on_health = [this](const std::optional<store::Error>& problem) {
    if (problem) {
      spdlog::error("app {}: nothing can be written: {}", settings().id, problem->detail);
    } else {
      spdlog::info("app {}: writing again", settings().id);
      if (sessions_) sessions_->resume();
    }
  };
  auto live = store::Live::start(layout_, std::move(options));
  if (!live) return live.error();
  writing_ = live->get();
  live_ = std::move(*live);
  serve(server, {});
  if (const auto fault = store::signing_key_fault(layout_)) set_signing_problem(fault->detail);
  const std::chrono::seconds often(settings().sign_every_s);
  const auto repeat = [this](std::chrono::seconds every, std::function<void()> work) {
    return run_aside([this, every, work = std::move(work)] { now_and_then(every, work); });
  };
  const bool started =
      repeat(often,
             [this] {
               sessions_->sweep_answers();
               sign();
             }) &&
      (settings().snapshot_every == 0 || repeat(often, [this] { keep_snapshot(); })) &&
      repeat(std::chrono::seconds(1), [this] { writing_->look_after_folder(); });
  if (!started) return no_thread();
  if (!settings().webhooks.empty())
    webhooks_ = std::make_unique<Webhooks>(settings(), *live_, batch_listeners_);
  return {};
}

void App::serve(const Settings& server, std::function<AskedAt()> asked_at) {
  sessions_ = std::make_unique<Sessions>(*live_);
  ReaderLimits limits;
  limits.most = server.commands_max;
  limits.most_of_one = server.commands_per_caller;
  limits.memory_mb = server.command_memory_mb;
  limits.longest = std::chrono::seconds(server.command_s);
  limits.cpu_s = server.command_cpu_s;
  limits.rows_most = server.command_rows;
  readers_ = std::make_unique<ReaderPool>(layout_, limits, std::move(asked_at));
  readers_->prepare();
  broadcast_->set_reading([this] { return live_->reading(); });
  rooms_ = std::make_unique<Rooms>(*live_, *hub_);
  rooms_ready_ = rooms_.get();
}

store::Result<void> App::play(const Settings& server) {
  members_ = std::make_unique<PlayedMembers>(*hub_);
  replay::PlaybackOptions options;
  options.from = server.playback->from;
  options.to = server.playback->to;
  options.speed = server.playback->speed;
  options.on_place = [this](const store::Fold& fold) { place(fold); };
  options.on_event = [this](const store::Writer::Batch& batch) {
    board_.apply(batch);
    (void)board_.take_changes();  // told one by one
    broadcast_->tell_each(batch);
    if (const auto reading = live_->reading()) members_->apply(batch, *reading);
    rooms_->publish(batch);
    batch_listeners_.notify();
  };
  options.on_erasure = [this] { readers_->renew(); };
  auto opened = replay::Playback::open(layout_, std::move(options), store::wall_now());
  if (!opened) return opened.error();
  playback_ = opened->get();
  live_ = std::move(*opened);
  serve(server, [this] {
    const auto is = playback_->position();
    return AskedAt{is.seq, is.at};
  });
  if (const auto reading = live_->reading()) members_->place(playback_->state(), *reading);
  return {};
}

void App::place(const store::Fold& fold) {
  std::vector<Board::Change> changes;
  std::vector<engine::Presence> before;
  board_.each([&](engine::UserNumber, const PresenceRow& row) { before.push_back(row.state); });
  board_.place(fold.state, fold.shown);
  if (!playback_) return;  // the first time: nobody listens
  for (engine::UserNumber user = 1; user < fold.state.users.size(); ++user) {
    const engine::User& now = fold.state.users[user];
    const auto was = user <= before.size() ? before[user - 1] : engine::Presence::Offline;
    if (was != now.state) changes.push_back({user, was, now.state, now.since, now.last_seq});
  }
  for (std::size_t user = fold.state.users.size(); user <= before.size(); ++user)
    if (before[user - 1] != engine::Presence::Offline)  // had not come for the first time then
      changes.push_back({static_cast<engine::UserNumber>(user), before[user - 1],
                         engine::Presence::Offline, fold.state.at, fold.state.seq});
  broadcast_->tell_moved(fold.state.at, fold.state.seq);
  broadcast_->tell_each(changes);
  if (const auto reading = live_->reading()) members_->place(fold.state, *reading);
  batch_listeners_.notify();
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
  store::Lock lock(stop_mutex_);
  while (!stopping) {
    stopped_.wait_for(lock.waiting(), every, [&] { return stopping.load(); });
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
  const store::Lock guard(signing_mutex_);
  return signing_problem_;
}

void App::set_signing_problem(std::optional<std::string> problem) {
  const store::Lock guard(signing_mutex_);
  if (problem && problem != signing_problem_)
    spdlog::error("app {}: nothing can be signed: {}", settings().id, *problem);
  if (!problem && signing_problem_) spdlog::info("app {}: signing again", settings().id);
  signing_problem_ = std::move(problem);
}

void App::sign() {
  if (playback_) return;
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
    const store::Lock guard(stop_mutex_);
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
