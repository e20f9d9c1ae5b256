// History played again by a clock of its own: what a server that shows the past is fed by.
//
// Why this file exists: clients of the past ask the same as clients of the present, from the same
// parts of a server. So this is a source of a log like the live one (store/log_source.h), whose end
// moves as the clock of the replay does: it hands over the events of the past as they came, may be
// paused, set to another speed and moved to any moment of its range, and takes nothing.
#pragma once

#include "replay/reader.h"
#include "store/log/cut_log.h"
#include "store/log_source.h"

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <functional>
#include <memory>
#include <string>
#include <thread>

namespace rollcall::replay {

/// Times a second; kAtOnce: as fast as it goes.
using Speed = double;
inline constexpr Speed kAtOnce = 0;
/// Of "60x", "0.5x", "max"; an error says what a speed is.
[[nodiscard]] Result<Speed> read_speed(std::string_view text);
[[nodiscard]] std::string speed_text(Speed speed);

struct PlaybackOptions {
  std::optional<std::string> from, to;  ///< at or after, before; the whole log if none are given
  Speed speed = 1;
  /// The state is this from now on: at the start, and after each move. On the replay's thread, and
  /// in open() the first time.
  std::function<void(const store::Fold&)> on_place;
  /// An event, with what it did; on the replay's thread.
  std::function<void(const store::Writer::Batch&)> on_event;
  /// Somebody was forgotten in the store: names are read anew.
  std::function<void()> on_erasure;
};

class Playback final : public store::LogSource {
 public:
  /// Where the clock of the replay is.
  struct Position {
    Micros at = 0;  ///< its time; the events up to `seq` have come
    Seq seq = 0;
    Speed speed = 1;
    bool paused = false;
    bool ended = false;  ///< nothing comes any more, unless it is moved back
    Micros from = 0, to = 0;
  };

  /// At the range's beginning, standing still until run().
  static Result<std::unique_ptr<Playback>> open(const store::Layout& layout,
                                                PlaybackOptions options, Micros now);
  ~Playback() override;

  void run(bool paused);
  /// Before run(): the state at the range's beginning.
  [[nodiscard]] const engine::State& state() const { return fold_.state; }
  [[nodiscard]] Position position() const;
  void pause(bool paused);
  void set_speed(Speed speed);
  /// To a moment (replay/time_text.h; seq:N is after event N), kept within the range. On return it
  /// is there. `now`: what relative moments are relative to.
  [[nodiscard]] Result<void> move_to(std::string_view moment, Micros now);

  [[nodiscard]] bool submit(Task task) override;
  [[nodiscard]] Result<void> exclusively(
      const std::function<Result<void>(store::Writer&, Micros)>& work) override;
  void stop() override;
  /// The log up to the events that have come.
  [[nodiscard]] std::shared_ptr<const store::ReadView> reading() const override;
  [[nodiscard]] bool writable() const override { return false; }
  [[nodiscard]] std::optional<Error> problem() const override;
  [[nodiscard]] Micros ahead_of_wall() const override { return 0; }
  [[nodiscard]] std::optional<store::Gap> last_gap() const override { return std::nullopt; }

 private:
  using Clock = std::chrono::steady_clock;

  /// A store as it was opened: opened anew if somebody is forgotten, whose name is then in no
  /// memory of ours.
  struct Opened {
    Opened(Reader open, const std::atomic<Seq>& end);
    Reader reader;
    store::CutLog log;
    store::InternedNames actions, channels;
    store::ReadView view;
  };

  Playback(store::Layout layout, PlaybackOptions options);
  [[nodiscard]] static Result<std::shared_ptr<Opened>> open_store(const store::Layout& layout,
                                                                  const std::atomic<Seq>& end);
  void play();
  [[nodiscard]] Result<void> place(Seq seq);
  /// Hands over the events up to `last`, at most a piece of them.
  [[nodiscard]] Result<void> advance(Seq last);
  void look_for_erasures();
  [[nodiscard]] Micros time_at(Clock::time_point now) const RC_REQUIRES(mutex_);

  const store::Layout layout_;
  const PlaybackOptions options_;
  std::atomic<Seq> end_ = 0;  ///< of what is shown
  // Of the replay's thread, and of open() before there is one:
  store::Fold fold_;
  Seq first_ = 0, last_ = 0;  ///< the state before the range; its last event
  Micros from_ = 0, to_ = 0;
  std::uint64_t vault_file_ = 0;  ///< its inode
  Clock::time_point looked_{};

  mutable store::Mutex mutex_;
  std::condition_variable changed_;
  std::shared_ptr<Opened> opened_ RC_GUARDED_BY(mutex_);
  Micros at_ RC_GUARDED_BY(mutex_) = 0;            ///< the replay's time…
  Clock::time_point since_ RC_GUARDED_BY(mutex_);  ///< …at this moment
  Speed speed_ RC_GUARDED_BY(mutex_) = 1;
  bool paused_ RC_GUARDED_BY(mutex_) = false;
  bool ended_ RC_GUARDED_BY(mutex_) = false;
  bool stopping_ RC_GUARDED_BY(mutex_) = false;
  struct Move {
    Seq seq = 0;
    Micros at = 0;
    std::optional<Result<void>> done;
  };
  std::shared_ptr<Move> move_ RC_GUARDED_BY(mutex_);
  std::thread thread_;
};

}  // namespace rollcall::replay
