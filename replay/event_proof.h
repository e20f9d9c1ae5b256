// One event with the proof of everything an answer says about it: its receipt, its body, and the
// events that name its user, action and channel, each with receipt and body.
//
// Why this file exists: a receipt alone covers 112 bytes of numbers. To show words beside it, the
// page and `verify proof` need what binds those words to the signature. As JSON:
//   {"format":"rollcall-proof-1","receipt":TLOG-PROOF,"body":BASE64,"names":[{"receipt":…,"body":…}]}
// in which a body is salt ‖ plain body; absent if there is none, or none that opens.
#pragma once

#include "replay/proven.h"
#include "replay/receipt.h"

#include <boost/json/object.hpp>

namespace rollcall::replay {

struct EventProof {
  struct Part {
    store::TlogProof receipt;
    std::optional<std::string> image;  ///< as body_image() returns it
  };
  Part event;
  std::vector<Part> names;
};

[[nodiscard]] Result<EventProof> prove_event(const Reader& reader, Seq seq);
[[nodiscard]] boost::json::object to_json(const EventProof& proof);
[[nodiscard]] Result<EventProof> parse_event_proof(const boost::json::value& value);

struct EventVerdict {
  store::note::Checkpoint checkpoint;
  store::note::Note note;  ///< with all its signatures, for a policy to judge
  Seq seq = 0;
  Proven proven;
};
/// Verifies receipts by one of `known`, bodies by the digests in the proven headers.
[[nodiscard]] Result<EventVerdict> verify_event_proof(const EventProof& proof,
                                                      std::span<const store::note::Verifier> known);

/// A bare receipt proves the numbers of its entry, whose bytes are `leaf`, and no words. If the
/// entry is not rollcall's, it proves only that the entry is in the log.
[[nodiscard]] Result<EventVerdict> verify_receipt(const store::TlogProof& receipt,
                                                  store::ByteView leaf,
                                                  std::span<const store::note::Verifier> known);

/// Checks every word of what `show SEQ --proof -o json` printed against its own proof.
[[nodiscard]] Result<EventVerdict> verify_answer(std::string_view text,
                                                 std::span<const store::note::Verifier> known);
/// That answer: the event as to_full_json() returns it, prev, leaf and proof. Its text escapes
/// invisible characters (store::printable_json).
[[nodiscard]] boost::json::object answer_of(const EventView& event, store::ByteView leaf,
                                            const EventProof& proof);

}  // namespace rollcall::replay
