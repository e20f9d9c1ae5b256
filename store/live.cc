// The two threads, and what happens when a commit fails.
#include "store/bytes/files.h"
#include "store/live_impl.h"
#include "store/log/event_clock.h"
#include "store/log/snapshot.h"
#include "store/open_store.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <new>
#include <system_error>

namespace rollcall::store {
namespace {

using engine::Kind;
using engine::Micros;

constexpr auto kReopenEvery = std::chrono::seconds(1);

Error stopping() { return {Errc::Conflict, "the server is stopping"}; }

}  // namespace

Live::Live(Layout layout, LiveOptions options)
    : layout_(std::move(layout)), options_(std::move(options)) {}

Result<std::unique_ptr<Live>> Live::start(const Layout& layout, LiveOptions options) {
  Opening opening;
  opening.wall = wall_now();
  opening.accept_clock = options.accept_clock;
  opening.medium = options.medium;
  auto writer = open_or_create_store(layout, opening);
  if (!writer) return writer.error();
  std::unique_ptr<Live> live(new Live(layout, std::move(options)));
  live->writer_ = std::move(*writer);
  live->folder_.emplace(layout);
  live->last_heard_ = live->writer_->state().at;
  live->clock_.emplace(wall_now(), monotonic_now(), live->last_heard_);
  live->clock_offset_ = live->writer_->state().clock_offset;
  const auto now = live->time();
  if (!now) return now.error();
  live->started_at_ = *now;
  live->node_epoch_ = live->writer_->stage_restart(live->options_.node, *now);
  {
    const Lock guard(live->mutex_);
    for (const engine::Sequenced& event : live->writer_->staged_so_far())
      if (const auto gap = gap_told_by(event.header)) live->last_gap_ = *gap;
  }
  if (const auto& policy = live->options_.policy;
      policy && !(*policy == live->writer_->state().policy)) {
    Proposal set;
    set.kind = Kind::PolicySet;
    engine::write_fields(set, engine::PolicyFields(*policy));
    RC_TRY(live->writer_->stage(set, *now));
  }
  RC_TRY(live->writer_->commit());
  if (live->options_.on_start) live->options_.on_start(*live->writer_);
  live->told_ = live->writer_->log().last();
  live->observe(*live->writer_);
  RC_TRY(live->start_threads());
  return live;
}

Result<void> Live::start_threads() {
  try {
    committer_ = std::thread([this] { commit(); });
    sequencer_ = std::thread([this] { sequence(); });
    return {};
  } catch (const std::system_error& e) {
    if (committer_.joinable()) {
      {
        const Lock guard(mutex_);
        committer_done_ = true;
        wake_committer_.notify_one();
      }
      committer_.join();
    }
    return Error{Errc::Io, fmt::format("no thread can be started for the log: {}", e.what())};
  }
}

void Live::observe(Writer& writer) {
  writer.observe([this](const Writer::Batch& batch) {
    told_ = batch.events.back().header.seq;
    if (options_.on_durable) options_.on_durable(batch);
  });
}

Live::~Live() { stop(); }

Result<Micros> Live::time() {
  const auto reading = clock_->read(wall_now(), monotonic_now());
  ahead_of_wall_ = clock_->ahead_of_wall();
  if (reading.refused) return clock_refused();
  if (reading.step) {
    stage_step(*reading.step, reading.before);
    if (options_.on_clock_step) options_.on_clock_step(*reading.step);
  }
  return reading.at;
}

void Live::stage_step(Micros step, Micros before) {
  const std::size_t from = writer_->staged_so_far().size();
  writer_->stage_clock_step(step, before);
  clock_offset_ = engine::saturating_add(clock_offset_, step);
  const Lock guard(mutex_);
  for (const engine::Sequenced& event : writer_->staged_so_far().subspan(from))
    if (const auto gap = gap_told_by(event.header)) last_gap_ = *gap;
}

std::optional<Gap> Live::last_gap() const {
  const Lock guard(mutex_);
  return last_gap_;
}

void Live::look_after_folder() {
  if (!writable_) return;  // whoever opens the log anew looks by himself
  auto found = folder_->check();
  if (found) return;
  const Lock guard(mutex_);
  suspicion_ = found.error();
  wake_sequencer_.notify_one();
}

bool Live::submit(Task task) {
  const Lock guard(mutex_);
  if (!writable_ || stopping_ || queue_.size() >= options_.queue_max) return false;
  queue_.push_back(std::move(task));
  if (queue_.size() == 1) wake_sequencer_.notify_one();
  return true;
}

std::shared_ptr<const ReadView> Live::reading() const {
  const Lock guard(mutex_);
  if (!writer_) return nullptr;
  {
    const Lock count(readers_->mutex);
    ++readers_->reading;
  }
  // Its own handle on the count: a reader may outlive us.
  return {&writer_->view(), [writer = writer_, readers = readers_](const ReadView*) mutable {
            writer.reset();  // whoever waits for the log's lock finds it free
            const Lock count(readers->mutex);
            --readers->reading;
            readers->fewer.notify_all();
          }};
}

std::optional<Error> Live::problem() const {
  const Lock guard(mutex_);
  return problem_;
}

void Live::run_task(const Task& task, Micros now) {
  Transaction transaction(*writer_, now, node_epoch_, recent_);
  task(transaction);
  for (auto& held : transaction.take_held()) held_.push_back(std::move(held));
}

void Live::hand_over() {
  if (committing_ || failure_ || (!writer_->staged() && held_.empty())) return;
  recent_.in_flight = std::exchange(recent_.staged, {});  // what was in flight before is durable
  in_flight_.emplace(InFlight{writer_->take_batch(), std::exchange(held_, {})});
  committing_ = true;
  wake_committer_.notify_one();
}

namespace {

Error no_memory() { return {Errc::Io, "there is no memory left for it"}; }

}  // namespace

void Live::sequence() {
  Lock lock(mutex_);
  std::deque<Task> tasks;
  while (true) {
    if (suspicion_ && !committing_) failure_ = std::exchange(suspicion_, std::nullopt);
    if (failure_) {
      // A commit under way is told of before its log is given up: by whom it is read, too.
      wake_sequencer_.wait(lock.waiting(), [&] {
        mutex_.held();
        return !committing_;
      });
      const Error error = *std::exchange(failure_, std::nullopt);
      lock.unlock();
      fail(error);
      while (!reopen()) {
        lock.lock();
        wake_sequencer_.wait_for(lock.waiting(), kReopenEvery, [&] {
          mutex_.held();
          return stopping_;
        });
        if (stopping_) return;
        lock.unlock();
      }
      lock.lock();
      continue;
    }
    if (exclusive_ && !committing_) {
      if (writer_->staged() || !held_.empty()) {
        hand_over();
      } else {
        const auto job = std::exchange(exclusive_, nullptr);
        lock.unlock();
        auto result = run_exclusive(*job);
        lock.lock();
        // Half of it may be on disk and the state is ahead: opened anew, the log says what holds.
        if (writer_->broken())
          failure_ = result ? Error{Errc::Io, "a write to the log failed"} : result.error();
        answer(*job, std::move(result));
        continue;
      }
    }
    // What falls due is concluded when its time has come, not when somebody calls.
    const Micros alive_at = writer_->state().at + options_.alive_every;
    Micros next = alive_at;
    if (const auto due = writer_->next_deadline()) next = std::min(next, *due + 1);
    const Micros wait_us = std::clamp<Micros>(next - clock_->peek(wall_now(), monotonic_now()).at,
                                              0, options_.alive_every);
    const auto ready = [&] {
      mutex_.held();
      return failure_ || (suspicion_ && !committing_) || stopping_ ||
             (exclusive_ && !committing_) ||
             (!committing_ && (writer_->staged() || !held_.empty())) ||
             (!queue_.empty() && writer_->staged_events() < kCommitEventsMax);
    };
    wake_sequencer_.wait_for(lock.waiting(), std::chrono::microseconds(wait_us), ready);
    if (failure_ || (suspicion_ && !committing_)) continue;
    if (writer_->staged_events() < kCommitEventsMax) std::swap(tasks, queue_);
    const bool stop_now = stopping_ && tasks.empty() && queue_.empty() && !committing_ &&
                          !exclusive_ && !writer_->staged() && held_.empty();
    lock.unlock();
    if (stop_now) {
      if (const auto now = time()) {
        writer_->stage_farewell(*now);
        if (writer_->commit() && options_.on_farewell) options_.on_farewell(*writer_, *now);
      }
      lock.lock();
      if (exclusive_) answer(*std::exchange(exclusive_, nullptr), stopping());
      committer_done_ = true;
      wake_committer_.notify_one();
      return;
    }
    auto now = time();
    if (!now) {
      lock.lock();
      failure_ = now.error();
      for (auto& task : tasks) queue_.push_back(std::move(task));
      tasks.clear();
      if (stopping_) {
        if (exclusive_) answer(*std::exchange(exclusive_, nullptr), *failure_);
        committer_done_ = true;
        wake_committer_.notify_one();
        return;
      }
      continue;
    }
    bool judged = false;
    try {
      writer_->conclude(*now);
      while (!tasks.empty()) {
        run_task(tasks.front(), *now);
        tasks.pop_front();
      }
      if (!writer_->staged() && *now - writer_->state().at >= options_.alive_every) {
        Proposal mark;
        mark.kind = Kind::AliveMark;
        (void)writer_->stage(mark, *now);
      }
      judged = true;
    } catch (const std::bad_alloc&) {
      // The state may be half changed: thrown away, like that of a commit that failed.
    }
    lock.lock();
    if (!judged) {
      failure_ = no_memory();
      tasks.swap(queue_);  // those that did not run are told with the queue
      for (auto& task : tasks) queue_.push_back(std::move(task));
      tasks.clear();
      continue;
    }
    hand_over();
  }
}

void Live::commit() {
  Lock lock(mutex_);
  while (true) {
    wake_committer_.wait(lock.waiting(), [&] {
      mutex_.held();
      return in_flight_ || committer_done_;
    });
    if (!in_flight_) return;
    InFlight work = *std::exchange(in_flight_, std::nullopt);
    const std::shared_ptr<Writer> writer = writer_;
    lock.unlock();
    Result<void> written;
    try {
      written = writer->write_batch(work.batch);
    } catch (const std::bad_alloc&) {  // what is on disk, opening the log anew tells
      written = no_memory();
    }
    for (const auto& held : work.held) held(written);
    lock.lock();
    committing_ = false;
    if (!written) failure_ = written.error();
    wake_sequencer_.notify_one();
  }
}

void Live::fail(const Error& error) {
  std::deque<Task> dropped;
  {
    const Lock guard(mutex_);
    writable_ = false;
    problem_ = error;
    dropped.swap(queue_);
    if (exclusive_) answer(*std::exchange(exclusive_, nullptr), error);
    wake_waiting_.notify_all();
  }
  if (options_.on_health) options_.on_health(error);
  // Nobody may be left waiting: tasks that did not run and results whose events are thrown away.
  Writer::Batch thrown = writer_->take_batch();
  for (const auto& held : std::exchange(held_, {})) held(error);
  for (const Task& task : dropped) {
    Transaction transaction(*writer_, writer_->state().at, node_epoch_, recent_);
    task(transaction);  // judged, so that it says what it holds; its events are thrown away below
    for (const auto& held : transaction.take_held()) held(error);
  }
  recent_ = {};
}

Result<void> Live::run_exclusive(Exclusive& job) {
  const auto now = time();
  if (!now) return now.error();
  const auto done = job.work(*writer_, *now);
  RC_TRY(writer_->commit());
  return done;
}

/// With the lock held: whoever waits may return, and take what the work refers to with it.
void Live::answer(Exclusive& job, Result<void> result) {
  job.answer = std::move(result);
  wake_waiting_.notify_all();
}

Result<void> Live::exclusively(const std::function<Result<void>(Writer&, Micros)>& work) {
  const auto job = std::make_shared<Exclusive>();
  job->work = work;
  Lock lock(mutex_);
  wake_waiting_.wait(lock.waiting(), [&] {
    mutex_.held();
    return !exclusive_ || stopping_ || !writable_;
  });
  if (stopping_ || !writable_) return problem_ ? *problem_ : stopping();
  exclusive_ = job;
  wake_sequencer_.notify_one();
  wake_waiting_.wait(lock.waiting(), [&] {
    mutex_.held();
    return job->answer.has_value();
  });
  wake_waiting_.notify_all();  // whoever waits for the place
  return *job->answer;
}

void Live::stop() {
  {
    const Lock guard(mutex_);
    if (!sequencer_.joinable()) return;
    stopping_ = true;
    wake_sequencer_.notify_one();
  }
  sequencer_.join();
  {
    const Lock guard(mutex_);
    committer_done_ = true;
    wake_committer_.notify_one();
  }
  committer_.join();
  const Lock guard(mutex_);
  writer_.reset();
}

}  // namespace rollcall::store
