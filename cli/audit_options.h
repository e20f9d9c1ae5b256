// The filters that audit and export share: read from options once, turned into one AuditFilter.
#pragma once

#include "cli/people.h"
#include "replay/audit.h"

namespace rollcall::cli {

struct AuditOptions {
  People users, subjects;
  std::vector<std::string> matches, sessions, kinds, addresses, channels, readers;
  std::string since, until, seqs, pattern;
  bool causer = false;
  void declare(Command& command);
  [[nodiscard]] replay::AuditFilter filter(const replay::Reader& reader) const;
  /// For the log of reads: users as numbers, without the pattern.
  [[nodiscard]] std::string describe() const;
};

}  // namespace rollcall::cli
