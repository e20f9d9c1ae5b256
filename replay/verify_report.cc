// The worst of what was found.
#include "replay/verify_report.h"

namespace rollcall::replay {

Verdict VerifyReport::verdict() const {
  Verdict worst = Verdict::Verified;
  for (const Finding& f : findings) {
    if (f.verdict == Verdict::Tampered) return Verdict::Tampered;
    if (f.verdict == Verdict::Diverged || worst == Verdict::Verified) worst = f.verdict;
  }
  return worst;
}

}  // namespace rollcall::replay
