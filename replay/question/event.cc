// One event and its proofs.
#include "replay/question/event.h"

#include "replay/event_proof.h"
#include "replay/receipt.h"
#include "store/bytes/crypto.h"

namespace rollcall::replay::inline question {

Result<void> check(const EventQuestion& q) {
  if (q.seq == 0) return Error{Errc::BadInput, "seq is a number from 1 on"};
  return {};
}

Result<EventQuestion::Summary> answer(const Desk& desk, const EventQuestion& q,
                                      const RowSink<EventView>& row) {
  const Reader& reader = *desk.reader;
  if (q.seq > reader.last())
    return Error{Errc::NotFound,
                 fmt::format("there is no event {}: the log ends at {}", q.seq, reader.last())};
  const auto leaf = reader.log().leaf(q.seq);
  if (!leaf) return leaf.error();
  if (!*leaf) return Error{Errc::Incomplete, fmt::format("event {} is missing", q.seq)};
  EventQuestion::Summary out;
  out.leaf = store::base64(store::merkle::leaf_hash(**leaf));
  if (q.proof.value_or(false)) {
    const auto proof = prove_event(reader, q.seq);
    if (!proof) return proof.error();
    out.receipt = store::render(proof->event.receipt);
    out.proof = to_json(*proof);
  }
  (void)row(view_of(reader, store::decode_header(**leaf)));
  return out;
}

Result<void> check(const ProofQuestion& q) {
  if (q.seq == 0) return Error{Errc::BadInput, "seq is a number from 1 on"};
  return {};
}

Result<ProofQuestion::Summary> answer(const Desk& desk, const ProofQuestion& q,
                                      const RowSink<NoRow>&) {
  const auto receipt = receipt_for(*desk.reader, q.seq);
  if (!receipt) return receipt.error();
  return ProofQuestion::Summary{store::render(*receipt)};
}

}  // namespace rollcall::replay::inline question
