// The live log: one thread sequences events while another makes the previous commit durable.
//
// Why this file exists: a server has many writers and one order of events. A task runs on the
// sequencer's thread, with everything before it applied; its results are held back until the commit
// that contains its events is durable. While one commit waits for the disk, the next one gathers
// (group commit, pipelined). A failed commit is never retried blindly: the state that was ahead of
// the disk is discarded, and reopening the log decides what happened.
#pragma once

#include "store/bytes/mutex.h"
#include "store/folder_watch.h"
#include "store/log/event_clock.h"
#include "store/log_source.h"
#include "store/open_store.h"

#include <atomic>
#include <condition_variable>
#include <deque>
#include <functional>
#include <thread>

namespace rollcall::store {

/// What a task may do while it runs; valid only inside the task.
class Transaction {
 public:
  /// Meta values that no reader of the database sees yet: staged, or in the commit in progress.
  struct Recent {
    std::unordered_map<std::string, std::string> staged, in_flight;
  };
  Transaction(Writer& writer, engine::Micros now, std::uint64_t node_epoch, Recent& recent)
      : writer_(writer), now_(now), node_epoch_(node_epoch), recent_(recent) {}

  [[nodiscard]] engine::Micros now() const { return now_; }
  [[nodiscard]] const Writer& writer() const { return writer_; }
  [[nodiscard]] const engine::State& state() const { return writer_.state(); }
  /// This process in the log: node and epoch in one word.
  [[nodiscard]] std::uint64_t node_epoch() const { return node_epoch_; }

  Result<Written> append(const Proposal& proposal) { return writer_.stage(proposal, now_); }
  Result<bool> touch(Seq session) { return writer_.stage_touch(session, now_); }
  Result<std::optional<std::uint64_t>> channel_id(std::string_view name) {
    return writer_.channel_id(name, now_);
  }
  /// Puts a value of the meta family into the batch of the events beside it; and the value that is
  /// staged or stored under a key.
  void stage_meta(std::string key, std::string value) {
    recent_.staged.insert_or_assign(key, value);
    writer_.stage_meta(std::move(key), std::move(value));
  }
  /// Deletes a key in that batch; a value staged under it before in the same batch stays.
  void stage_meta_gone(std::string key) { writer_.stage_meta_gone(std::move(key)); }
  [[nodiscard]] Result<std::optional<std::string>> remembered(const std::string& key) const {
    for (const auto* map : {&recent_.staged, &recent_.in_flight})
      if (const auto it = map->find(key); it != map->end())
        return std::optional<std::string>(it->second);
    return writer_.log().meta(key);
  }

  /// Runs on the committer's thread, in order, once everything appended so far is durable; with an
  /// error if that is unknown.
  using Held = std::function<void(const Result<void>&)>;
  void when_durable(Held held) { held_.push_back(std::move(held)); }
  [[nodiscard]] std::vector<Held> take_held() { return std::move(held_); }

 private:
  Writer& writer_;
  engine::Micros now_;
  std::uint64_t node_epoch_;
  Recent& recent_;
  std::vector<Held> held_;
};

struct LiveOptions {
  std::uint32_t node = 1;
  AcceptClock accept_clock = AcceptClock::No;
  std::optional<engine::Policy> policy;     ///< logged as PolicySet at the start if it differs
  engine::Micros alive_every = 10'000'000;  ///< AliveMark after this long without an event
  Medium* medium = &on_disk();              ///< what the store is kept on; outlives it
  std::size_t queue_max = 200'000;          ///< waiting tasks; beyond, submit() refuses
  /// Called with the restored state, including this process's epoch, before any task is accepted.
  std::function<void(const Writer&)> on_start;
  /// Called with every durable batch in order, before results leave; on the committer's thread.
  std::function<void(const Writer::Batch&)> on_durable;
  /// The last step of a clean stop, after everything else is durable: may commit by itself.
  std::function<void(Writer&, engine::Micros)> on_farewell;
  /// Called when the wall clock was set, with by how much; on the sequencer's thread.
  std::function<void(engine::Micros)> on_clock_step;
  /// Called when the writer stops (with the reason) and when it resumes (with nothing).
  std::function<void(const std::optional<Error>&)> on_health;
};

class Live final : public LogSource {
 public:
  /// Opens or creates the store, restores the state, and logs the gap since its last sign of life.
  static Result<std::unique_ptr<Live>> start(const Layout& layout, LiveOptions options);
  ~Live() override;

  /// False if the writer is stopped or the queue is full.
  [[nodiscard]] bool submit(Task task) override;
  [[nodiscard]] Result<void> exclusively(
      const std::function<Result<void>(Writer&, engine::Micros)>& work) override;
  /// Checks whether the store is still where it was opened; if not, writing stops until it is back.
  /// Call it from time to time.
  void look_after_folder();
  /// On return the farewell is written, too.
  void stop() override;

  /// Hold it briefly: a writer that failed opens the log anew once nobody reads.
  [[nodiscard]] std::shared_ptr<const ReadView> reading() const override;
  [[nodiscard]] bool writable() const override { return writable_; }
  [[nodiscard]] std::optional<Error> problem() const override;
  [[nodiscard]] std::uint64_t node_epoch() const { return node_epoch_; }
  [[nodiscard]] engine::Micros started_at() const { return started_at_; }
  [[nodiscard]] engine::Micros last_heard() const { return last_heard_; }
  /// How far the log's time is ahead of a wall clock that was set back; it shrinks by a tenth of
  /// the time that passes.
  [[nodiscard]] engine::Micros ahead_of_wall() const override { return ahead_of_wall_; }
  /// The newest time without observation that this process knows of: before its start, or while the
  /// machine slept or its clock was set forward.
  [[nodiscard]] std::optional<Gap> last_gap() const override;

 private:
  struct InFlight {
    Writer::Batch batch;
    std::vector<Transaction::Held> held;
  };

  /// Work that exclusively() waits for; the thread that takes it out of exclusive_ owns it.
  struct Exclusive {
    std::function<Result<void>(Writer&, engine::Micros)> work;
    std::optional<Result<void>> answer;  ///< under the live log's lock
  };

  Live(Layout layout, LiveOptions options);
  Result<void> start_threads();
  void observe(Writer& writer);
  /// Gives on_durable, in order, the events of the log that it has not seen.
  Result<void> tell_missed(const Writer& writer);
  Result<void> run_exclusive(Exclusive& job);
  void answer(Exclusive& job, Result<void> result) RC_REQUIRES(mutex_);
  void sequence();
  void commit();
  /// With the lock held: hands what is staged to the committer, if that is idle.
  void hand_over() RC_REQUIRES(mutex_);
  void fail(const Error& error);
  bool reopen();
  void run_task(const Task& task, engine::Micros now);
  Result<engine::Micros> time();
  void stage_step(engine::Micros step, engine::Micros before);

  /// Those who hold what reading() gave; reopen() waits until they have let go.
  struct Readers {
    Mutex mutex;
    std::condition_variable fewer;
    std::size_t reading RC_GUARDED_BY(mutex) = 0;
  };

  Layout layout_;
  LiveOptions options_;
  std::shared_ptr<Writer> writer_;
  const std::shared_ptr<Readers> readers_ = std::make_shared<Readers>();
  std::optional<FolderWatch> folder_;
  std::optional<EventClock> clock_;
  std::uint64_t node_epoch_ = 0;
  engine::Micros started_at_ = 0, last_heard_ = 0;
  engine::Micros clock_offset_ = 0;  ///< the log's, once all steps that were staged are in it
  std::atomic<engine::Micros> ahead_of_wall_ = 0;
  Transaction::Recent recent_;
  std::vector<Transaction::Held> held_;  ///< of tasks whose events are staged, sequencer's thread

  mutable Mutex mutex_;
  std::optional<Gap> last_gap_ RC_GUARDED_BY(mutex_);
  std::condition_variable wake_sequencer_, wake_committer_, wake_waiting_;
  std::deque<Task> queue_ RC_GUARDED_BY(mutex_);
  std::optional<InFlight> in_flight_ RC_GUARDED_BY(mutex_);
  bool committing_ RC_GUARDED_BY(mutex_) = false;
  bool stopping_ RC_GUARDED_BY(mutex_) = false;
  bool committer_done_ RC_GUARDED_BY(mutex_) = false;
  /// Becomes a failure once no commit is under way.
  std::optional<Error> suspicion_ RC_GUARDED_BY(mutex_);
  /// Of the last commit; the sequencer acts on it.
  std::optional<Error> failure_ RC_GUARDED_BY(mutex_);
  std::optional<Error> problem_ RC_GUARDED_BY(mutex_);
  std::shared_ptr<Exclusive> exclusive_ RC_GUARDED_BY(mutex_);  ///< waits for its turn
  std::atomic<Seq> told_ = 0;  ///< the last that on_start or on_durable saw
  std::atomic<bool> writable_ = true;
  std::thread sequencer_, committer_;
};

}  // namespace rollcall::store
