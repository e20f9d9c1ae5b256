// Receipts: one event's inclusion proof with the checkpoint it leads to, in C2SP's tlog-proof
// format.
#pragma once

#include "store/tlog/note.h"

namespace rollcall::store::inline tlog {

struct TlogProof {
  std::uint64_t index = 0;  ///< 0-based: seq - 1
  Bytes extra;              ///< unauthenticated; rollcall puts the entry's bytes there
  std::vector<Hash> path;
  note::Note checkpoint;
};

[[nodiscard]] std::string render(const TlogProof& proof);
[[nodiscard]] Result<TlogProof> parse_tlog_proof(std::string_view text);

/// Checks signature (by one of `known`), origin and path for the entry whose bytes are `leaf`.
[[nodiscard]] Result<note::Checkpoint> verify_tlog_proof(const TlogProof& proof, ByteView leaf,
                                                         std::span<const note::Verifier> known);

}  // namespace rollcall::store::inline tlog
