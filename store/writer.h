// The one writer of an app's log: names become numbers, bodies are sealed, the sequencer gives each
// event its place, and a commit makes it durable.
//
// Why this file exists: the server, the command line and imports write in the same way, and opening
// for writing is where a store is judged: damage inside acknowledged history, a root that does not
// fit the last signed checkpoint, or a vault that lacks users is refused, with the reason.
#pragma once

#include "engine/sequencer.h"
#include "store/census.h"
#include "store/checkpoints.h"
#include "store/history.h"
#include "store/sealing.h"

namespace rollcall::store {

/// What somebody wants to have written.
struct Proposal {
  engine::Kind kind = engine::Kind::None;
  engine::Cause cause = engine::Cause::None;
  std::uint16_t flags = 0;
  std::string user;       ///< by name, enrolled at first sight; empty: see `number`
  UserNumber number = 0;  ///< by number, where the name is empty
  Seq session = 0;
  std::uint64_t a = 0, b = 0, c = 0, d = 0;
  std::string action;  ///< Activity: interned while there is room
  engine::Body body;
  Hash digest{};  ///< StateDigest: the root
};

struct Written {
  Seq seq = 0;
  engine::Header header;
  engine::Outcome outcome = engine::Outcome::Applied;
};

/// 1–256 bytes of valid UTF-8 without control characters.
[[nodiscard]] Result<void> check_user_name(std::string_view name);
[[nodiscard]] bool valid_action(std::string_view action);

class Writer {
 public:
  /// Makes a store with its keys; an empty origin becomes rollcall.local/<app>-<random>.
  static Result<std::unique_ptr<Writer>> create(const Layout& layout, std::string origin = {});
  static Result<std::unique_ptr<Writer>> open(const Layout& layout);
  /// open() where there is a store, else create().
  static Result<std::unique_ptr<Writer>> open_or_create(const Layout& layout);

  /// Gives the proposal its place in the commit being gathered; not durable before commit().
  Result<Written> stage(const Proposal& proposal, engine::Micros at);
  /// The conclusions of timers due strictly before `at`.
  void conclude(engine::Micros at);
  Result<void> commit(Durable durable = Durable::Yes, WithTree tree = WithTree::Yes);
  /// stage() and commit().
  Result<Written> write(const Proposal& proposal, engine::Micros at);

  /// Appends a StateDigest of the present state and signs a checkpoint over it.
  Result<SignedCheckpoint> sign(engine::Micros at);

  /// An open session of the user by the caller's own key for it.
  [[nodiscard]] std::optional<Seq> session_by_key(std::string_view user,
                                                  std::string_view external_key) const;
  /// The tag that stands for a target in a header: a user's number, or 8 bytes of HMAC.
  struct TargetTag {
    std::uint64_t tag = 0;
    bool is_user = false;
  };
  [[nodiscard]] TargetTag target_tag(std::string_view type, std::string_view id) const;

  [[nodiscard]] const engine::State& state() const { return sequencer_->state(); }
  [[nodiscard]] const Ledger& ledger() const { return ledger_; }
  [[nodiscard]] const Census& census() const { return census_; }
  [[nodiscard]] Log& log() { return *log_; }
  [[nodiscard]] Vault& vault() { return vault_; }
  [[nodiscard]] const Layout& layout() const { return layout_; }
  /// Drops what is kept of a user's keys and names in memory.
  void drop_cached(UserNumber user) { sealer_.drop(user); }
  void drop_cached_keys() { sealer_.drop_all(); }

 private:
  Writer(Layout layout, std::unique_ptr<Log> log, Vault vault);
  Result<void> recover();
  Result<UserNumber> number_for(const Proposal& proposal, engine::Micros at);
  Result<std::uint64_t> action_id(std::string_view action, engine::Micros at);
  void place(const engine::Header& draft, engine::Micros at, std::optional<Bytes> sealed);
  void gather(std::size_t from);

  Layout layout_;
  std::unique_ptr<Log> log_;
  Vault vault_;
  Sealer sealer_;
  Ledger ledger_;
  Census census_;
  std::unique_ptr<engine::Sequencer> sequencer_;
  std::map<std::string, std::uint64_t, std::less<>> action_ids_;
  Commit pending_;
  std::vector<engine::Sequenced> sequenced_;
  std::vector<engine::Transition> transitions_;
};

/// The wall clock, microseconds UTC.
[[nodiscard]] engine::Micros wall_now();

}  // namespace rollcall::store
