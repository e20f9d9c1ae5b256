// The log's signed checkpoints: which keys to trust, what was signed, what is signed next.
//
// Why this file exists: a log must never sign two checkpoints that no consistency proof can join. A
// checkpoint is signed only for what is durable, and is on disk (in the log's meta family, and in
// the file `checkpoint` outside the database) before anyone is shown it.
#pragma once

#include "store/log.h"
#include "store/note.h"
#include "store/policy_file.h"

namespace rollcall::store {

/// Makes the signing key of a new log, named as its origin, and the list of trusted keys.
[[nodiscard]] Result<void> create_signing_key(const Layout& layout, std::string_view origin);
[[nodiscard]] Result<note::Signer> signing_key(const Layout& layout);
/// Whether the key that signs can be read and is one of the trusted: what is wrong with it, if
/// anything. A key that this process may not read is no damage.
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
[[nodiscard]] Result<std::vector<SignedCheckpoint>> checkpoint_history(const Log& log);
/// The newest one, or nothing if none was ever signed. Both places are read, and of the log's
/// entries the last alone; a file that is damaged, or says otherwise than the entry of its size, is
/// reported by `file_damage`.
struct NewestCheckpoint {
  std::optional<SignedCheckpoint> newest;
  std::optional<std::string> file_damage;
};
[[nodiscard]] Result<NewestCheckpoint> newest_checkpoint(const Log& log, const Layout& layout);

/// Whether what the log holds is consistent with what it signed last. The error says why not.
[[nodiscard]] Result<void> check_signed_history(const Log& log, const Layout& layout);

/// Signs the log's present end (all of it durable) by `signers`; with a signed checkpoint of that
/// very size already there, returns that one. Stored before it is returned.
[[nodiscard]] Result<SignedCheckpoint> sign_checkpoint(Log& log, const Layout& layout,
                                                       std::span<const note::Signer> signers);
/// Adds witnesses' lines to a stored checkpoint.
[[nodiscard]] Result<SignedCheckpoint> add_cosignatures(Log& log, const Layout& layout,
                                                        const SignedCheckpoint& to,
                                                        std::span<const note::SignatureLine> lines);

/// Writes the trust file (keys/policy), with its sum.
[[nodiscard]] Result<void> write_policy(const Layout& layout, const PolicyFile& policy);
/// The trust file of this store (keys/policy); without one, its own keys and no quorum.
[[nodiscard]] Result<PolicyFile> store_policy(const Layout& layout);

}  // namespace rollcall::store
