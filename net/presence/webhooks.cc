// One thread a URL: memory and log in, requests out.
#include "net/presence/webhooks.h"

#include "net/loop/http.h"
#include "net/presence/comings.h"
#include "net/presence/webhook_queue.h"
#include "net/wire/pusher_signature.h"
#include "net/wire/refusals.h"
#include "store/bytes/crypto.h"
#include "store/bytes/mutex.h"
#include "store/log/event_clock.h"

#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include <algorithm>
#include <atomic>
#include <condition_variable>
#include <future>
#include <stop_token>
#include <thread>

namespace rollcall::net::inline presence {
namespace {

using engine::Seq;
using Clock = std::chrono::steady_clock;

constexpr std::size_t kReadyMost = 10'000;  // then nothing more is read from the log
constexpr std::size_t kBatchMost = 100;
constexpr auto kRetryMost = std::chrono::seconds(60);
constexpr auto kLook = std::chrono::milliseconds(250);
constexpr auto kCursorWithin = std::chrono::seconds(2);
// At an end, a request under way and what waits in memory have so long, however short the drain is,
// and not longer than this, however long it is: who answers does so quickly.
constexpr auto kEndLeast = std::chrono::milliseconds(300);
constexpr auto kEndMost = std::chrono::seconds(1);

/// When to try again: soon at first, a minute apart at last.
struct Retry {
  Clock::time_point at{};
  std::chrono::seconds pause{1};
  [[nodiscard]] bool due() const { return Clock::now() >= at; }
  void failed() {
    at = Clock::now() + pause;
    pause = std::min<std::chrono::seconds>(pause * 2, kRetryMost);
  }
  void succeeded() { *this = {}; }
};

}  // namespace

class Webhooks::Target {
 public:
  Target(const AppSettings& app, store::LogSource& live, BatchListeners& listeners,
         const WebhookSettings& settings)
      : app_(app),
        live_(live),
        listeners_(listeners),
        settings_(settings),
        place_(place_of(settings.url)),
        meta_(
            "webhook/" +
            store::hex(store::ByteView(store::sha256({store::as_bytes(settings.url)})).first(16))) {
    listener_ = listeners_.add([this] {
      const store::Lock guard(mutex_);
      log_moved_ = true;
      wake_.notify_one();
    });
    thread_ = std::thread([this] { run(); });
  }

  ~Target() {
    listeners_.remove(listener_);
    ask(Phase::Ending);
    thread_.join();
  }
  Target(const Target&) = delete;
  Target& operator=(const Target&) = delete;

  enum class Phase { Running, LeavingLog, LogLeft, Ending, Ended };
  void ask(Phase phase) {
    const store::Lock guard(mutex_);
    phase_ = std::max(phase_, phase);
    wake_.notify_one();
  }
  /// Until the thread is that far; what it waits for is given up at `until`.
  void await(Phase phase, Clock::time_point until) {
    store::Lock lock(mutex_);
    if (reached_.wait_until(lock.waiting(), until, [&] {
          mutex_.held();
          return phase_ >= phase;
        }))
      return;
    cancel_.request_stop();
    reached_.wait(lock.waiting(), [&] {
      mutex_.held();
      return phase_ >= phase;
    });
  }

  void tell(HubEvent event) {
    if (!wanted(event.name)) return;
    queue_.add(std::move(event), Clock::now());
    const store::Lock guard(mutex_);
    wake_.notify_one();
  }

 private:
  /// A request about what the log holds: which changes, and the moment it bears.
  struct FromLog {
    std::vector<Comings::Change> changes;
    Comings::Told bounds;
    bool kept = false;  ///< the bounds are in the log
  };

  [[nodiscard]] bool wanted(std::string_view name) const {
    return settings_.events.empty() || std::find(settings_.events.begin(), settings_.events.end(),
                                                 name) != settings_.events.end();
  }
  [[nodiscard]] std::size_t batch_most() const { return settings_.batch ? kBatchMost : 1; }
  Phase phase() {
    const store::Lock guard(mutex_);
    return phase_;
  }

  void run() {
    start_cursor();
    while (true) {
      Phase phase;
      {
        store::Lock lock(mutex_);
        wake_.wait_until(lock.waiting(), look_again(), [&] {
          mutex_.held();
          return phase_ == Phase::LeavingLog || phase_ == Phase::Ending ||
                 (log_moved_ && log_retry_.due()) || (due_in_memory() && memory_retry_.due());
        });
        phase = phase_;
        log_moved_ = false;
      }
      if (phase == Phase::LeavingLog) {
        save_cursor(true);
        arrived(Phase::LogLeft);
      } else if (phase == Phase::Ending) {
        flush();
        arrived(Phase::Ended);
        return;
      } else {
        if (memory_retry_.due()) from_memory();
        if (phase == Phase::Running && log_retry_.due()) from_log();
      }
    }
  }

  [[nodiscard]] bool due_in_memory() const {
    const auto due = queue_.next_due();
    return due && *due <= Clock::now();
  }
  /// What waits in memory to be undone is due at a moment of its own: until then there is nothing
  /// to do, and whoever looked again at once would do nothing else.
  [[nodiscard]] Clock::time_point look_again() const {
    const auto now = Clock::now();
    const auto due = queue_.next_due();
    return std::min(now + kLook, due && *due > now ? *due : now + kLook);
  }

  void arrived(Phase phase) {
    const store::Lock guard(mutex_);
    phase_ = std::max(phase_, phase);
    reached_.notify_all();
  }

  // -- requests --

  bool send(const std::string& body) {
    const auto reply = post(settings_.url, body,
                            {{"Content-Type", "application/json"},
                             {"X-Pusher-Key", app_.key},
                             {"X-Pusher-Signature", hmac_hex(app_.secret, body)}},
                            cancel_.get_token());
    const bool taken = reply && reply->status >= 200 && reply->status < 300;
    if (taken)
      recovered();
    else if (!cancel_.stop_requested())
      failed(reply ? fmt::format("it answered {}", reply->status) : reply.error().detail);
    return taken;
  }

  void failed(const std::string& why) {
    if (failures_++ != 0) return;
    failing_since_ = Clock::now();
    spdlog::warn("app {}: the webhook {} takes no events: {}; it is tried again until it does",
                 app_.id, for_log(place_), for_log(why, 300));
  }

  void recovered() {
    if (failures_ == 0) return;
    const auto lasted =
        std::chrono::duration_cast<std::chrono::seconds>(Clock::now() - failing_since_);
    spdlog::info(
        "app {}: the webhook {} takes events again, after {} s and {} failed requests; {} events "
        "that only memory held were dropped meanwhile",
        app_.id, for_log(place_), lasted.count(), failures_, queue_.dropped());
    failures_ = 0;
  }

  // -- what memory holds --

  bool take(bool all) {
    if (!sending_)
      sending_ = queue_.take(batch_most(), store::wall_now() / 1000, all, Clock::now());
    return sending_.has_value();
  }

  void from_memory() {
    queue_.drop_old(sending_, Clock::now());
    while (take(false)) {
      if (!send(sending_->body)) return memory_retry_.failed();
      sending_.reset();
      memory_retry_.succeeded();
      if (phase() == Phase::LeavingLog || phase() == Phase::Ending) return;
    }
  }

  void flush() {
    if (failures_ != 0) return;  // there is no time to find out whether it answers now
    while (!cancel_.stop_requested() && take(true)) {
      if (!send(sending_->body)) return;
      sending_.reset();
    }
  }

  // -- what the log holds --

  void start_cursor() {
    const auto reading = live_.reading();
    if (!reading) return;
    Seq done = reading->log().last();
    std::optional<WebhookCursor> cursor;
    if (const auto kept = reading->log().meta(meta_); kept && *kept) {
      done = store::parse_decimal(**kept).value_or(done);
      if (const auto more = reading->log().meta(meta_ + kMore); more && *more)
        cursor = parse_webhook_cursor(**more);
    }
    // An older version goes on by the number alone, and leaves the rest as it was.
    if (!cursor || cursor->done != done)
      cursor = WebhookCursor{done, Comings::all_until(done), std::nullopt};
    saved_ = render(*cursor);
    begun_ = cursor->begun;
    comings_.emplace(cursor->told, wanted("member_added"), wanted("member_removed"));
  }

  /// Reads on in the log, as far as there is room; whether its end was reached.
  bool read_on(const store::EventLog& log) {
    const auto now = Clock::now();
    const Seq last = log.last();
    std::uint64_t n = 0;
    if (comings_->reached() < last)
      (void)log.scan(comings_->reached() + 1, last, [&](const engine::Header& h, store::ByteView) {
        comings_->take(h, now);
        return begun_ ||
               (comings_->ready() < kReadyMost && (++n % 4096 != 0 || phase() == Phase::Running));
      });
    if (comings_->reached() < last) return false;
    comings_->settle(now);  // of what was read, and all there was had been read
    return true;
  }

  void from_log() {
    if (!comings_) start_cursor();  // the log was being opened anew
    while (comings_ && phase() == Phase::Running) {
      if (!next_from_log()) return;
      FromLog& batch = *from_log_;
      if (settings_.batch && !batch.kept) {
        WebhookCursor cursor = comings_->cursor();
        cursor.begun = batch.bounds;
        keep(cursor, true);  // where the disk takes nothing, what is repeated may be cut anew
        batch.kept = true;
      }
      std::int64_t newest = 0;
      std::vector<HubEvent> events;
      {
        const auto reading = live_.reading();
        if (!reading) return;
        for (const auto& change : batch.changes) {
          newest = std::max(newest, change.at);
          if (auto event = event_of(*reading, change)) events.push_back(std::move(*event));
        }
      }
      if (!events.empty() && !send(webhook_body(newest / 1000, events))) return log_retry_.failed();
      log_retry_.succeeded();
      comings_->tell(batch.changes, batch.bounds);
      from_log_.reset();
      save_cursor(false);
    }
  }

  /// Whether there is something to tell: then it is in from_log_.
  bool next_from_log() {
    const auto reading = live_.reading();
    if (!reading) return false;
    const bool all = read_on(reading->log());
    if (from_log_) return true;
    FromLog batch;
    if (begun_) {  // exactly what was begun before the restart
      if (!all || !comings_->decided(begun_->removed)) return false;
      batch = {comings_->within(*begun_), *begun_, true};
      begun_.reset();
      if (batch.changes.empty()) return next_from_log();
    } else {
      batch.changes = comings_->next(batch_most());
      batch.bounds = comings_->after(batch.changes);
    }
    if (batch.changes.empty()) {
      save_cursor(false);
      return false;
    }
    from_log_ = std::move(batch);
    return true;
  }

  std::optional<HubEvent> event_of(const store::ReadView& reading, const Comings::Change& change) {
    auto user = reading.vault().name_of(change.user);  // forgotten: not told
    if (!user) return std::nullopt;
    auto& channel = channels_[change.channel];
    if (channel.empty()) {
      const auto pointer = reading.log().meta(fmt::format("channel/{:06x}", change.channel));
      const auto seq = pointer && *pointer ? store::parse_decimal(**pointer) : std::nullopt;
      const auto header = seq ? reading.log().header(*seq) : std::optional<engine::Header>{};
      if (!header || !*header) return std::nullopt;
      const auto body = reading.log().body(*seq);
      store::BodyOpener opener(reading.vault(), reading.layout().app);
      if (body) channel = opener.open(**header, *body).body.name;
      if (channel.empty()) return std::nullopt;
    }
    HubEvent out;
    out.name = change.added ? "member_added" : "member_removed";
    out.channel = channel;
    out.user_id = std::move(*user);
    return out;
  }

  void save_cursor(bool now) {
    if (!comings_ || begun_ || (!now && Clock::now() - saved_at_ < std::chrono::seconds(1))) return;
    WebhookCursor cursor = comings_->cursor();
    if (from_log_ && from_log_->kept) cursor.begun = from_log_->bounds;
    keep(cursor, false);
  }

  void keep(const WebhookCursor& cursor, bool wait) {
    const std::string text = render(cursor);
    if (lost_->exchange(false)) saved_.clear();  // once more
    if (text == saved_) return;
    const auto durable = std::make_shared<std::promise<void>>();
    const bool submitted = live_.submit([meta = meta_, text, done = cursor.done, durable,
                                         lost = lost_](store::Transaction& transaction) {
      transaction.stage_meta(meta, fmt::format("{}", done));  // as older versions know it
      transaction.stage_meta(meta + kMore, text);
      transaction.when_durable([durable, lost](const store::Result<void>& kept) {
        if (!kept) *lost = true;
        durable->set_value();
      });
    });
    if (!submitted) return;
    saved_ = text;
    saved_at_ = Clock::now();
    if (wait) (void)durable->get_future().wait_for(kCursorWithin);
  }

  static constexpr const char* kMore = "/more";

  const AppSettings& app_;
  store::LogSource& live_;
  BatchListeners& listeners_;
  WebhookSettings settings_;
  std::string place_, meta_;
  std::uint64_t listener_ = 0;
  std::stop_source cancel_;
  store::Mutex mutex_;
  std::condition_variable wake_, reached_;
  WebhookQueue queue_;
  bool log_moved_ RC_GUARDED_BY(mutex_) = true;
  Phase phase_ RC_GUARDED_BY(mutex_) = Phase::Running;
  // On the thread alone:
  Retry memory_retry_, log_retry_;
  std::uint64_t failures_ = 0;
  Clock::time_point failing_since_{};
  std::optional<WebhookQueue::Request> sending_;
  std::optional<Comings> comings_;
  std::optional<Comings::Told> begun_;  ///< before the restart, and not yet sent again
  std::optional<FromLog> from_log_;
  std::string saved_;
  /// Set by the committer where what was saved last did not become durable.
  std::shared_ptr<std::atomic<bool>> lost_ = std::make_shared<std::atomic<bool>>(false);
  Clock::time_point saved_at_{};
  std::map<std::uint64_t, std::string> channels_;
  std::thread thread_;
};

Webhooks::Webhooks(const AppSettings& app, store::LogSource& live, BatchListeners& listeners) {
  for (const WebhookSettings& settings : app.webhooks)
    targets_.push_back(std::make_unique<Target>(app, live, listeners, settings));
}

namespace {

Clock::time_point end_by(Clock::time_point drained) {
  const auto now = Clock::now();
  return std::clamp(drained, now + kEndLeast, now + kEndMost);
}

}  // namespace

Webhooks::~Webhooks() {
  for (const auto& target : targets_) target->ask(Target::Phase::Ending);
  const auto until = end_by(until_);
  for (const auto& target : targets_) target->await(Target::Phase::Ended, until);
}

void Webhooks::tell(HubEvent event) {
  for (const auto& target : targets_) target->tell(event);
}

void Webhooks::drain(std::chrono::steady_clock::time_point until) { until_ = until; }

void Webhooks::leave_log() {
  for (const auto& target : targets_) target->ask(Target::Phase::LeavingLog);
  const auto until = end_by(until_);
  for (const auto& target : targets_) target->await(Target::Phase::LogLeft, until);
}

}  // namespace rollcall::net::inline presence
