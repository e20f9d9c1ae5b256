// Bundles: events with their proofs, readable and verifiable without anything else.
//
// A bundle is a folder or a tar of:
//   README.txt, verify.sh   what it is; a verifier that needs only sh, openssl and coreutils
//   bundle                  `key value` lines: format, origin, complete, user, range, digest …
//   checkpoint, log.vkey, log.pem, policy
//   headers.bin             the leaves, 112 bytes each, ascending seq
//   tree.proof              hex hashes, one per line: one proof for all leaves
//   (store/tlog/merkle.h) bodies/<seq>            "rollcall/body/v1\0" ‖ salt ‖ plain body: its
//   SHA-256 is in the header events.ndjson           the selected events, readable; the users,
//   actions and channels
//                           that they name by number are named in the bodies of further events,
//                           which are in the bundle, too
//   receipts/<seq>.tlog-proof  if few events were selected
//   answer.txt              `who --proof` only: user, state and moment in one sentence
//   state/<page>, state.proof   complete chain only: pages of the state digest
// It contains no secrets; a salt opens only its own body.
#pragma once

#include "replay/audit.h"

namespace rollcall::replay {

enum class Complete { None, Chain, Headers };

struct BundleRequest {
  Complete complete = Complete::None;
  UserNumber user = 0;         ///< Chain: whose
  Seq from = 1, to = ~Seq{0};  ///< Headers: the range
  std::vector<Seq> bodies;     ///< events whose bodies are included, ascending
  Seq asked_seq = 0;           ///< Chain: the state after which event is asked about; 0 none
  Micros asked_at = 0;  ///< with asked_seq: the moment at which it was the last event; 0: asked by
                        ///< seq. Only a signed state digest later than it can prove that it was
};

/// Path in the bundle → content.
using BundleFiles = std::map<std::string, std::string>;

/// The sentence of answer.txt; if the name is not signed, with the number only. `moment` 0: asked
/// by seq.
[[nodiscard]] std::string answer_sentence(UserNumber user, const std::string& signed_name,
                                          engine::Presence state, Seq after, Micros moment,
                                          std::string_view origin);

[[nodiscard]] Result<BundleFiles> make_bundle(const Reader& reader, const BundleRequest& request);

/// Writes a folder, or a tar if the path ends in .tar; "-" is a tar on standard output.
[[nodiscard]] Result<void> write_bundle(const BundleFiles& files,
                                        const std::filesystem::path& path);
[[nodiscard]] Result<BundleFiles> read_bundle(const std::filesystem::path& path);

struct BundleReport {
  std::vector<std::string> lines;  ///< what was checked, for people
  std::uint64_t events = 0, bodies = 0;
  std::optional<engine::Presence> state_asked, state_at_digest;
};

/// Checks everything; the error is the first fault. `trusted` gives keys and quorum from outside;
/// without it the bundle's own key is used (which a person should compare with the published
/// one).
[[nodiscard]] Result<BundleReport> verify_bundle(const BundleFiles& files,
                                                 const std::optional<store::PolicyFile>& trusted);
[[nodiscard]] Result<BundleReport> verify_bundle(const std::filesystem::path& path,
                                                 const std::optional<store::PolicyFile>& trusted);

/// A key in the form that openssl reads.
[[nodiscard]] std::string pem_of(const store::note::Verifier& key);

/// The verifier script in every bundle.
[[nodiscard]] std::string_view bundle_script();
[[nodiscard]] std::string_view bundle_readme();

}  // namespace rollcall::replay
