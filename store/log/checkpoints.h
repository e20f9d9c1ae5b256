// The log's signed checkpoints: trusted keys, what was signed, and signing the next one.
//
// Why this file exists: a log must never sign two checkpoints that no consistency proof can join. A
// checkpoint is signed only over durable events, and is on disk (in the log's meta family and in
// the file `checkpoint` outside the database) before it is shown to anyone.
#pragma once

#include "store/log/event_log.h"
#include "store/log/layout.h"
#include "store/tlog/note.h"
#include "store/tlog/policy.h"

namespace rollcall::store::inline log {

/// Makes the signing key of a new log, named as its origin, and the list of trusted keys.
[[nodiscard]] Result<void> create_signing_key(const Layout& layout, std::string_view origin);
[[nodiscard]] Result<note::Signer> signing_key(const Layout& layout);
/// What is wrong with the signing key, if anything: it must be readable and one of the trusted
/// keys. A key that this process may not read does not count as damaged.
[[nodiscard]] std::optional<Error> signing_key_fault(const Layout& layout);
/// Newest first; the first is the current one.
[[nodiscard]] Result<std::vector<note::Verifier>> trusted_keys(const Layout& layout);
/// A new key under the same name; the old public key stays trusted for what it signed.
[[nodiscard]] Result<note::Signer> rotate_signing_key(const Layout& layout);

struct SignedCheckpoint {
  note::Note note;
  note::Checkpoint checkpoint;
};

/// Every signed checkpoint, oldest first. A damaged entry is an error.
[[nodiscard]] Result<std::vector<SignedCheckpoint>> checkpoint_history(const EventLog& log);
/// The newest one, or nothing if none was ever signed. Reads both places, and only the last of the
/// log's entries. If the file is damaged, or differs from the log's entry of its size,
/// `file_damage` says so.
struct NewestCheckpoint {
  std::optional<SignedCheckpoint> newest;
  std::optional<std::string> file_damage;
};
[[nodiscard]] Result<NewestCheckpoint> newest_checkpoint(const EventLog& log, const Layout& layout);

/// Whether the log is consistent with its last checkpoint. The error says why not.
[[nodiscard]] Result<void> check_signed_history(const EventLog& log, const Layout& layout);

/// Signs the log's current end (all of it durable) with `signers`. If a checkpoint of this size is
/// signed already, returns that one. The checkpoint is stored before it is returned.
[[nodiscard]] Result<SignedCheckpoint> sign_checkpoint(EventLog& log, const Layout& layout,
                                                       std::span<const note::Signer> signers);
/// Adds cosignatures of witnesses to a stored checkpoint.
[[nodiscard]] Result<SignedCheckpoint> add_cosignatures(EventLog& log, const Layout& layout,
                                                        const SignedCheckpoint& to,
                                                        std::span<const note::SignatureLine> lines);

/// Writes the trust file (keys/policy), with its sum.
[[nodiscard]] Result<void> write_policy(const Layout& layout, const PolicyFile& policy);
struct NewWitness {
  std::string name, vkey, url;
  std::string quorum;  ///< any, all (as if empty), or how many of them verify demands
};
/// Puts it into the store's policy, in place of one of that name; the policy's new text.
[[nodiscard]] Result<std::string> add_witness(const Layout& layout, const NewWitness& witness);
/// The trust file of this store (keys/policy); if it has none, its own keys and no quorum.
[[nodiscard]] Result<PolicyFile> store_policy(const Layout& layout);

}  // namespace rollcall::store::inline log
