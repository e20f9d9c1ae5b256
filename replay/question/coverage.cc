// From a moment to what is said of it.
#include "replay/question/coverage.h"

namespace rollcall::replay::inline question {

Coverage coverage_of(const AsOf& moment) {
  Coverage out;
  if (moment.ends != 0) {
    out.log_begins = Moment{moment.begins};
    if (!moment.by_seq) out.log_ends = Moment{moment.ends};  // event N does not depend on it
  }
  out.known = std::string(name_of(moment.known));
  return out;
}

std::vector<GapRow> rows_of(const std::vector<Gap>& gaps) {
  std::vector<GapRow> out;
  for (const Gap& gap : gaps) out.push_back({gap.seq, {gap.from}, {gap.to}});
  return out;
}

}  // namespace rollcall::replay::inline question
