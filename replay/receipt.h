// Receipts: the inclusion proof of one event under the newest signed checkpoint that covers it.
#pragma once

#include "replay/reader.h"
#include "store/tlog/tlog_proof.h"

namespace rollcall::replay {

/// An error (incomplete) if no signed checkpoint covers the event yet.
[[nodiscard]] Result<store::TlogProof> receipt_for(const Reader& reader, Seq seq);
[[nodiscard]] Result<store::TlogProof> receipt_for(const Reader& reader, Seq seq,
                                                   const store::SignedCheckpoint& checkpoint);

}  // namespace rollcall::replay
