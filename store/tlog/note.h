// Signed notes and checkpoints, byte for byte as C2SP specifies them (signed-note v1.0.0,
// tlog-checkpoint v1.0.0, cosignature/v1 1.0.1), so that independent tools verify ours.
#pragma once

#include "store/bytes/bytes.h"
#include "store/bytes/crypto.h"
#include "store/bytes/errc.h"

namespace rollcall::store::inline tlog::note {

enum class Algorithm : std::uint8_t { Ed25519 = 0x01, Cosignature = 0x04 };

/// A public key with its name: `name+hex8(key id)+base64(algorithm ‖ 32-byte public key)`.
struct Verifier {
  std::string name;
  Algorithm algorithm = Algorithm::Ed25519;
  Key public_key{};

  [[nodiscard]] std::uint32_t id() const;
  [[nodiscard]] std::string vkey() const;
  static Result<Verifier> parse(std::string_view vkey);
  bool operator==(const Verifier&) const = default;
};

/// A private key with its name; text form as in Go: `PRIVATE+KEY+name+hex8+base64(algorithm ‖
/// seed)`.
struct Signer {
  std::string name;
  Algorithm algorithm = Algorithm::Ed25519;
  Key seed{};

  [[nodiscard]] Verifier verifier() const;
  [[nodiscard]] std::string skey() const;
  static Result<Signer> parse(std::string_view skey);
};

/// Non-empty, no white space, no control character, no plus sign.
[[nodiscard]] bool valid_key_name(std::string_view name);

struct SignatureLine {
  std::string name;
  std::uint32_t key_id = 0;
  Bytes blob;  ///< without the key id: 64 bytes, or 8 + 64 for a cosignature
};

struct Note {
  std::string text;  ///< what is signed, with its last newline
  std::vector<SignatureLine> signatures;
};

inline constexpr std::size_t kNoteSizeMax = 64 * 1024;

[[nodiscard]] Result<Note> parse(std::string_view bytes);
[[nodiscard]] std::string render(const Note& note);

/// Signs as `signer`; `unix_seconds` is part of a cosignature and ignored for a plain signature.
[[nodiscard]] SignatureLine sign(std::string_view text, const Signer& signer,
                                 std::uint64_t unix_seconds = 0);
[[nodiscard]] std::string render(const SignatureLine& line);
[[nodiscard]] std::optional<SignatureLine> parse_signature_line(std::string_view line);

/// Whether `line` is by `verifier` (name and key id), and whether it is good.
[[nodiscard]] bool is_by(const SignatureLine& line, const Verifier& verifier);
[[nodiscard]] bool verify(std::string_view text, const SignatureLine& line,
                          const Verifier& verifier);
/// The time in a cosignature, Unix seconds; 0 if the line is too short.
[[nodiscard]] std::uint64_t cosigned_at(const SignatureLine& line);

/// Accepts a note with at least one good signature by one of `known`. Lines of unknown keys are
/// ignored; a known key's bad signature refuses the note.
[[nodiscard]] Result<void> open(const Note& note, std::span<const Verifier> known);

struct Checkpoint {
  std::string origin;
  std::uint64_t size = 0;
  Hash root{};
  bool operator==(const Checkpoint&) const = default;
};

[[nodiscard]] std::string render(const Checkpoint& checkpoint);
/// The first three lines of a note's text; extension lines are allowed and ignored.
[[nodiscard]] Result<Checkpoint> parse_checkpoint(std::string_view text);

}  // namespace rollcall::store::inline tlog::note
