// The clock, the disk, the process that dies and comes back, and what must hold then.
#include "tests/simulation/fault_life.h"

#include "store/forget.h"
#include "store/log/faulty_log.h"
#include "store/log/snapshot.h"
#include "store/log/state_digest.h"
#include "tests/support/stores.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

namespace rollcall::test {

using namespace store;
using engine::Header;
using engine::Kind;

namespace {

/// An fsync that is left out now and then: the commit is taken for durable at once.
class UnsyncedLog final : public FaultyLog {
 public:
  using FaultyLog::FaultyLog;
  Appended append(const Commit& commit, Durable durable, WithTree tree) override {
    constexpr int kEvery = 8;
    return FaultyLog::append(commit, ++commits_ % kEvery == 0 ? Durable::No : durable, tree);
  }

 private:
  int commits_ = 0;
};

class UnsyncedMedium final : public FaultyMedium {
 public:
  UnsyncedMedium(Medium& inner, Faults& faults, Files& files)
      : FaultyMedium(inner, faults, files), inner_(inner), faults_(faults) {}
  Result<std::unique_ptr<EventLog>> create_log(const Layout& layout,
                                               std::string_view origin) override {
    return around(inner_.create_log(layout, origin));
  }
  Result<std::unique_ptr<EventLog>> open_log(const Layout& layout) override {
    return around(inner_.open_log(layout));
  }

 private:
  Result<std::unique_ptr<EventLog>> around(Result<std::unique_ptr<EventLog>> log) {
    if (!log) return log;
    return std::unique_ptr<EventLog>(std::make_unique<UnsyncedLog>(std::move(*log), faults_));
  }
  Medium& inner_;
  Faults& faults_;
};

}  // namespace

FaultTally& FaultTally::operator+=(const FaultTally& o) {
  events += o.events, conclusions += o.conclusions, crashes += o.crashes;
  failed_commits += o.failed_commits, full_disks += o.full_disks;
  clock_steps += o.clock_steps, repeats += o.repeats, stops += o.stops;
  erasures += o.erasures;
  return *this;
}

FaultLife::FaultLife(std::uint64_t seed, Planted planted)
    : random_(seed),
      keys_(seed),
      planted_(planted),
      layout_(layout_in(scratch_.path())),
      files_(faults_, undo_.path()),
      wall_(kStart) {
  if (planted == Planted::NoSync)
    medium_ = std::make_unique<UnsyncedMedium>(memory_, faults_, files_);
  else
    medium_ = std::make_unique<FaultyMedium>(memory_, faults_, files_);
  writer_ = Writer::create(layout_, "rollcall.test/log", *medium_).value();
  points_[0] = known_;
  writer_.reset();
  come_up();
}

FaultLife::~FaultLife() = default;

// Time.

void FaultLife::pass() {
  const std::uint64_t pace = below(100);
  const auto passed = static_cast<Micros>(pace < 80   ? below(20'000'000)
                                          : pace < 97 ? below(600'000'000)
                                                      : below(9'000'000'000));
  monotonic_ += passed;
  wall_ += passed + static_cast<Micros>(below(3)) * passed / 1000;  // no two clocks run alike
  if (wall_wrong_by_ != 0 && chance(3)) wall_ -= std::exchange(wall_wrong_by_, 0);
  if (wall_wrong_by_ == 0 && chance(500))
    wall_ += wall_wrong_by_ = EventClock::kRefused + kSecond * 86'400;
  if (!chance(60)) return;
  const auto most = 2000 * kSecond;
  wall_ += static_cast<Micros>(below(2 * most)) - most / 2;  // set, or the machine slept
}

std::optional<engine::Micros> FaultLife::now() {
  const auto reading = clock_->read(wall_, monotonic_);
  if (reading.refused) return std::nullopt;
  if (reading.step) {
    ++tally_.clock_steps;
    writer_->stage_clock_step(*reading.step, reading.before);
    known_.model.clock_step(*reading.step, reading.before, story_);
    clock_offset_ += *reading.step;
    agree();
  }
  return reading.at;
}

// The disk and the process.

void FaultLife::arm_fault(std::uint64_t operations) {
  if (full_for_ > 0) return;
  constexpr How kHow[] = {How::Refuse, How::Tear, How::Late, How::Crash};
  faults_.fail(1 + below(operations), kHow[below(4)]);
}

void FaultLife::disarm() {
  if (full_for_ == 0) faults_.make_room();
}

void FaultLife::observe() {
  writer_->observe([this](const Writer::Batch& batch) {
    for (const Header& h : batch.commit.headers) {
      if (h.seq != written_.size() + 1) wrong(fmt::format("event {} is committed next", h.seq));
      is_as_foreseen(h);
      written_.push_back(h);
    }
    for (const auto& [seq, sealed] : batch.commit.bodies) sealed_[seq] = sealed;
  });
}

/// All that was written stays from now on, and who asked for it is answered.
void FaultLife::became_durable() {
  disarm();
  if (written_.size() != known_.model.last())
    wrong(fmt::format("{} events are written, {} should be", written_.size(), known_.model.last()));
  acknowledged_ = compared_ = known_.model.last();
  points_.erase(points_.begin(), points_.find(acknowledged_));
  answered_.insert(answered_.end(), unanswered_.begin(), unanswered_.end());
  unanswered_.clear();
}

void FaultLife::commit() {
  points_[known_.model.last()] = known_;
  if (chance(12)) arm_fault(4);
  if (!writer_->commit()) return fail("commit");
  became_durable();
}

/// As an import does: many commits, and one sync at the end.
void FaultLife::commit_many() {
  if (chance(3)) arm_fault(12);
  for (std::uint64_t commits = 2 + below(6); commits > 0; --commits) {
    const auto at = now();
    if (!at) return;
    session_deed(somebody(), *at);
    agree();
    points_[known_.model.last()] = known_;
    if (!writer_->commit(Durable::No)) return fail("commit");
  }
  if (!writer_->log().sync()) return fail("sync");
  became_durable();
}

/// What Writer::sign() appends.
void FaultLife::digest_is_due(Micros at) {
  known_.model.conclude(at, story_);
  points_[known_.model.last()] = known_;
  if (story_.empty() || story_.back().kind == Kind::StateDigest) return;
  Header h;
  h.kind = Kind::StateDigest;
  h.a = known_.model.last();
  h.b = engine::kReducerVersion;
  h.digest = digest_of(known_.model.as_state());
  known_.model.append(h, at, story_);
  points_[known_.model.last()] = known_;
}

void FaultLife::sign() {
  const auto at = now();
  if (!at) return;
  commit();
  if (!writer_) return;
  digest_is_due(*at);
  if (chance(6)) arm_fault(6);
  const auto signed_now = writer_->sign(*at);
  if (!signed_now) return fail("sign");
  became_durable();
  const auto& checkpoint = signed_now->checkpoint;
  if (checkpoint.size != writer_->log().last() ||
      checkpoint.root != writer_->log().root_at(checkpoint.size).value())
    wrong("the checkpoint is not of the log");
}

void FaultLife::end_erasure(engine::UserNumber user, Micros at) {
  const auto [request, events] = known_.erasing.at(user);
  Header h;
  h.kind = Kind::UserErased;
  h.cause = engine::Cause::Erased;
  h.user = user;
  h.a = events;
  h.b = request;
  known_.model.append(h, at, story_);
  known_.erasing.erase(user);
  known_.names[user].clear();
  points_[known_.model.last()] = known_;
}

void FaultLife::forget_somebody() {
  const auto at = now();
  const auto user = number_of(somebody());
  if (!at || !user) return;
  commit();
  if (!writer_) return;
  ++tally_.erasures;
  const ForgetPlan plan = plan_forget(*writer_, *user);
  const ForgetRequest request{"asked for", "T-1", false};
  Header h;
  h.kind = Kind::EraseRequested;
  h.a = *user;
  h.b = plan.events;
  known_.model.append(h, *at, story_);
  bodies_[known_.model.last()].reason = request.reason;
  bodies_[known_.model.last()].ticket = request.ticket;
  known_.erasing[*user] = {known_.model.last(), plan.events};
  points_[known_.model.last()] = known_;
  end_erasure(*user, *at);
  digest_is_due(*at);
  if (chance(2)) arm_fault(24);
  if (!forget(*writer_, plan, request, *at)) return fail("forget");
  became_durable();
}

void FaultLife::add_key_epoch() {
  if (chance(2)) arm_fault(6);
  if (!writer_->vault().add_epoch()) return fail("a new epoch of keys");
  disarm();
}

void FaultLife::snapshot() {
  if (!writer_->staged()) (void)make_snapshot(layout_, writer_->log(), 2);
}

/// A write failed. Either the process goes on with the log opened anew, or it was the power.
void FaultLife::fail(const char* what) {
  if (full_for_ == 0 && !faults_.reached()) wrong(fmt::format("{} failed without a fault", what));
  ++tally_.failed_commits;
  if (full_for_ == 0 && chance(2)) return crash();
  writer_.reset();
  disarm();
}

void FaultLife::crash() {
  ++tally_.crashes;
  if (writer_) {
    faults_.fail(1, How::Crash);
    (void)writer_->log().put_meta("last words", "");  // never arrives
    writer_.reset();
  }
  if (chance(2)) files_.crash();  // the power, not only the process
  faults_.make_room();
  if (full_for_ > 0) faults_.fail(1, How::Full);
  clock_.reset();
  known_.model.forget_touches();
  const auto down = static_cast<Micros>(below(chance(4) ? 15'000'000'000 : 60'000'000));
  wall_ += down;
  monotonic_ += down;
}

void FaultLife::stop_cleanly() {
  const auto at = now();
  if (!at) return;
  ++tally_.stops;
  writer_->stage_farewell(*at);
  known_.model.farewell(*at, story_);
  agree();
  commit();
  if (!writer_) return;
  writer_.reset();
  clock_.reset();
}

/// The log ends at `last`, which must be where it may; what opening it appends is foreseen.
void FaultLife::foresee_opening(Seq last) {
  if (last < acknowledged_)
    wrong(fmt::format("{} events were acknowledged and the log ends at {}", acknowledged_, last));
  const auto point = points_.find(last);
  if (point == points_.end()) wrong(fmt::format("the log ends at {}, within a commit", last));
  known_ = Known(point->second);
  known_.model.forget_touches();
  points_ = {{last, known_}};
  story_.resize(last);
  bodies_.erase(bodies_.upper_bound(last), bodies_.end());
  written_.resize(std::min<std::size_t>(written_.size(), last));
  sealed_.erase(sealed_.upper_bound(last), sealed_.end());
  for (const auto& [user, erasure] : std::map(known_.erasing)) end_erasure(user, known_.model.at());
}

/// Opens the log and finds out what it holds; false if the disk prevents it.
bool FaultLife::open(Opening::Nodes nodes) {
  foresee_opening(memory_.open_log(layout_).value()->last());
  Opening opening;
  opening.medium = medium_.get();
  opening.nodes = nodes;
  if (nodes == Opening::Nodes::Died) opening.wall = wall_;
  if (chance(8)) arm_fault(8);
  auto opened = open_store(layout_, opening);
  if (!opened) {
    const bool refused = opening.wall && too_far_ahead(*opening.wall, known_.model.at());
    if (!refused && full_for_ == 0 && !faults_.reached())
      wrong("the store does not open: " + opened.error().detail);
    disarm();
    return false;
  }
  disarm();
  writer_ = std::move(*opened);
  const EventLog& log = writer_->log();
  const Seq last = log.last();
  if (last != known_.model.last())
    wrong(fmt::format("an opened log ends at {}, should end at {}", last, known_.model.last()));
  check_acknowledged(log);
  // What is found is told to everybody: from here on it must stay, too.
  for (Seq seq = written_.size() + 1; seq <= last; ++seq) {
    written_.push_back(log.header(seq).value().value());
    is_as_foreseen(written_.back());
    if (auto sealed = log.body(seq).value()) sealed_[seq] = std::move(*sealed);
  }
  for (const Request& request : unanswered_) {
    const auto found = log.meta("request/" + request.key).value();
    if (found.has_value() != (request.seq <= last))
      wrong(fmt::format("request {} is remembered or not, unlike its event", request.key));
    if (found) answered_.push_back(request);
  }
  unanswered_.clear();
  became_durable();
  observe();
  agree();
  return true;
}

void FaultLife::come_up() {
  if (clock_) {  // the process lives: it goes on as the node it is (store/live_reopen.cc)
    if (!open(Opening::Nodes::GoOn)) return;
    if (const Micros missing = clock_offset_ - writer_->state().clock_offset; missing != 0) {
      writer_->stage_clock_step(missing, writer_->state().at);
      known_.model.clock_step(missing, known_.model.at(), story_);
      agree();
    }
    return;
  }
  if (known_.model.last() != 0 && chance(5)) offline_write();
  if (writer_ || !open(Opening::Nodes::Died)) return;
  clock_.emplace(wall_, monotonic_, writer_->state().at);
  clock_offset_ = writer_->state().clock_offset;
  const auto at = now();
  if (!at) {  // too far ahead of a log that was empty before
    writer_.reset();
    clock_.reset();
    return;
  }
  node_epoch_ = writer_->stage_restart(1, *at);
  if (known_.model.restart(1, *at, story_) != node_epoch_) wrong("the epoch of a start");
  agree();
  commit();
}

/// A command on the folder while no server runs.
void FaultLife::offline_write() {
  if (!open(Opening::Nodes::Died)) return;
  const Micros at = std::max(wall_, writer_->state().at);
  writer_->conclude(at);
  known_.model.nodes_died(at, story_);
  known_.model.conclude(at, story_);
  agree();
  session_deed(somebody(), at);
  agree();
  commit();
  writer_.reset();
}

void FaultLife::step() {
  pass();
  if (full_for_ > 0 && --full_for_ == 0) faults_.make_room();
  if (!writer_) {
    if (clock_ && chance(10)) return crash();
    return come_up();
  }
  const std::uint64_t what = below(1000);
  if (what < 12) return crash();
  if (what < 18) return stop_cleanly();
  if (what < 28) return sign();
  if (what < 32) return snapshot();
  if (what < 38) return forget_somebody();
  if (what < 40) return add_key_epoch();
  if (what < 46) return commit_many();
  if (what < 50 && full_for_ == 0) {
    ++tally_.full_disks;
    full_for_ = 1 + static_cast<int>(below(30));
    faults_.fail(1, How::Full);
    return;
  }
  const auto at = now();
  if (!at) return;
  deed(*at);
  if (!writer_) return;
  agree();
  if (!chance(3)) commit();
}

void FaultLife::end() {
  faults_.make_room();
  full_for_ = 0;
  wall_ -= std::exchange(wall_wrong_by_, 0);
  while (!writer_ || !clock_) come_up();
  stop_cleanly();
  while (!writer_) (void)open(Opening::Nodes::GoOn);
  check_whole();
  tally_.events = writer_->log().last();
  for (const Header& h : story_)
    tally_.conclusions += h.cause == engine::Cause::IdleTimeout ||
                          h.cause == engine::Cause::GraceExpired ||
                          h.cause == engine::Cause::TtlExpired || h.cause == engine::Cause::Expired;
  writer_.reset();
}

FaultRun run_fault_life(std::uint64_t seed, Planted planted) {
  constexpr int kSteps = 1200;
  FaultRun out;
  int step = 0;
  try {
    FaultLife life(seed, planted);
    while (step++ < kSteps) life.step();
    life.end();
    out.tally = life.tally();
    out.fingerprint = life.fingerprint();
  } catch (const std::exception& e) {
    out.failure = fmt::format("seed {}, step {}: {}", seed, step, e.what());
  }
  return out;
}

}  // namespace rollcall::test
