// A log that fails as disks do, around any other: for tests.
#pragma once

#include "store/bytes/faults.h"
#include "store/bytes/mutex.h"
#include "store/log/medium.h"

#include <atomic>

namespace rollcall::store::inline log {

class FaultyLog : public EventLog {
 public:
  /// `faults` outlives it.
  FaultyLog(std::unique_ptr<EventLog> inner, Faults& faults);
  /// A close: as clean as the log is sound.
  ~FaultyLog() override;

  /// What was appended with Durable::No stays here until a sync; a crash forgets it.
  Appended append(const Commit& commit, Durable durable = Durable::Yes,
                  WithTree tree = WithTree::Yes) override;
  Result<void> sync() override;
  [[nodiscard]] bool failed() const override { return failed_; }
  [[nodiscard]] bool writable() const override { return inner_->writable(); }
  [[nodiscard]] Seq last() const override { return seen()->last(); }

  Result<void> scan(Seq from, Seq to, const Visitor& visit) const override;
  Result<void> scan_back(Seq from, Seq to, const Visitor& visit) const override;
  [[nodiscard]] Result<std::optional<Bytes>> body(Seq seq) const override;
  Result<void> scan_bodies(Seq from, Seq to, const BodyVisitor& visit) const override;
  Result<void> drop_bodies(std::span<const Seq> seqs) override;
  Result<void> compact_bodies() override;

  [[nodiscard]] Result<std::optional<Hash>> stored_node(merkle::NodeId id) const override;
  [[nodiscard]] Result<std::vector<std::uint64_t>> leaf_marks(Seq from, Seq to) const override;
  [[nodiscard]] Hash root() const override { return seen()->root(); }

  using EventLog::scan_meta;
  [[nodiscard]] Result<std::optional<std::string>> meta(std::string_view key) const override;
  [[nodiscard]] Result<MetaEntries> scan_meta(std::string_view prefix, std::string_view from,
                                              std::size_t most) const override;
  [[nodiscard]] Result<std::optional<std::pair<std::string, std::string>>> last_meta(
      std::string_view prefix) const override;

 private:
  struct Held {
    Commit commit;
    WithTree tree;
  };
  /// What this process sees: the log, or a copy of it with the commits that are held.
  [[nodiscard]] std::shared_ptr<const EventLog> seen() const;
  /// Gives the log what is held, oldest first.
  Appended pass_on();
  /// Any other operation that changes the log.
  Result<void> change(const char* what, const std::function<Result<void>()>& work);

  std::shared_ptr<EventLog> inner_;
  Faults& faults_;
  std::atomic<bool> failed_ = false;
  std::optional<Held> late_;  ///< reaches the log when nobody waits for it any more
  std::vector<Held> held_;
  mutable Mutex mutex_;
  std::shared_ptr<EventLog> front_ RC_GUARDED_BY(mutex_);  ///< nothing if nothing is held
};

/// A store on another medium, whose log fails; its files are those that are given.
class FaultyMedium : public Medium {
 public:
  /// All of them outlive it.
  FaultyMedium(Medium& inner, Faults& faults, Files& files = disk_files())
      : inner_(inner), faults_(faults), files_(files) {}

  [[nodiscard]] bool has_log(const Layout& layout) const override;
  [[nodiscard]] Result<std::unique_ptr<EventLog>> create_log(const Layout& layout,
                                                             std::string_view origin) override;
  [[nodiscard]] Result<std::unique_ptr<EventLog>> open_log(const Layout& layout) override;
  void remove_log(const Layout& layout) override;
  [[nodiscard]] Files& files() override { return files_; }

 private:
  Medium& inner_;
  Faults& faults_;
  Files& files_;
};

}  // namespace rollcall::store::inline log
