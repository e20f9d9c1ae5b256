// The two threads, and what happens when a commit fails.
#include "store/live.h"

#include "store/files.h"

#include <algorithm>
#include <chrono>

namespace rollcall::store {
namespace {

using engine::Kind;
using engine::Micros;

constexpr std::size_t kCommitEventsMax = 8192;  ///< then no more tasks until the disk has answered
constexpr auto kReopenEvery = std::chrono::seconds(1);

Micros monotonic_now() {
  return std::chrono::duration_cast<std::chrono::microseconds>(
             std::chrono::steady_clock::now().time_since_epoch())
      .count();
}

}  // namespace

Live::Live(Layout layout, LiveOptions options)
    : layout_(std::move(layout)), options_(std::move(options)) {}

Result<std::unique_ptr<Live>> Live::start(const Layout& layout, LiveOptions options) {
  auto writer = Writer::open_or_create(layout);
  if (!writer) return writer.error();
  std::unique_ptr<Live> live(new Live(layout, std::move(options)));
  live->writer_ = std::move(*writer);
  live->folder_.emplace(layout);
  live->last_heard_ = live->writer_->state().at;
  live->clock_.emplace(wall_now(), monotonic_now(), live->last_heard_);
  if (live->options_.accept_clock) live->clock_->accept();
  const auto now = live->time();
  if (!now) return now.error();
  live->started_at_ = *now;
  live->node_epoch_ = live->writer_->stage_restart(live->options_.node, *now);
  if (const auto& policy = live->options_.policy;
      policy && !(*policy == live->writer_->state().policy)) {
    engine::Header fields;
    engine::write_policy(*policy, fields);
    Proposal set;
    set.kind = Kind::PolicySet;
    set.a = fields.a;
    set.b = fields.b;
    set.c = fields.c;
    RC_TRY(live->writer_->stage(set, *now));
  }
  RC_TRY(live->writer_->commit());
  if (live->options_.on_start) live->options_.on_start(*live->writer_);
  live->writer_->observe(live->options_.on_durable);
  live->committer_ = std::thread([raw = live.get()] { raw->commit(); });
  live->sequencer_ = std::thread([raw = live.get()] { raw->sequence(); });
  return live;
}

Live::~Live() { stop(); }

Result<Micros> Live::time() {
  const auto reading = clock_->read(wall_now(), monotonic_now());
  if (reading.refused) {
    return Error{Errc::Refused,
                 "the wall clock is more than an hour away from the log's time: set it right, or "
                 "start with --accept-clock"};
  }
  if (reading.step) writer_->stage_clock_step(*reading.step, reading.before);
  return reading.at;
}

void Live::look_after_folder() {
  if (!writable_) return;  // whoever opens the log anew looks by himself
  auto found = folder_->check();
  if (found) return;
  const std::lock_guard guard(mutex_);
  suspicion_ = std::move(found.error());
  wake_sequencer_.notify_one();
}

bool Live::submit(Task task) {
  const std::lock_guard guard(mutex_);
  if (!writable_ || stopping_ || queue_.size() >= options_.queue_max) return false;
  queue_.push_back(std::move(task));
  if (queue_.size() == 1) wake_sequencer_.notify_one();
  return true;
}

std::shared_ptr<const Writer> Live::reading() const {
  const std::lock_guard guard(mutex_);
  return writer_;
}

std::optional<Error> Live::problem() const {
  const std::lock_guard guard(mutex_);
  return problem_;
}

void Live::run_task(const Task& task, Micros now) {
  Turn turn(*writer_, now, node_epoch_, recent_);
  task(turn);
  for (auto& held : turn.take_held()) held_.push_back(std::move(held));
}

void Live::hand_over() {
  if (committing_ || failure_ || (!writer_->staged() && held_.empty())) return;
  recent_.in_flight = std::exchange(recent_.staged, {});  // what was in flight before is durable
  in_flight_.emplace(InFlight{writer_->take_batch(), std::exchange(held_, {})});
  committing_ = true;
  wake_committer_.notify_one();
}

void Live::sequence() {
  std::unique_lock lock(mutex_);
  std::deque<Task> tasks;
  while (true) {
    if (suspicion_ && !committing_) failure_ = std::exchange(suspicion_, std::nullopt);
    if (failure_) {
      const Error error = *std::exchange(failure_, std::nullopt);
      lock.unlock();
      fail(error);
      while (!reopen()) {
        lock.lock();
        wake_sequencer_.wait_for(lock, kReopenEvery, [&] { return stopping_; });
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
        const auto work = std::exchange(exclusive_, nullptr);
        lock.unlock();
        work();
        lock.lock();
        wake_waiting_.notify_all();
        continue;
      }
    }
    // What falls due is concluded when its time has come, not when somebody calls.
    const Micros alive_at = writer_->state().at + options_.alive_every;
    Micros next = alive_at;
    if (const auto due = writer_->next_deadline()) next = std::min(next, *due + 1);
    const Micros wait_us = std::clamp<Micros>(next - clock_->read(wall_now(), monotonic_now()).at,
                                              0, options_.alive_every);
    const auto ready = [&] {
      return failure_ || (suspicion_ && !committing_) || stopping_ ||
             (exclusive_ && !committing_) ||
             (!committing_ && (writer_->staged() || !held_.empty())) ||
             (!queue_.empty() && writer_->staged_events() < kCommitEventsMax);
    };
    wake_sequencer_.wait_for(lock, std::chrono::microseconds(wait_us), ready);
    if (failure_ || (suspicion_ && !committing_)) continue;
    if (writer_->staged_events() < kCommitEventsMax) std::swap(tasks, queue_);
    const bool stop_now = stopping_ && tasks.empty() && queue_.empty() && !committing_ &&
                          !writer_->staged() && held_.empty();
    lock.unlock();
    if (stop_now) {
      if (const auto now = time()) {
        writer_->stage_farewell(*now);
        if (writer_->commit() && options_.on_farewell) options_.on_farewell(*writer_, *now);
      }
      lock.lock();
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
        committer_done_ = true;
        wake_committer_.notify_one();
        return;
      }
      continue;
    }
    writer_->conclude(*now);
    for (const Task& task : tasks) run_task(task, *now);
    tasks.clear();
    if (!writer_->staged() && *now - writer_->state().at >= options_.alive_every) {
      Proposal mark;
      mark.kind = Kind::AliveMark;
      (void)writer_->stage(mark, *now);
    }
    lock.lock();
    hand_over();
  }
}

void Live::commit() {
  std::unique_lock lock(mutex_);
  while (true) {
    wake_committer_.wait(lock, [&] { return in_flight_ || committer_done_; });
    if (!in_flight_) return;
    InFlight work = *std::exchange(in_flight_, std::nullopt);
    const std::shared_ptr<Writer> writer = writer_;
    lock.unlock();
    Result<void> written;
    written = writer->write_batch(work.batch);
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
    const std::lock_guard guard(mutex_);
    writable_ = false;
    problem_ = error;
    dropped.swap(queue_);
    wake_waiting_.notify_all();
  }
  if (options_.on_health) options_.on_health(error);
  // Nobody may be left waiting: tasks that did not run and results whose events are thrown away.
  Writer::Batch thrown = writer_->take_batch();
  for (const auto& held : std::exchange(held_, {})) held(error);
  for (const Task& task : dropped) {
    Turn turn(*writer_, writer_->state().at, node_epoch_, recent_);
    task(turn);  // judged, so that it says what it holds; its events are thrown away below
    for (const auto& held : turn.take_held()) held(error);
  }
  recent_ = {};
}

namespace {

/// Whether the disk takes a write again: only then is the log closed, which readers still use.
bool disk_takes_writes(const Layout& layout) {
  const auto probe = layout.app_dir / "probe";
  const bool ok = replace_file(probe, std::string(1U << 20, '.')).has_value();
  std::error_code ec;
  std::filesystem::remove(probe, ec);
  std::filesystem::remove(probe.string() + ".new", ec);
  return ok;
}

}  // namespace

bool Live::reopen() {
  if (const auto there = folder_->check(); !there) {  // another store in its place is not ours
    const std::lock_guard guard(mutex_);
    problem_ = there.error();
    return false;
  }
  if (!disk_takes_writes(layout_)) return false;
  std::weak_ptr<Writer> old;
  {
    const std::lock_guard guard(mutex_);
    old = writer_;
    writer_.reset();
  }
  for (int i = 0; i < 500 && !old.expired(); ++i)
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
  if (!old.expired()) {  // somebody reads on and on: we cannot have the lock
    const std::lock_guard guard(mutex_);
    writer_ = old.lock();
    return false;
  }
  // The clock goes on: a log opened anew is no restart, and a refused clock stays refused.
  if (clock_->read(wall_now(), monotonic_now()).refused) return false;
  auto opened = Writer::open(layout_);
  if (!opened) {
    const std::lock_guard guard(mutex_);
    problem_ = opened.error();
    return false;
  }
  std::shared_ptr<Writer> writer = std::move(*opened);
  writer->observe(options_.on_durable);
  {
    const std::lock_guard guard(mutex_);
    writer_ = std::move(writer);
    problem_.reset();
    writable_ = true;
  }
  if (options_.on_health) options_.on_health(std::nullopt);
  return true;
}

Result<void> Live::exclusively(const std::function<Result<void>(Writer&, Micros)>& work) {
  std::optional<Result<void>> answer;
  std::unique_lock lock(mutex_);
  wake_waiting_.wait(lock, [&] { return !exclusive_ || stopping_ || !writable_; });
  if (stopping_ || !writable_)
    return problem_ ? *problem_ : Error{Errc::Conflict, "the server is stopping"};
  exclusive_ = [&] {
    const auto now = time();
    answer = now ? work(*writer_, *now) : Result<void>(now.error());
    if (const auto written = writer_->commit(); !written) answer = written.error();
  };
  wake_sequencer_.notify_one();
  wake_waiting_.wait(lock, [&] { return answer.has_value() || !writable_; });
  if (!answer) {
    exclusive_ = nullptr;
    return Error{Errc::Io, "the writer stopped meanwhile: whether it was done, the log decides"};
  }
  return *answer;
}

void Live::stop() {
  {
    const std::lock_guard guard(mutex_);
    if (!sequencer_.joinable()) return;
    stopping_ = true;
    wake_sequencer_.notify_one();
  }
  sequencer_.join();
  {
    const std::lock_guard guard(mutex_);
    committer_done_ = true;
    wake_committer_.notify_one();
  }
  committer_.join();
  const std::lock_guard guard(mutex_);
  writer_.reset();
}

}  // namespace rollcall::store
