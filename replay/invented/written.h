// An invented history where somebody wants it: in a store, or as the lines that `import` reads.
//
// Why this file exists: history.h knows what people do. What that is in a log (sessions, nodes,
// channels, digests) and what is left of it in an import's file belong to neither.
#pragma once

#include "replay/invented/history.h"
#include "store/writer.h"

#include <array>

namespace rollcall::replay::inline invented {

struct InventedReport {
  std::uint64_t deeds = 0, logins = 0, activities = 0, logouts = 0;
  std::uint64_t events = 0;     ///< in the log, with enrolments and timers' conclusions
  std::uint64_t no_effect = 0;  ///< of them those that changed nothing, which none should be
};

/// Called from time to time with the history's time that is done, and all of it.
using InventedProgress = std::function<void(std::uint64_t done, std::uint64_t all)>;

/// Into a log that nothing was written to: node 1 starts, people come and go, and at each
/// midnight a state digest and a checkpoint are signed. Whoever runs it gets the same headers from
/// the same plan but for what the store's own keys decide: digests of bodies, tags and state
/// digests.
[[nodiscard]] store::Result<InventedReport> write_invented(store::Writer& writer,
                                                           const HistoryPlan& plan,
                                                           const InventedProgress& progress);

/// As NDJSON: logins, activities and logouts, which is what an import knows. Gives each line with
/// its end to `out`, which returns false to stop.
InventedReport print_invented(const HistoryPlan& plan,
                              const std::function<bool(std::string_view)>& out,
                              const InventedProgress& progress);

}  // namespace rollcall::replay::inline invented
