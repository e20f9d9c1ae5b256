// Verification of a store: whether its bytes hash to what was signed, and its events replay to it.
//
// Why this file exists: an auditor must be able to distinguish "tampered" (evidence contradicts
// itself; the report names the first bad event and its neighbours), "incomplete" (reading cannot
// continue, or something needed for a verdict is missing) and "diverged" (a replay gives another
// state). It fixes the size first, so it works while another process writes.
#pragma once

#include "replay/reader.h"
#include "replay/verify_report.h"

#include <functional>

namespace rollcall::replay {

struct VerifyOptions {
  bool full = false;    ///< hash every header, rebuild the tree, open every body
  bool replay = false;  ///< fold the headers and compare with the logged state digests
  bool bodies = true;   ///< with full: open bodies
  bool strict = false;  ///< an unsigned tail is incomplete
  std::optional<store::note::Note> saved;   ///< a checkpoint the auditor kept: must be a prefix
  std::optional<store::PolicyFile> policy;  ///< else the store's own
  std::function<void(std::uint64_t done, std::uint64_t all)> progress;
};

/// Opens and verifies. Never an error: whatever cannot be read is a finding.
[[nodiscard]] VerifyReport verify_store(const store::Layout& layout, const VerifyOptions& options);

}  // namespace rollcall::replay
