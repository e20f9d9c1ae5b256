// Signed notes: parsing, rendering, signing, verifying.
#include "store/tlog/note.h"

#include "store/bytes/utf8.h"

#include <fmt/format.h>

#include <algorithm>

namespace rollcall::store::inline tlog::note {
namespace {

constexpr std::string_view kDash = "\xE2\x80\x94 ";  // U+2014, space

Bytes cosigned_message(std::string_view text, std::uint64_t seconds) {
  const std::string message = fmt::format("cosignature/v1\ntime {}\n{}", seconds, text);
  return {message.begin(), message.end()};
}

std::optional<Algorithm> algorithm_of(std::uint8_t byte) {
  if (byte == 0x01) return Algorithm::Ed25519;
  if (byte == 0x04) return Algorithm::Cosignature;
  return std::nullopt;
}

struct KeyParts {
  std::string name;
  std::uint32_t id = 0;
  Algorithm algorithm = Algorithm::Ed25519;
  Key key{};
};

std::optional<KeyParts> parse_key(std::string_view text) {
  const auto first = text.find('+');
  if (first == std::string_view::npos) return std::nullopt;
  const auto second = text.find('+', first + 1);
  if (second == std::string_view::npos) return std::nullopt;
  KeyParts parts;
  parts.name = std::string(text.substr(0, first));
  const auto id = from_hex(text.substr(first + 1, second - first - 1));
  const auto raw = from_base64(text.substr(second + 1));
  if (!valid_key_name(parts.name) || !id || id->size() != 4 || !raw || raw->size() != 33)
    return std::nullopt;
  const auto algorithm = algorithm_of((*raw)[0]);
  if (!algorithm) return std::nullopt;
  parts.id = get_be32(*id);
  parts.algorithm = *algorithm;
  std::copy(raw->begin() + 1, raw->end(), parts.key.begin());
  return parts;
}

Bytes with_algorithm(Algorithm algorithm, const Key& key) {
  Bytes raw{static_cast<std::uint8_t>(algorithm)};
  raw.insert(raw.end(), key.begin(), key.end());
  return raw;
}

}  // namespace

bool valid_key_name(std::string_view name) {
  if (name.empty() || name.size() > 255 || !valid_utf8(name)) return false;
  // The Unicode spaces beyond ASCII are refused by their UTF-8 forms.
  for (const std::string_view space :
       {"\xC2\x85", "\xC2\xA0", "\xE1\x9A\x80", "\xE2\x80\xA8", "\xE2\x80\xA9", "\xE2\x80\xAF",
        "\xE2\x81\x9F", "\xE3\x80\x80"}) {
    if (name.find(space) != std::string_view::npos) return false;
  }
  for (std::size_t i = 0; i + 2 < name.size(); ++i) {  // U+2000 to U+200A
    const auto last = static_cast<std::uint8_t>(name[i + 2]);
    if (name.substr(i, 2) == "\xE2\x80" && last >= 0x80 && last <= 0x8A) return false;
  }
  return std::none_of(name.begin(), name.end(), [](char c) {
    const auto u = static_cast<std::uint8_t>(c);
    return u <= 0x20 || u == 0x7F || c == '+';
  });
}

std::uint32_t Verifier::id() const {
  const std::array<std::uint8_t, 2> middle{0x0A, static_cast<std::uint8_t>(algorithm)};
  return get_be32(sha256({as_bytes(name), middle, public_key}));
}

std::string Verifier::vkey() const {
  return fmt::format("{}+{:08x}+{}", name, id(), base64(with_algorithm(algorithm, public_key)));
}

Result<Verifier> Verifier::parse(std::string_view vkey) {
  const auto parts = parse_key(vkey);
  if (!parts) return Error{Errc::BadInput, "not a verifier key: expected name+hash+base64"};
  Verifier v{parts->name, parts->algorithm, parts->key};
  // One spelling: capital hex digits or loose base64 would be other bytes that say the same.
  if (v.id() != parts->id || v.vkey() != vkey)
    return Error{Errc::BadInput, "verifier key: its hash does not fit its name and key"};
  return v;
}

Verifier Signer::verifier() const { return {name, algorithm, ed25519::public_key(seed)}; }

std::string Signer::skey() const {
  return fmt::format("PRIVATE+KEY+{}+{:08x}+{}", name, verifier().id(),
                     base64(with_algorithm(algorithm, seed)));
}

Result<Signer> Signer::parse(std::string_view skey) {
  constexpr std::string_view prefix = "PRIVATE+KEY+";
  const Error bad{Errc::BadInput, "not a signing key: expected PRIVATE+KEY+name+hash+base64"};
  if (!skey.starts_with(prefix)) return bad;
  const auto parts = parse_key(skey.substr(prefix.size()));
  if (!parts) return bad;
  Signer s{parts->name, parts->algorithm, parts->key};
  if (s.verifier().id() != parts->id)
    return Error{Errc::BadInput, "signing key: its hash does not fit its name and key"};
  return s;
}

std::optional<SignatureLine> parse_signature_line(std::string_view line) {
  if (!line.starts_with(kDash)) return std::nullopt;
  line.remove_prefix(kDash.size());
  const auto space = line.find(' ');
  if (space == std::string_view::npos) return std::nullopt;
  SignatureLine out;
  out.name = std::string(line.substr(0, space));
  const auto raw = from_base64(line.substr(space + 1));
  if (!valid_key_name(out.name) || !raw || raw->size() < 5) return std::nullopt;
  out.key_id = get_be32(*raw);
  out.blob.assign(raw->begin() + 4, raw->end());
  return out;
}

Result<Note> parse(std::string_view bytes) {
  const auto bad = [](const char* why) {
    return Error{Errc::BadInput, fmt::format("not a signed note: {}", why)};
  };
  if (bytes.size() > kNoteSizeMax) return bad("larger than 64 KiB");
  if (!valid_utf8(bytes)) return bad("not UTF-8");
  for (const char c : bytes) {
    if (static_cast<std::uint8_t>(c) < 0x20 && c != '\n') return bad("a control character in it");
  }
  const auto blank = bytes.rfind("\n\n");
  if (blank == std::string_view::npos) return bad("no blank line before the signatures");
  Note note;
  note.text = std::string(bytes.substr(0, blank + 1));
  std::string_view rest = bytes.substr(blank + 2);
  if (rest.empty() || rest.back() != '\n')
    return bad("no signature lines, or no newline at the end");
  while (!rest.empty()) {
    const auto end = rest.find('\n');
    auto line = parse_signature_line(rest.substr(0, end));
    if (!line) return bad("a malformed signature line");
    if (note.signatures.size() >= 100) return bad("more than 100 signatures");
    note.signatures.push_back(std::move(*line));
    rest.remove_prefix(end + 1);
  }
  return note;
}

std::string render(const SignatureLine& line) {
  Bytes raw;
  put_be32(raw, line.key_id);
  raw.insert(raw.end(), line.blob.begin(), line.blob.end());
  return fmt::format("{}{} {}\n", kDash, line.name, base64(raw));
}

std::string render(const Note& note) {
  std::string out = note.text + "\n";
  for (const SignatureLine& line : note.signatures) out += render(line);
  return out;
}

SignatureLine sign(std::string_view text, const Signer& signer, std::uint64_t unix_seconds) {
  SignatureLine line{signer.name, signer.verifier().id(), {}};
  if (signer.algorithm == Algorithm::Cosignature) {
    put_be64(line.blob, unix_seconds);
    const auto signature = ed25519::sign(signer.seed, cosigned_message(text, unix_seconds));
    line.blob.insert(line.blob.end(), signature.begin(), signature.end());
  } else {
    const auto signature = ed25519::sign(signer.seed, as_bytes(text));
    line.blob.assign(signature.begin(), signature.end());
  }
  return line;
}

bool is_by(const SignatureLine& line, const Verifier& verifier) {
  return line.name == verifier.name && line.key_id == verifier.id();
}

std::uint64_t cosigned_at(const SignatureLine& line) {
  return line.blob.size() >= 8 ? get_be64(line.blob) : 0;
}

bool verify(std::string_view text, const SignatureLine& line, const Verifier& verifier) {
  if (!is_by(line, verifier)) return false;
  if (verifier.algorithm == Algorithm::Cosignature) {
    if (line.blob.size() != 72) return false;
    return ed25519::verify(verifier.public_key, cosigned_message(text, cosigned_at(line)),
                           ByteView(line.blob).subspan(8));
  }
  return line.blob.size() == 64 && ed25519::verify(verifier.public_key, as_bytes(text), line.blob);
}

Result<void> open(const Note& note, std::span<const Verifier> known) {
  bool good = false;
  for (const SignatureLine& line : note.signatures) {
    for (const Verifier& verifier : known) {
      if (!is_by(line, verifier)) continue;
      if (!verify(note.text, line, verifier)) {
        return Error{Errc::Tampered,
                     fmt::format("the signature by {} does not fit the text", verifier.name)};
      }
      good = true;
    }
  }
  if (!good) return Error{Errc::Tampered, "no signature by a known key"};
  return {};
}

std::string render(const Checkpoint& c) {
  return fmt::format("{}\n{}\n{}\n", c.origin, c.size, base64(c.root));
}

Result<Checkpoint> parse_checkpoint(std::string_view text) {
  const auto bad = [](const char* why) {
    return Error{Errc::BadInput, fmt::format("not a checkpoint: {}", why)};
  };
  std::array<std::string_view, 3> lines;
  for (auto& line : lines) {
    const auto end = text.find('\n');
    if (end == std::string_view::npos) return bad("fewer than three lines");
    line = text.substr(0, end);
    text.remove_prefix(end + 1);
  }
  Checkpoint out;
  out.origin = std::string(lines[0]);
  const auto size = parse_decimal(lines[1]);
  const auto root = from_base64(lines[2]);
  if (out.origin.empty()) return bad("its origin is empty");
  if (!size) return bad("its size is not a number");
  if (!root || root->size() != 32) return bad("its root is not 32 bytes of base64");
  out.size = *size;
  std::copy(root->begin(), root->end(), out.root.begin());
  return out;
}

}  // namespace rollcall::store::inline tlog::note
