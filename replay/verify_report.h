// What a verification found.
#pragma once

#include "engine/event.h"

#include <string>
#include <vector>

namespace rollcall::replay {

using engine::Seq;

enum class Verdict { Verified, Tampered, Incomplete, Diverged };

struct Finding {
  Verdict verdict = Verdict::Tampered;
  Seq seq = 0;   ///< the event it names; 0 if it is not about an event
  Seq last = 0;  ///< the last event of a run; 0: only `seq`
  std::string text;
};

struct Check {
  std::string name;
  std::string subject;
  bool ok = true;
  std::string detail;
};

struct VerifyReport {
  std::string origin;
  std::string key_id;
  std::uint64_t size = 0;
  std::uint64_t signed_size = 0;
  std::vector<Check> checks;
  std::vector<Finding> findings;  ///< in order of seq; at most kFindingsMax
  std::uint64_t findings_more = 0;
  std::uint64_t bodies_opened = 0, shredded = 0, dropped = 0, not_opened = 0;
  double seconds_tree = 0, seconds_bodies = 0;
  [[nodiscard]] Verdict verdict() const;
};
inline constexpr std::size_t kFindingsMax = 100;

}  // namespace rollcall::replay
