// Making receipts.
#include "replay/receipt.h"

#include <fmt/format.h>

namespace rollcall::replay {

Result<store::TlogProof> receipt_for(const Reader& reader, Seq seq,
                                     const store::SignedCheckpoint& checkpoint) {
  if (seq == 0 || seq > reader.last())
    return Error{Errc::NotFound,
                 fmt::format("there is no event {}: the log ends at {}", seq, reader.last())};
  if (seq > checkpoint.checkpoint.size) {
    return Error{
        Errc::Incomplete,
        fmt::format(
            "event {} is not signed yet (signed up to {}): `rollcall checkpoint sign` signs", seq,
            checkpoint.checkpoint.size)};
  }
  const auto leaf = reader.log().leaf(seq);
  if (!leaf) return leaf.error();
  auto path =
      store::merkle::inclusion_proof(seq - 1, checkpoint.checkpoint.size, reader.log().nodes());
  if (!path) return path.error();
  return store::TlogProof{seq - 1, **leaf, std::move(*path), checkpoint.note};
}

Result<store::TlogProof> receipt_for(const Reader& reader, Seq seq) {
  const auto newest = store::newest_checkpoint(reader.log(), reader.layout());
  if (!newest) return newest.error();
  if (!newest->newest)
    return Error{Errc::Incomplete, "nothing was ever signed: `rollcall checkpoint sign` signs"};
  return receipt_for(reader, seq, *newest->newest);
}

}  // namespace rollcall::replay
