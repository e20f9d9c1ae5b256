// One server's life on a disk that fails, from one seed.
//
// Why this file exists: the fault simulation (faults_test.cc) needs one world in which everything
// comes from the seed: people, wall clock, pauses, faults, crashes, keys. What lives in it is the
// production writer with its sequencer, reducer, timers, codec and vault; this drives it as
// store::Live does, without threads, and predicts every event with the plain model.
#pragma once

#include "store/bytes/faulty_files.h"
#include "store/log/event_clock.h"
#include "store/log/memory_log.h"
#include "store/open_store.h"
#include "tests/simulation/plain_model.h"
#include "tests/support/scratch.h"
#include "tests/support/seeded_random.h"

#include <memory>
#include <stdexcept>
#include <string>

namespace rollcall::test {

/// A bug that is planted to see whether the simulation finds it. In the driver and the disk alone:
/// no production path knows of it.
enum class Planted : std::uint8_t {
  Nothing,
  EarlyTimer,    ///< deadlines are concluded a little before their time
  NoSync,        ///< some commits are acknowledged without being synced
  DroppedTouch,  ///< some signs of life are acknowledged and not given to the writer
};

struct FaultTally {
  std::uint64_t events = 0, conclusions = 0, crashes = 0, failed_commits = 0, full_disks = 0,
                clock_steps = 0, repeats = 0, stops = 0, erasures = 0;
  FaultTally& operator+=(const FaultTally& other);
};

struct FaultRun {
  std::string failure;  ///< what went wrong at which step; empty if nothing did
  FaultTally tally;
  /// Of everything the life left: the log's headers, bodies and meta values, the vault, and the
  /// next random number.
  store::Hash fingerprint{};
};

[[nodiscard]] FaultRun run_fault_life(std::uint64_t seed, Planted planted = Planted::Nothing);

class FaultLife {
 public:
  FaultLife(std::uint64_t seed, Planted planted);
  ~FaultLife();

  /// Throw what is wrong, as std::runtime_error or store::Failure.
  void step();
  void end();
  [[nodiscard]] const FaultTally& tally() const { return tally_; }
  [[nodiscard]] store::Hash fingerprint();

 private:
  using Micros = engine::Micros;
  using Seq = engine::Seq;
  using How = store::Faults::How;

  /// What a crash may throw away, as one value: what is staged is ahead of what is durable.
  struct Known {
    PlainModel model;
    std::vector<std::string> names{"the app itself"}, actions{"none"}, channels{"none"};
    /// Whose erasure is asked for and not done: by which event, of how many events.
    std::map<engine::UserNumber, std::pair<Seq, std::uint64_t>> erasing;
  };
  /// Something that was asked for under a key of the caller's, as HTTP's Idempotency-Key.
  struct Request {
    std::string key;
    Seq seq = 0;
  };

  [[nodiscard]] std::uint64_t below(std::uint64_t n) { return test::below(random_, n); }
  [[nodiscard]] bool chance(std::uint64_t in) { return below(in) == 0; }

  // Time (fault_life.cc).
  void pass();
  [[nodiscard]] std::optional<Micros> now();

  // The disk, the process.
  void arm_fault(std::uint64_t operations);
  void disarm();
  void commit();
  void commit_many();
  void became_durable();
  void sign();
  void digest_is_due(Micros at);
  void forget_somebody();
  void add_key_epoch();
  void snapshot();
  void fail(const char* what);
  void crash();
  void stop_cleanly();
  void come_up();
  [[nodiscard]] bool open(store::Opening::Nodes nodes);
  void foresee_opening(Seq last);
  void end_erasure(engine::UserNumber user, Micros at);
  void offline_write();
  void observe();

  // What must hold (fault_checks.cc).
  [[noreturn]] static void wrong(const std::string& what) { throw std::runtime_error(what); }
  void is_as_foreseen(const engine::Header& event) const;
  void agree();
  void check_acknowledged(const store::EventLog& log) const;
  void check_whole();

  // What is done (fault_deeds.cc).
  void deed(Micros at);
  void propose(const store::Proposal& proposal, Micros at);
  void session_deed(const std::string& name, Micros at);
  void late_conclusion(Micros at);
  void touch(Micros at);
  void other_node(Micros at);
  void set_policy(Micros at);
  void join_or_leave(const std::string& name, Micros at);
  void repeat_request();
  void refused_deed(Micros at);
  [[nodiscard]] store::Proposal status(const std::string& name, Micros at);
  [[nodiscard]] std::string somebody() { return "person-" + std::to_string(below(kPeople)); }
  [[nodiscard]] Seq session_of(const std::string& name);
  [[nodiscard]] std::optional<engine::UserNumber> number_of(const std::string& name) const;

  static constexpr std::uint64_t kPeople = 10;

  std::mt19937_64 random_;
  SeededRandom keys_;  // as long as anything may be sealed
  Planted planted_;
  Scratch scratch_{Scratch::On::Memory}, undo_{Scratch::On::Memory};
  store::Layout layout_;
  store::Faults faults_;
  store::InMemory memory_;
  store::FaultyFiles files_;
  std::unique_ptr<store::Medium> medium_;
  std::unique_ptr<store::Writer> writer_;

  Micros wall_, monotonic_ = 0;
  Micros wall_wrong_by_ = 0;                ///< more than a log takes
  std::optional<store::EventClock> clock_;  ///< of the process; nothing if none runs
  Micros clock_offset_ = 0;                 ///< the log's, once what is staged is in it
  std::uint64_t node_epoch_ = 0, other_epoch_ = 1;
  int full_for_ = 0;  ///< steps until there is room again

  Known known_;
  PlainModel::Story story_;             ///< what must come to stand in the log; ends at known_
  std::map<Seq, Known> points_;         ///< where the log may end after a crash
  Seq compared_ = 0;                    ///< what was staged up to here is as in the story
  std::map<Seq, engine::Body> bodies_;  ///< of the story
  std::vector<engine::Header> written_;
  Seq acknowledged_ = 0;                ///< of what was written, what is durable
  std::map<Seq, store::Bytes> sealed_;  ///< of what was written
  std::vector<Request> unanswered_, answered_;
  std::uint64_t requests_ = 0, touches_ = 0;
  FaultTally tally_;
};

}  // namespace rollcall::test
