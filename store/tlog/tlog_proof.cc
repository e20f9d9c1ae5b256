// tlog-proof: rendering, parsing, verifying.
#include "store/tlog/tlog_proof.h"

#include "store/tlog/merkle.h"

#include <fmt/format.h>

namespace rollcall::store::inline tlog {
namespace {
constexpr std::string_view kMagic = "c2sp.org/tlog-proof@v1\n";
constexpr std::size_t kPathMax = 63;
}  // namespace

std::string render(const TlogProof& proof) {
  std::string out(kMagic);
  if (!proof.extra.empty()) out += fmt::format("extra {}\n", base64(proof.extra));
  out += fmt::format("index {}\n", proof.index);
  for (const Hash& hash : proof.path) out += base64(hash) + "\n";
  return out + "\n" + note::render(proof.checkpoint);
}

Result<TlogProof> parse_tlog_proof(std::string_view text) {
  const auto bad = [](const char* why) {
    return Error{Errc::BadInput, fmt::format("not a tlog-proof: {}", why)};
  };
  if (!text.starts_with(kMagic)) return bad("the first line is not c2sp.org/tlog-proof@v1");
  text.remove_prefix(kMagic.size());
  TlogProof proof;
  bool index_seen = false;
  while (true) {
    const auto end = text.find('\n');
    if (end == std::string_view::npos) return bad("it ends before its checkpoint");
    const std::string_view line = text.substr(0, end);
    text.remove_prefix(end + 1);
    if (line.empty()) break;
    if (!index_seen && proof.extra.empty() && line.starts_with("extra ")) {
      const auto extra = from_base64(line.substr(6));
      if (!extra || extra->empty()) return bad("its extra line is not base64");
      proof.extra = *extra;
    } else if (!index_seen && line.starts_with("index ")) {
      const auto index = parse_decimal(line.substr(6));
      if (!index) return bad("its index is not a number");
      proof.index = *index;
      index_seen = true;
    } else {
      const auto hash = from_base64(line);
      if (!index_seen || !hash || hash->size() != 32 || proof.path.size() >= kPathMax)
        return bad("a malformed line in its path");
      Hash h;
      std::copy(hash->begin(), hash->end(), h.begin());
      proof.path.push_back(h);
    }
  }
  if (!index_seen) return bad("it has no index line");
  auto checkpoint = note::parse(text);
  if (!checkpoint) return checkpoint.error();
  proof.checkpoint = std::move(*checkpoint);
  return proof;
}

Result<note::Checkpoint> verify_tlog_proof(const TlogProof& proof, ByteView leaf,
                                           std::span<const note::Verifier> known) {
  RC_TRY(note::open(proof.checkpoint, known));
  auto checkpoint = note::parse_checkpoint(proof.checkpoint.text);
  if (!checkpoint) return checkpoint;
  if (!merkle::verify_inclusion(merkle::leaf_hash(leaf), proof.index, checkpoint->size, proof.path,
                                checkpoint->root)) {
    return Error{Errc::Tampered, fmt::format("event {} is not in the signed tree of {} events",
                                             proof.index + 1, checkpoint->size)};
  }
  return checkpoint;
}

}  // namespace rollcall::store::inline tlog
