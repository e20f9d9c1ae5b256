// A log in memory, as store/log/event_log.h promises it: for tests, and for what is thrown away.
#pragma once

#include "store/log/medium.h"

namespace rollcall::store::inline log {

class MemoryLog final : public EventLog {
 public:
  /// What stays when the log that wrote it is gone; one log at a time has it open.
  struct Contents;
  [[nodiscard]] static std::shared_ptr<Contents> nothing();
  /// Whether a log was ever created there.
  [[nodiscard]] static bool created(const Contents& contents);

  [[nodiscard]] static Result<std::unique_ptr<MemoryLog>> create(std::shared_ptr<Contents> contents,
                                                                 std::string_view origin);
  [[nodiscard]] static Result<std::unique_ptr<MemoryLog>> open(std::shared_ptr<Contents> contents);
  ~MemoryLog() override;

  Appended append(const Commit& commit, Durable durable = Durable::Yes,
                  WithTree tree = WithTree::Yes) override;
  Result<void> sync() override { return {}; }
  [[nodiscard]] bool failed() const override { return false; }
  [[nodiscard]] bool writable() const override { return true; }
  [[nodiscard]] Seq last() const override;

  Result<void> scan(Seq from, Seq to, const Visitor& visit) const override;
  Result<void> scan_back(Seq from, Seq to, const Visitor& visit) const override;
  [[nodiscard]] Result<std::optional<Bytes>> body(Seq seq) const override;
  Result<void> scan_bodies(Seq from, Seq to, const BodyVisitor& visit) const override;
  Result<void> drop_bodies(std::span<const Seq> seqs) override;
  Result<void> compact_bodies() override { return {}; }

  [[nodiscard]] Result<std::optional<Hash>> stored_node(merkle::NodeId id) const override;
  [[nodiscard]] Result<std::vector<std::uint64_t>> leaf_marks(Seq from, Seq to) const override;
  [[nodiscard]] Hash root() const override;

  using EventLog::scan_meta;
  [[nodiscard]] Result<std::optional<std::string>> meta(std::string_view key) const override;
  [[nodiscard]] Result<MetaEntries> scan_meta(std::string_view prefix, std::string_view from,
                                              std::size_t most) const override;
  [[nodiscard]] Result<std::optional<std::pair<std::string, std::string>>> last_meta(
      std::string_view prefix) const override;

 private:
  explicit MemoryLog(std::shared_ptr<Contents> contents);
  std::shared_ptr<Contents> contents_;
};

/// A store whose log is in memory, as long as this object is there.
class InMemory : public Medium {
 public:
  [[nodiscard]] bool has_log(const Layout& layout) const override;
  [[nodiscard]] Result<std::unique_ptr<EventLog>> create_log(const Layout& layout,
                                                             std::string_view origin) override;
  [[nodiscard]] Result<std::unique_ptr<EventLog>> open_log(const Layout& layout) override;
  void remove_log(const Layout& layout) override;

 private:
  std::shared_ptr<MemoryLog::Contents> contents_ = MemoryLog::nothing();
};

}  // namespace rollcall::store::inline log
