// One thread a URL: memory and log in, requests out.
#include "net/webhooks.h"

#include "net/app.h"
#include "net/http.h"
#include "net/signature.h"
#include "store/crypto.h"

#include <boost/json.hpp>
#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include <algorithm>
#include <atomic>
#include <condition_variable>
#include <deque>
#include <thread>

namespace rollcall::net {
namespace {

namespace json = boost::json;
using engine::Kind;
using engine::Seq;
using Clock = std::chrono::steady_clock;

constexpr std::size_t kWaitingMost = 10'000;
constexpr std::size_t kBatchMost = 100;
constexpr auto kUndoneWithin = std::chrono::seconds(3);
constexpr auto kGiveUpAfter = std::chrono::minutes(5);
constexpr auto kFlushWithin = std::chrono::seconds(2);
constexpr auto kRetryMost = std::chrono::seconds(60);

/// The event that undoes one that waits, and the other way round.
std::string_view opposite(std::string_view name) {
  if (name == "channel_occupied") return "channel_vacated";
  if (name == "member_added") return "member_removed";
  return {};
}
bool waits(std::string_view name) { return name == "channel_vacated" || name == "member_removed"; }

json::object payload(const HubEvent& e) {
  json::object out{{"name", e.name}, {"channel", e.channel}};
  if (!e.user_id.empty()) out["user_id"] = e.user_id;
  if (e.name == "client_event") {
    out["event"] = e.event;
    out["data"] = e.data;
    out["socket_id"] = e.socket_id;
  }
  if (e.name == "subscription_count") out["subscription_count"] = e.count;
  return out;
}

}  // namespace

class Webhooks::Target {
 public:
  Target(App& app, const WebhookSettings& settings)
      : app_(app),
        settings_(settings),
        meta_(
            "webhook/" +
            store::hex(store::ByteView(store::sha256({store::as_bytes(settings.url)})).first(16))) {
    listener_ = app_.on_batch([this] {
      const std::lock_guard guard(mutex_);
      log_moved_ = true;
      wake_.notify_one();
    });
    thread_ = std::thread([this] { run(); });
  }

  ~Target() {
    app_.off_batch(listener_);
    {
      const std::lock_guard guard(mutex_);
      stopping_ = true;
      wake_.notify_one();
    }
    thread_.join();
  }

  void tell(HubEvent event) {
    if (!wanted(event.name)) return;
    const std::lock_guard guard(mutex_);
    if (const auto undone = opposite(event.name); !undone.empty()) {
      // Restored within the time: neither its leaving nor its coming back happened.
      const auto it = std::find_if(waiting_.begin(), waiting_.end(), [&](const Waiting& w) {
        return w.event.name == undone && w.event.channel == event.channel &&
               w.event.user_id == event.user_id && w.due > Clock::now();
      });
      if (it != waiting_.end()) {
        waiting_.erase(it);
        return;
      }
    }
    if (waiting_.size() >= kWaitingMost) {
      waiting_.pop_front();
      if (dropped_++ == 0) spdlog::warn("webhook {}: events are dropped, too many wait", host());
    }
    const auto now = Clock::now();
    const auto due = waits(event.name) ? now + kUndoneWithin : now;
    waiting_.push_back({std::move(event), due, now});
    wake_.notify_one();
  }

 private:
  struct Waiting {
    HubEvent event;
    Clock::time_point due, since;
  };
  using Place = std::pair<std::uint64_t, engine::UserNumber>;  // channel, user
  struct Leaving {
    Seq seq = 0;
    Clock::time_point due;
  };

  [[nodiscard]] bool wanted(std::string_view name) const {
    return settings_.events.empty() || std::find(settings_.events.begin(), settings_.events.end(),
                                                 name) != settings_.events.end();
  }
  [[nodiscard]] std::string host() const { return std::string(origin_of(settings_.url)); }
  static std::string_view origin_of(std::string_view url) {
    const std::size_t scheme = url.find("://");
    const std::size_t slash =
        scheme == std::string_view::npos ? url.size() : url.find('/', scheme + 3);
    return url.substr(0, std::min(slash, url.size()));
  }

  bool send(const std::vector<HubEvent>& events) {
    json::array list;
    for (const HubEvent& e : events) list.push_back(payload(e));
    const std::string body = json::serialize(
        json::object{{"time_ms", store::wall_now() / 1000}, {"events", std::move(list)}});
    const auto reply = post(settings_.url, body,
                            {{"Content-Type", "application/json"},
                             {"X-Pusher-Key", app_.settings().key},
                             {"X-Pusher-Signature", hmac_hex(app_.settings().secret, body)}});
    return reply && reply->status >= 200 && reply->status < 300;
  }

  void run() {
    start_cursor();
    Clock::time_point retry_at{};
    auto pause = std::chrono::seconds(1);
    while (true) {
      std::vector<HubEvent> batch;
      std::size_t from_memory = 0;
      bool stopping = false;
      {
        std::unique_lock lock(mutex_);
        wake_.wait_for(lock, std::chrono::milliseconds(250), [&] {
          return stopping_ || ((log_moved_ || !waiting_.empty()) && Clock::now() >= retry_at);
        });
        stopping = stopping_;
        log_moved_ = false;
        const auto now = Clock::now();
        while (!waiting_.empty() && now - waiting_.front().since > kGiveUpAfter + kUndoneWithin)
          waiting_.pop_front();
        if (stopping || now >= retry_at) {
          const std::size_t most = settings_.batch ? kBatchMost : 1;
          for (const Waiting& w : waiting_) {
            if (w.due > now && !stopping)
              break;  // in order: nothing overtakes what waits, which
                      // is undone or sent within three seconds
            if (batch.size() == most) break;
            batch.push_back(w.event);
          }
          from_memory = batch.size();
        }
      }
      if (stopping) {
        flush();
        return;
      }
      bool failed = false;
      if (!batch.empty()) {
        failed = !send(batch);
        if (!failed) {
          const std::lock_guard guard(mutex_);
          for (std::size_t i = 0; i < from_memory && !waiting_.empty(); ++i) waiting_.pop_front();
        }
      }
      if (!failed && Clock::now() >= retry_at) failed = !follow_log();
      if (failed) {
        retry_at = Clock::now() + pause;
        pause = std::min<std::chrono::seconds>(pause * 2, kRetryMost);
      } else if (Clock::now() >= retry_at) {
        pause = std::chrono::seconds(1);
      }
    }
  }

  void flush() {
    const auto until = Clock::now() + kFlushWithin;
    while (Clock::now() < until) {
      std::vector<HubEvent> batch;
      {
        const std::lock_guard guard(mutex_);
        while (!waiting_.empty() && batch.size() < (settings_.batch ? kBatchMost : 1)) {
          batch.push_back(waiting_.front().event);
          waiting_.pop_front();
        }
      }
      if (batch.empty() || !send(batch)) return;
    }
  }

  // -- the log --

  void start_cursor() {
    const auto reading = app_.live().reading();
    if (!reading) return;
    cursor_ = reading->log().last();
    if (const auto kept = reading->log().meta(meta_); kept && *kept)
      cursor_ = store::parse_decimal(**kept).value_or(cursor_);
    reached_ = cursor_;
    saved_ = cursor_;
    (void)reading->log().scan(1, cursor_, [&](const engine::Header& h, store::ByteView) {
      count(h, nullptr);
      return true;
    });
  }

  /// Keeps who is where; `changes` takes first comings and last goings.
  void count(const engine::Header& h, std::vector<std::pair<Place, bool>>* changes) {
    const auto change = [&](const Place& place, bool added) {
      if (changes != nullptr) changes->emplace_back(place, added);
    };
    if (h.kind == Kind::Joined) {
      auto& nodes = here_[{h.a, h.user}];
      if (nodes.empty()) change({h.a, h.user}, true);
      ++nodes[h.b];
    } else if (h.kind == Kind::Left) {
      const auto it = here_.find({h.a, h.user});
      if (it == here_.end()) return;
      const auto node = it->second.find(h.b);
      if (node != it->second.end() && --node->second == 0) it->second.erase(node);
      if (!it->second.empty()) return;
      here_.erase(it);
      change({h.a, h.user}, false);
    } else if (h.kind == Kind::NodeDown || h.kind == Kind::NodeUp) {
      const bool up = h.kind == Kind::NodeUp;
      for (auto it = here_.begin(); it != here_.end();) {
        std::erase_if(it->second, [&](const auto& node) {
          return engine::node_of(node.first) == engine::node_of(h.a) &&
                 (engine::epoch_of(node.first) < engine::epoch_of(h.a) ||
                  (!up && node.first == h.a));
        });
        if (it->second.empty()) {
          change(it->first, false);
          it = here_.erase(it);
        } else {
          ++it;
        }
      }
    } else if (h.kind == Kind::UserErased) {
      std::erase_if(here_, [&](const auto& entry) { return entry.first.second == h.user; });
      std::erase_if(leaving_, [&](const auto& entry) { return entry.first.second == h.user; });
    }
  }

  std::optional<HubEvent> event_of(const store::Writer& reading, const Place& place, bool added) {
    auto user = reading.vault().name_of(place.second);  // forgotten: not told
    if (!user) return std::nullopt;
    auto& channel = channels_[place.first];
    if (channel.empty()) {
      const auto pointer = reading.log().meta(fmt::format("channel/{:06x}", place.first));
      const auto seq = pointer && *pointer ? store::parse_decimal(**pointer) : std::nullopt;
      const auto header = seq ? reading.log().header(*seq) : std::optional<engine::Header>{};
      if (!header || !*header) return std::nullopt;
      const auto body = reading.log().body(*seq);
      store::BodyOpener opener(reading.vault(), reading.layout().app);
      if (body) channel = opener.open(**header, *body).body.name;
      if (channel.empty()) return std::nullopt;
    }
    HubEvent out;
    out.name = added ? "member_added" : "member_removed";
    out.channel = channel;
    out.user_id = std::move(*user);
    return wanted(out.name) ? std::optional<HubEvent>(std::move(out)) : std::nullopt;
  }

  /// What was logged since, told; false where the other side did not take it.
  bool follow_log() {
    const auto reading = app_.live().reading();
    if (!reading) return true;
    const Seq last = reading->log().last();
    std::vector<std::pair<Place, bool>> changes;
    while (reached_ < last || !unsent_.empty()) {
      if (unsent_.empty()) {
        engine::Header header;
        (void)reading->log().scan(reached_ + 1, last,
                                  [&](const engine::Header& h, store::ByteView) {
                                    header = h;
                                    changes.clear();
                                    count(h, &changes);
                                    reached_ = h.seq;
                                    return changes.empty();
                                  });
        for (const auto& [place, added] : changes) {
          if (!added) {
            leaving_[place] = {header.seq, Clock::now() + kUndoneWithin};
          } else if (leaving_.erase(place) == 0) {
            if (auto event = event_of(*reading, place, true)) unsent_.push_back(std::move(*event));
          }
        }
        changes.clear();
        if (unsent_.empty()) continue;
      }
      if (!send_unsent()) return false;
    }
    const auto now = Clock::now();
    for (auto it = leaving_.begin(); it != leaving_.end();) {
      if (it->second.due > now) {
        ++it;
        continue;
      }
      if (auto event = event_of(*reading, it->first, false)) unsent_.push_back(std::move(*event));
      it = leaving_.erase(it);
    }
    if (!unsent_.empty() && !send_unsent()) return false;
    save_cursor();
    return true;
  }

  bool send_unsent() {
    while (!unsent_.empty()) {
      const std::size_t n = settings_.batch ? std::min(kBatchMost, unsent_.size()) : 1;
      const auto end = unsent_.begin() + static_cast<std::ptrdiff_t>(n);
      if (!send({unsent_.begin(), end})) return false;
      unsent_.erase(unsent_.begin(), end);
      const std::lock_guard guard(mutex_);
      if (stopping_) return false;
    }
    return true;
  }

  void save_cursor() {
    cursor_ = reached_;
    for (const auto& [place, leaving] : leaving_) cursor_ = std::min(cursor_, leaving.seq - 1);
    const auto now = Clock::now();
    if (cursor_ == saved_ || now - saved_at_ < std::chrono::seconds(1)) return;
    saved_ = cursor_;
    saved_at_ = now;
    const bool taken = app_.live().submit(
        [this, meta = meta_, text = fmt::format("{}", cursor_)](store::Turn& turn) {
          turn.stage_meta(meta, text);
          turn.when_durable([this](const store::Result<void>& durable) {
            if (!durable) saved_ = 0;
          });
        });
    if (!taken) saved_ = 0;  // once more when there is something to save it in
  }

  App& app_;
  WebhookSettings settings_;
  std::string meta_;
  std::uint64_t listener_ = 0;
  std::mutex mutex_;
  std::condition_variable wake_;
  std::deque<Waiting> waiting_;
  std::uint64_t dropped_ = 0;
  bool log_moved_ = true, stopping_ = false;
  // On the thread alone:
  Seq cursor_ = 0, reached_ = 0;
  std::atomic<Seq> saved_ = 0;  ///< the committer takes it back where it did not become durable
  Clock::time_point saved_at_{};
  std::map<Place, std::map<std::uint64_t, std::uint32_t>> here_;
  std::map<Place, Leaving> leaving_;
  std::deque<HubEvent> unsent_;
  std::map<std::uint64_t, std::string> channels_;
  std::thread thread_;
};

Webhooks::Webhooks(App& app) {
  for (const WebhookSettings& settings : app.settings().webhooks)
    targets_.push_back(std::make_unique<Target>(app, settings));
}

Webhooks::~Webhooks() = default;

void Webhooks::tell(HubEvent event) {
  for (const auto& target : targets_) target->tell(event);
}

}  // namespace rollcall::net
