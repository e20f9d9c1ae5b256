// The tlog-witness protocol.
#include "store/tlog/witness.h"

#include "store/bytes/files.h"

#include <fmt/format.h>

namespace rollcall::store::inline tlog {
namespace {

constexpr std::size_t kProofMax = 63;
constexpr std::size_t kRequestMax = 128 * 1024;

std::string origin_hash(std::string_view origin) { return hex(sha256({as_bytes(origin)})); }

WitnessReply refused(unsigned status, std::string_view why) {
  return {status, "text/plain; charset=utf-8", fmt::format("{}\n", why)};
}

}  // namespace

Result<AddCheckpoint> parse_add_checkpoint(std::string_view body) {
  const Error bad{Errc::BadInput,
                  "expected `old SIZE`, at most 63 lines of proof, an empty line and a checkpoint"};
  if (body.size() > kRequestMax) return bad;
  AddCheckpoint out;
  auto end = body.find('\n');
  if (end == std::string_view::npos || !body.starts_with("old ")) return bad;
  const auto size = parse_decimal(body.substr(4, end - 4));
  if (!size) return bad;
  out.old_size = *size;
  body.remove_prefix(end + 1);
  while (true) {
    end = body.find('\n');
    if (end == std::string_view::npos) return bad;
    const std::string_view line = body.substr(0, end);
    body.remove_prefix(end + 1);
    if (line.empty()) break;
    const auto hash = from_base64(line);
    if (!hash || hash->size() != 32 || out.proof.size() == kProofMax) return bad;
    Hash h;
    std::copy(hash->begin(), hash->end(), h.begin());
    out.proof.push_back(h);
  }
  auto checkpoint = note::parse(body);
  if (!checkpoint) return bad;
  out.checkpoint = std::move(*checkpoint);
  return out;
}

std::string render_add_checkpoint(std::uint64_t old_size, std::span<const Hash> proof,
                                  const std::string& checkpoint) {
  std::string out = fmt::format("old {}\n", old_size);
  for (const auto& hash : proof) out += base64(hash) + "\n";
  return out + "\n" + checkpoint;
}

Witness::Witness(std::filesystem::path directory, note::Signer signer,
                 std::vector<note::Verifier> logs)
    : directory_(std::move(directory)), signer_(std::move(signer)), logs_(std::move(logs)) {}

std::filesystem::path Witness::file_of(std::string_view origin) const {
  return directory_ / origin_hash(origin);
}

WitnessReply Witness::add_checkpoint(std::string_view body, std::uint64_t unix_seconds) {
  const auto request = parse_add_checkpoint(body);
  if (!request) return refused(400, request.error().detail);
  const auto checkpoint = note::parse_checkpoint(request->checkpoint.text);
  if (!checkpoint) return refused(400, checkpoint.error().detail);
  std::vector<note::Verifier> keys;
  for (const auto& key : logs_) {
    if (key.name == checkpoint->origin) keys.push_back(key);
  }
  if (keys.empty()) return refused(404, "this witness does not know that log");
  if (!note::open(request->checkpoint, keys))
    return refused(403, "no good signature by the log's key");
  if (request->old_size > checkpoint->size)
    return refused(400, "the old size is larger than the checkpoint's");

  note::Checkpoint seen{checkpoint->origin, 0, merkle::empty_root()};
  const auto file = file_of(checkpoint->origin);
  const auto text = read_file(file);
  if (text || text.error().code != Errc::NotFound) {
    const auto stored = text ? note::parse(*text) : Result<note::Note>(text.error());
    const auto parsed =
        stored ? note::parse_checkpoint(stored->text) : Result<note::Checkpoint>(stored.error());
    // Its own cosignature is the sum: a size that flipped must not let a fork through.
    const std::array own{signer_.verifier()};
    if (!parsed || parsed->origin != checkpoint->origin || !note::open(*stored, own))
      return refused(500,
                     "what the witness cosigned last is damaged: it cosigns nothing until "
                     "its state is mended");
    seen = *parsed;
  }
  if (request->old_size != seen.size)
    return {409, "text/x.tlog.size", fmt::format("{}\n", seen.size)};
  const bool extends = seen.size == 0
                           ? request->proof.empty() &&
                                 (checkpoint->size != 0 || checkpoint->root == merkle::empty_root())
                           : merkle::verify_consistency(seen.size, checkpoint->size, request->proof,
                                                        seen.root, checkpoint->root);
  if (!extends) return refused(422, "no consistency with what was cosigned before");
  const auto line = note::sign(request->checkpoint.text, signer_, unix_seconds);
  // On disk before anyone is told: a witness that forgets could be made to cosign a fork.
  note::Note kept = request->checkpoint;
  std::erase_if(kept.signatures, [&](const auto& s) { return note::is_by(s, signer_.verifier()); });
  kept.signatures.push_back(line);
  if (const auto written = replace_file(file, note::render(kept)); !written)
    return refused(500, "the witness cannot write");
  return {200, "text/plain; charset=utf-8", note::render(line)};
}

WitnessReply Witness::last_checkpoint(std::string_view hash) const {
  if (hash.size() != 64 || !from_hex(hash)) return refused(404, "not found");
  const auto text = read_file(directory_ / std::string(hash));
  if (!text) return refused(404, "nothing was cosigned for that log");
  const std::array own{signer_.verifier()};
  const auto stored = note::parse(*text);
  if (!stored || !note::open(*stored, own))
    return refused(500, "what the witness cosigned last is damaged");
  return {200, "text/plain; charset=utf-8", *text};
}

}  // namespace rollcall::store::inline tlog
