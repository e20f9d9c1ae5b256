// Making and checking the proof of one event.
#include "replay/event_proof.h"

#include "replay/event_json.h"
#include "store/bytes/printable.h"

#include <boost/json.hpp>
#include <fmt/format.h>

namespace rollcall::replay {
namespace {

namespace json = boost::json;

constexpr std::string_view kFormat = "rollcall-proof-1";
constexpr std::size_t kNamesMax = 8;

Error malformed(const char* why) {
  return {Errc::BadInput, fmt::format("not a proof of an event: {}", why)};
}

json::object to_json(const EventProof::Part& part) {
  json::object out{{"receipt", store::render(part.receipt)}};
  if (part.image)
    out["body"] = store::base64(
        store::as_bytes(std::string_view(*part.image).substr(store::kBodyPrefix.size())));
  return out;
}

Result<EventProof::Part> parse_part(const json::object& o) {
  const auto* receipt = o.if_contains("receipt");
  if (receipt == nullptr || !receipt->is_string()) return malformed("it has no receipt");
  auto parsed = store::parse_tlog_proof(std::string_view(receipt->get_string()));
  if (!parsed) return parsed.error();
  EventProof::Part out{std::move(*parsed), std::nullopt};
  if (const auto* body = o.if_contains("body")) {
    const auto bytes =
        body->is_string() ? store::from_base64(std::string_view(body->get_string())) : std::nullopt;
    if (!bytes) return malformed("its body is not base64");
    out.image = std::string(store::kBodyPrefix) + std::string(store::as_text(*bytes));
  }
  return out;
}

/// Takes in one part: only what its receipt proves.
Result<store::note::Checkpoint> take(const EventProof::Part& part,
                                     std::span<const store::note::Verifier> known, Proven& into) {
  const auto& receipt = part.receipt;
  if (receipt.extra.size() != store::kHeaderSize)
    return Error{Errc::Incomplete, "a receipt does not carry its entry"};
  auto alone = verify_receipt(receipt, receipt.extra, known);
  if (!alone) return alone.error();
  into.add(*alone->proven.find(alone->seq));
  if (part.image) RC_TRY(into.add_body(alone->seq, *part.image));
  return std::move(alone->checkpoint);
}

}  // namespace

Result<EventProof> prove_event(const Reader& reader, Seq seq) {
  const auto newest = store::newest_checkpoint(reader.log(), reader.layout());
  if (!newest) return newest.error();
  if (!newest->newest)
    return Error{Errc::Incomplete, "nothing was ever signed: `rollcall checkpoint sign` signs"};
  const auto part = [&](Seq of) -> Result<EventProof::Part> {
    auto receipt = receipt_for(reader, of, *newest->newest);
    if (!receipt) return receipt.error();
    const auto body = reader.open_body(store::decode_header(receipt->extra));
    EventProof::Part out{std::move(*receipt), std::nullopt};
    if (body.state == store::BodyState::Open) out.image = body_image(body);
    return out;
  };
  auto event = part(seq);
  if (!event) return event.error();
  EventProof out{std::move(*event), {}};
  const auto naming =
      naming_events(reader, store::decode_header(out.event.receipt.extra), NamesOf::Answer);
  if (!naming) return naming.error();
  for (const Seq of : *naming) {
    auto name = part(of);
    if (!name) return name.error();
    out.names.push_back(std::move(*name));
  }
  return out;
}

json::object to_json(const EventProof& proof) {
  json::object out{{"format", kFormat}};
  for (auto& [key, value] : to_json(proof.event)) out[key] = std::move(value);
  json::array names;
  for (const auto& name : proof.names) names.push_back(to_json(name));
  out["names"] = std::move(names);
  return out;
}

Result<EventProof> parse_event_proof(const json::value& value) {
  const auto* o = value.if_object();
  const auto* format = o != nullptr ? o->if_contains("format") : nullptr;
  if (format == nullptr || *format != json::value(kFormat))
    return malformed("its format is not rollcall-proof-1");
  auto event = parse_part(*o);
  if (!event) return event.error();
  EventProof out{std::move(*event), {}};
  const auto* names = o->if_contains("names");
  if (names == nullptr || !names->is_array() || names->get_array().size() > kNamesMax)
    return malformed("it has no list of names");
  for (const auto& entry : names->get_array()) {
    if (!entry.is_object()) return malformed("a name that is no object");
    auto part = parse_part(entry.get_object());
    if (!part) return part.error();
    out.names.push_back(std::move(*part));
  }
  return out;
}

Result<EventVerdict> verify_event_proof(const EventProof& proof,
                                        std::span<const store::note::Verifier> known) {
  EventVerdict out;
  for (const auto& name : proof.names) {
    const auto checkpoint = take(name, known, out.proven);
    if (!checkpoint) return checkpoint.error();
    if (name.receipt.checkpoint.text != proof.event.receipt.checkpoint.text)
      return Error{Errc::Tampered, "the proof's receipts are of several checkpoints"};
  }
  auto checkpoint = take(proof.event, known, out.proven);
  if (!checkpoint) return checkpoint.error();
  out.checkpoint = std::move(*checkpoint);
  out.note = proof.event.receipt.checkpoint;
  out.seq = proof.event.receipt.index + 1;
  return out;
}

Result<EventVerdict> verify_receipt(const store::TlogProof& receipt, store::ByteView leaf,
                                    std::span<const store::note::Verifier> known) {
  auto checkpoint = store::verify_tlog_proof(receipt, leaf, known);
  if (!checkpoint) return checkpoint.error();
  EventVerdict out;
  out.checkpoint = std::move(*checkpoint);
  out.note = receipt.checkpoint;
  out.seq = receipt.index + 1;
  if (leaf.size() != store::kHeaderSize) return out;  // of another log
  const Header header = store::decode_header(leaf);
  if (header.seq != out.seq)
    return Error{Errc::Tampered, fmt::format("the receipt of event {} holds the entry of event {}",
                                             out.seq, header.seq)};
  out.proven.add(header);
  return out;
}

json::object answer_of(const EventView& event, store::ByteView leaf, const EventProof& proof) {
  json::object out = to_full_json(event);
  out["prev"] = event.header.prev;
  out["leaf"] = store::base64(store::merkle::leaf_hash(leaf));
  out["proof"] = to_json(proof);
  return out;
}

Result<EventVerdict> verify_answer(std::string_view text,
                                   std::span<const store::note::Verifier> known) {
  while (text.ends_with('\n')) text.remove_suffix(1);
  boost::system::error_code ec;
  const auto value = json::parse(text, ec);
  const auto* o = !ec ? value.if_object() : nullptr;
  const auto* given = o != nullptr ? o->if_contains("proof") : nullptr;
  if (given == nullptr)
    return malformed("neither a tlog-proof nor what `show SEQ --proof -o json` prints");
  const auto proof = parse_event_proof(*given);
  if (!proof) return proof.error();
  auto out = verify_event_proof(*proof, known);
  if (!out) return out;
  // The tail that is no word of the event's: compared as it is, and cut off.
  const Header& header = *out->proven.find(out->seq);
  json::object tail{{"prev", header.prev},
                    {"leaf", store::base64(store::merkle::leaf_hash(proof->event.receipt.extra))},
                    {"proof", to_json(*proof)}};
  const std::string end = "," + store::printable_json(json::serialize(tail)).substr(1);
  if (!text.ends_with(end))
    return Error{Errc::Tampered,
                 fmt::format("seq {}: prev, leaf or proof are not what was proven, or not in the "
                             "form that `show --proof -o json` prints",
                             out->seq)};
  const std::string told = std::string(text.substr(0, text.size() - end.size())) + "}";
  const auto seq = out->proven.judge(told, NamesOf::Answer);
  if (!seq) return seq.error();
  if (*seq != out->seq)
    return Error{Errc::Tampered, fmt::format("the proof is of event {}", out->seq)};
  return out;
}

}  // namespace rollcall::replay
