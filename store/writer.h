// The one writer of an app's log: names become numbers, bodies are sealed, the sequencer gives each
// event its place, and a commit makes it durable.
//
// Why this file exists: the server, the command line and imports write in the same way. Opening for
// writing checks the store: it refuses damage inside acknowledged history, a root that does not
// fit the last signed checkpoint, or a vault that lacks users, and says why.
#pragma once

#include "engine/sequencer.h"
#include "store/bytes/utf8.h"
#include "store/log/census.h"
#include "store/log/checkpoints.h"
#include "store/log/history.h"
#include "store/log/medium.h"
#include "store/log/state_digest.h"
#include "store/proposal.h"
#include "store/read_view.h"
#include "store/vault/sealing.h"

#include <atomic>
#include <functional>

namespace rollcall::store {

struct Written {
  Seq seq = 0;
  engine::Header header;
  engine::Outcome outcome = engine::Outcome::Applied;
};

/// The log's meta key of the seq of a user's UserEnrolled; absent if its body holds no name.
[[nodiscard]] std::string enrolment_key(UserNumber user);

class Writer {
 public:
  /// A clean close leaves where everybody's newest event lies (store/log/newest_events.h).
  ~Writer();
  Writer(const Writer&) = delete;
  Writer& operator=(const Writer&) = delete;
  /// The medium outlives the writer.
  /// Creates a store with its keys; an empty origin becomes rollcall.local/<app>-<random>.
  static Result<std::unique_ptr<Writer>> create(const Layout& layout, std::string origin = {},
                                                Medium& medium = on_disk());
  /// As the log and the vault say. What a crash or a restore cut short is as it was left, and the
  /// nodes that were open count as open: open_store() is what opens a store (store/open_store.h).
  static Result<std::unique_ptr<Writer>> load(const Layout& layout, Medium& medium = on_disk());
  /// Whoever's node was open died: its NodeDown comes before whatever is appended next.
  void nodes_died() { nodes_died_ = true; }

  /// Gives the proposal its place in the current commit; not durable before commit().
  Result<Written> stage(const Proposal& proposal, engine::Micros at);
  /// Appends the conclusions of timers due strictly before `at`.
  void conclude(engine::Micros at);
  Result<void> commit(Durable durable = Durable::Yes, WithTree tree = WithTree::Yes);
  /// A bare sign of life of a session: logged if it turns Away into Online or if the last logged
  /// activity is a minute old, otherwise held until the deadline needs it. Returns which.
  Result<bool> stage_touch(Seq session, engine::Micros at);
  /// The number of a channel's name, interned on first use; nothing beyond kChannelsMax.
  Result<std::optional<std::uint64_t>> channel_id(std::string_view name, engine::Micros at);
  /// A process starts: appends conclusions due strictly before the last event, then the NodeDown
  /// of the previous epoch, if it is missing (graces restart, other deadlines move by the gap), and
  /// the NodeUp of a new one. Returns the new node and epoch in one word.
  std::uint64_t stage_restart(std::uint32_t node, engine::Micros at);
  /// The wall clock was set: moves open deadlines with it (engine: ClockStep).
  void stage_clock_step(engine::Micros step, engine::Micros at);
  /// For a clean stop: appends held signs of life, and a mark that this process was alive.
  void stage_farewell(engine::Micros at);

  /// Takes what was staged, for a committer on another thread. It writes the batches with
  /// write_batch in the order they were taken; the writer continues to stage meanwhile.
  struct Batch {
    Commit commit;
    PendingRecords names;
    std::vector<engine::Sequenced> events;
    std::vector<engine::Transition> transitions;
    std::vector<engine::Effect> effects;
  };
  [[nodiscard]] bool staged() const { return !pending_.headers.empty(); }
  [[nodiscard]] std::size_t staged_events() const { return pending_.headers.size(); }
  [[nodiscard]] std::span<const engine::Sequenced> staged_so_far() const { return sequenced_; }
  [[nodiscard]] Batch take_batch();
  [[nodiscard]] Result<void> write_batch(const Batch& batch, Durable durable = Durable::Yes,
                                         WithTree tree = WithTree::Yes);
  /// Called with every batch once it is durable, on the thread that wrote it.
  void observe(std::function<void(const Batch&)> observer) { observer_ = std::move(observer); }
  /// Puts a value of the meta family into the batch of the events staged beside it.
  void stage_meta(std::string key, std::string value);
  /// Deletes the key with that batch. If the batch has a value for it, too, the value wins.
  void stage_meta_gone(std::string key);
  /// A write failed: the staged events are ahead of what the next opening will find.
  [[nodiscard]] bool broken() const { return broken_ || log_->failed() || vault_.ahead(); }

  /// stage() and commit().
  Result<Written> write(const Proposal& proposal, engine::Micros at);

  /// Appends a StateDigest of the present state and signs a checkpoint over it.
  /// Only pages of the state that changed since the last time are hashed.
  Result<SignedCheckpoint> sign(engine::Micros at);

  /// The user's open session that has the caller's own key.
  [[nodiscard]] std::optional<Seq> session_by_key(std::string_view user,
                                                  std::string_view external_key) const;
  /// For whoever only reads, on any thread.
  [[nodiscard]] const ReadView& view() const { return view_; }
  [[nodiscard]] const engine::State& state() const { return sequencer_->state(); }
  [[nodiscard]] std::optional<engine::Micros> next_deadline() const {
    return sequencer_->next_deadline();
  }
  [[nodiscard]] const Ledger& ledger() const { return ledger_; }
  /// As of the opening: what others were shown of invisible users. To keep it current, follow.
  [[nodiscard]] const ShownOfHiders& shown_at_opening() const { return shown_; }
  [[nodiscard]] const Census& census() const { return census_; }
  /// The seq of the snapshot from which this opening started; 0 if it folded the whole log.
  [[nodiscard]] Seq from_snapshot() const { return from_snapshot_; }
  [[nodiscard]] EventLog& log() { return *log_; }
  [[nodiscard]] const EventLog& log() const { return *log_; }
  [[nodiscard]] Vault& vault() { return vault_; }
  [[nodiscard]] const Vault& vault() const { return vault_; }
  [[nodiscard]] const Layout& layout() const { return layout_; }
  /// Through which the vault is written.
  [[nodiscard]] Files& files() const { return files_; }
  /// Drops a user's keys and names from memory.
  void drop_cached(UserNumber user) { sealer_.drop(user); }
  void drop_cached_keys() { sealer_.drop_all(); }

 private:
  Writer(Layout layout, std::unique_ptr<EventLog> log, Vault vault, Files& files);
  Result<void> recover(Fold fold);
  Result<UserNumber> number_for(const Proposal& proposal, engine::Micros at);
  Result<std::uint64_t> action_id(std::string_view action, engine::Micros at);
  Result<InternedNames::ByName> named(const std::map<std::uint64_t, Seq>& events) const;
  Result<std::uint64_t> intern(engine::Kind kind, std::uint64_t id, std::string_view name,
                               engine::Micros at);
  /// Seals a body for the draft and sets its digest there; nothing for an empty body.
  Result<std::optional<Bytes>> seal_into(engine::Header& draft, const engine::Body& body);
  engine::Sequenced place(const engine::Header& draft, engine::Micros at,
                          std::optional<Bytes> sealed);
  void gather(std::size_t from);
  void close_dead_nodes(engine::Micros at);
  void append_node_downs(engine::Micros at);

  Layout layout_;
  std::unique_ptr<EventLog> log_;
  Files& files_;
  Vault vault_;
  Sealer sealer_;
  Ledger ledger_;
  Census census_;
  ShownOfHiders shown_;
  Seq from_snapshot_ = 0;
  std::unique_ptr<engine::Sequencer> sequencer_;
  InternedNames actions_, channels_;
  const ReadView view_{layout_, *log_, vault_, actions_, channels_};
  std::function<void(const Batch&)> observer_;
  std::atomic<bool> broken_ = false;
  StateDigester digester_;
  bool nodes_died_ = false;  ///< their NodeDown precedes the next event
  Commit pending_;
  std::vector<engine::Sequenced> sequenced_;
  std::vector<engine::Transition> transitions_;
  engine::Effects effects_;
};

}  // namespace rollcall::store
