// A log as it was when a given event was its last: for playing the past.
//
// Why this file exists: whatever reads a log asks where it ends. Around another log, with an end
// that moves, this lets everything that answers questions about "now" answer them about a moment of
// the past, and no event of later reaches it. It only reads.
#pragma once

#include "store/log/event_log.h"

#include <algorithm>
#include <atomic>

namespace rollcall::store::inline log {

class CutLog final : public EventLog {
 public:
  /// Both outlive it. The end may be moved in both directions, by one thread at a time, while
  /// others read; it never lies beyond the other log's.
  CutLog(const EventLog& whole, const std::atomic<Seq>& end) : whole_(whole), end_(end) {}

  Appended append(const Commit&, Durable, WithTree) override {
    return Appended::refused(read_only());
  }
  Result<void> sync() override { return {}; }
  [[nodiscard]] bool failed() const override { return whole_.failed(); }
  [[nodiscard]] bool writable() const override { return false; }
  [[nodiscard]] Seq last() const override { return std::min<Seq>(end_, whole_.last()); }

  Result<void> scan(Seq from, Seq to, const Visitor& visit) const override {
    return whole_.scan(from, std::min(to, last()), visit);
  }
  Result<void> scan_back(Seq from, Seq to, const Visitor& visit) const override {
    return whole_.scan_back(from, std::min(to, last()), visit);
  }
  [[nodiscard]] Result<std::optional<Bytes>> body(Seq seq) const override {
    if (seq > last()) return std::optional<Bytes>();
    return whole_.body(seq);
  }
  Result<void> scan_bodies(Seq from, Seq to, const BodyVisitor& visit) const override {
    return whole_.scan_bodies(from, std::min(to, last()), visit);
  }
  Result<void> drop_bodies(std::span<const Seq>) override { return read_only(); }
  Result<void> compact_bodies() override { return read_only(); }

  [[nodiscard]] Result<std::optional<Hash>> stored_node(merkle::NodeId id) const override {
    return whole_.stored_node(id);
  }
  [[nodiscard]] Result<std::vector<std::uint64_t>> leaf_marks(Seq from, Seq to) const override {
    return whole_.leaf_marks(from, std::min(to, last()));
  }
  [[nodiscard]] Hash root() const override { return root_at(last()).value(); }

  // What is beside the events is as it is: names point to their events, and checkpoints say by
  // their size how far they speak.
  using EventLog::scan_meta;
  [[nodiscard]] Result<std::optional<std::string>> meta(std::string_view key) const override {
    return whole_.meta(key);
  }
  [[nodiscard]] Result<MetaEntries> scan_meta(std::string_view prefix, std::string_view from,
                                              std::size_t most) const override {
    return whole_.scan_meta(prefix, from, most);
  }
  [[nodiscard]] Result<std::optional<std::pair<std::string, std::string>>> last_meta(
      std::string_view prefix) const override {
    return whole_.last_meta(prefix);
  }

 private:
  static Error read_only() { return {Errc::Refused, "this is the past: nothing is written to it"}; }
  const EventLog& whole_;
  const std::atomic<Seq>& end_;
};

}  // namespace rollcall::store::inline log
