// Who is here, as of the last durable event: what presence answers and broadcasts are made from.
//
// Why this file exists: the sequencer's state runs ahead of the disk and belongs to its thread.
// This follows it commit by commit, may be read from any thread, and stays when the writer stops.
#pragma once

#include "store/bytes/mutex.h"
#include "store/writer.h"

#include <optional>
#include <vector>

namespace rollcall::net::inline presence {

struct PresenceRow {
  engine::Presence state = engine::Presence::Offline;    ///< for the user himself and auditors
  engine::Presence visible = engine::Presence::Offline;  ///< for everybody else
  engine::Presence told = engine::Presence::Offline;     ///< what watchers were told last
  /// What they were told before that; the same as `told` where nothing was since the start.
  engine::Presence told_before = engine::Presence::Offline;
  engine::Override manual = engine::Override::None;
  bool do_not_disturb = false;
  bool erased = false;
  bool pending = false;  ///< on the list of those whose change is to be told
  engine::Micros since = 0;
  engine::Micros last_seen = 0;
  engine::Micros visible_last_seen = 0;  ///< stands still while invisible
  engine::Micros changed_at = 0;         ///< of `visible`
  engine::Seq changed_seq = 0;           ///< of `visible`
  engine::Seq told_seq = 0;
  engine::Seq status_seq = 0;  ///< the StatusSet that holds text and emoji; 0 none
  std::uint32_t sessions = 0;  ///< open ones
};

class Board {
 public:
  void start(const store::Writer& writer);
  /// The state is this from now on, with what others were shown of those who hide. Nobody is told
  /// anything of it.
  void place(const engine::State& state, const store::ShownOfHiders& shown);
  /// In order; whose visible state may have changed is remembered for take_changes().
  void apply(const store::Writer::Batch& batch);

  [[nodiscard]] std::optional<PresenceRow> of(engine::UserNumber user) const;
  [[nodiscard]] engine::Seq seq() const;
  struct Change {
    engine::UserNumber user = 0;
    engine::Presence previous, now;
    engine::Micros at = 0;
    engine::Seq seq = 0;
  };
  /// The change that was told last, for those who come late.
  [[nodiscard]] static Change last_told(engine::UserNumber user, const PresenceRow& s) {
    return {user, s.told_before, s.told, s.changed_at, s.told_seq};
  }
  /// Net changes since the last call: what came and went in between is none (C23).
  [[nodiscard]] std::vector<Change> take_changes();
  /// Whose status text, emoji or do-not-disturb was set or cleared since the last call, once each;
  /// and who was forgotten.
  struct Notes {
    std::vector<engine::UserNumber> statuses, forgotten;
  };
  [[nodiscard]] Notes take_notes();
  /// Everybody whose told state changed after `seq`, ascending by seq.
  [[nodiscard]] std::vector<std::pair<engine::UserNumber, PresenceRow>> changed_after(
      engine::Seq seq) const;
  struct Counts {
    std::uint64_t online = 0, away = 0, known = 0;
  };
  [[nodiscard]] Counts counts() const;
  /// Calls visit for every known user in number order, under the lock: be quick.
  template <class Visit>
  void each(const Visit& visit) const {
    const store::Lock guard(mutex_);
    for (engine::UserNumber n = 1; n < users_.size(); ++n) visit(n, users_[n]);
  }

 private:
  void note(const engine::Effect& effect) RC_REQUIRES(mutex_);
  void forget(const engine::Effect& effect) RC_REQUIRES(mutex_);
  mutable store::Mutex mutex_;
  engine::Seq seq_ RC_GUARDED_BY(mutex_) = 0;
  std::vector<PresenceRow> users_ RC_GUARDED_BY(mutex_){1};
  std::vector<engine::UserNumber> pending_ RC_GUARDED_BY(mutex_);
  Notes notes_ RC_GUARDED_BY(mutex_);
  /// What was told since the start, ascending by seq; an entry is stale where the user was told
  /// something since. Streams that resume read its end instead of walking every user.
  struct Told {
    engine::Seq seq = 0;
    engine::UserNumber user = 0;
  };
  engine::Seq started_ RC_GUARDED_BY(mutex_) = 0;
  std::vector<Told> told_ RC_GUARDED_BY(mutex_);
};

}  // namespace rollcall::net::inline presence
