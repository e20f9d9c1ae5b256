// The policy's witnesses beside the newest checkpoint's signatures.
#include "replay/question/witnesses.h"

namespace rollcall::replay::inline question {

Result<WitnessesQuestion::Summary> answer(const Desk& desk, const WitnessesQuestion&,
                                          const RowSink<WitnessesQuestion::Row>& row) {
  const auto policy = store::store_policy(desk.layout);
  if (!policy) return policy.error();
  const auto found = store::newest_checkpoint(desk.reader->log(), desk.layout);
  if (!found) return found.error();
  const auto& newest = found->newest;
  WitnessesQuestion::Summary out;
  if (newest) {
    out.size = newest->checkpoint.size;
    out.met = policy->judge(newest->note).met;
  }
  for (const auto& w : policy->witnesses) {
    WitnessesQuestion::Row r;
    r.name = w.name;
    r.key = w.key.vkey();
    r.url = w.url;
    if (newest)
      for (const auto& line : newest->note.signatures) {
        if (!store::note::verify(newest->note.text, line, w.key)) continue;
        r.cosigned = true;
        r.size = newest->checkpoint.size;
        const auto at = static_cast<Micros>(store::note::cosigned_at(line)) * 1'000'000;
        r.age = Seconds{desk.now - at};
      }
    if (!row(r)) break;
  }
  return out;
}

}  // namespace rollcall::replay::inline question
