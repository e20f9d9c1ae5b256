// Making bundles.
#include "replay/bundle.h"

#include "replay/event_json.h"
#include "replay/proven.h"
#include "replay/receipt.h"
#include "replay/time_text.h"
#include "store/log/state_digest.h"

#include <boost/json/serialize.hpp>
#include <fmt/format.h>

#include <algorithm>

namespace rollcall::replay {
namespace {

using engine::Kind;

/// A user's events from `head` back to the first, as seqs.
Result<void> walk_chain(const Reader& reader, Seq head, std::set<Seq>& out) {
  for (Seq seq = head; seq != 0;) {
    const auto header = reader.log().header(seq);
    if (!header) return header.error();
    if (!*header || (*header)->prev >= seq)
      return Error{Errc::Tampered,
                   fmt::format("seq {}: the chain of previous events is broken", seq)};
    out.insert(seq);
    seq = (*header)->prev;
  }
  return {};
}

/// The moment's own bounds: the event asked about is not later, and the next one is.
Result<void> check_moment(const Reader& reader, Seq asked, Micros moment) {
  const auto last = reader.log().header(asked);
  const auto next = reader.log().header(asked + 1);
  if (!last) return last.error();
  if (!next) return next.error();
  if (!*last) return Error{Errc::NotFound, fmt::format("there is no event {}", asked)};
  if ((*last)->at > moment || (*next && (*next)->at <= moment))
    return Error{Errc::BadInput, fmt::format("event {} is not the last at that moment", asked)};
  return {};
}

constexpr std::size_t kReceiptsMax = 256;

struct Newest {
  store::SignedCheckpoint checkpoint;
  std::optional<Header> digest;  ///< the newest StateDigest that the checkpoint covers
};

Result<Newest> newest_with_digest(const Reader& reader, bool want_digest) {
  const auto newest = store::newest_checkpoint(reader.log(), reader.layout());
  if (!newest) return newest.error();
  if (!newest->newest)
    return Error{Errc::Incomplete, "nothing was ever signed: `rollcall checkpoint sign` signs"};
  Newest out{*newest->newest, std::nullopt};
  if (!want_digest) return out;
  RC_TRY(reader.log().scan_back(
      1, out.checkpoint.checkpoint.size, [&](const Header& h, store::ByteView) {
        if (h.kind != Kind::StateDigest) return true;
        const auto digest = engine::digest_of(h);
        if (digest.reducer != engine::kReducerVersion || digest.covers + 1 != h.seq) return true;
        out.digest = h;
        return false;
      }));
  if (!out.digest)
    return Error{Errc::Incomplete, "no signed state digest: `rollcall checkpoint sign` makes one"};
  return out;
}

}  // namespace

std::string pem_of(const store::note::Verifier& key) {
  // SubjectPublicKeyInfo of Ed25519 (RFC 8410): a fixed prefix, then the raw key.
  store::Bytes der{0x30, 0x2a, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x03, 0x21, 0x00};
  der.insert(der.end(), key.public_key.begin(), key.public_key.end());
  return "-----BEGIN PUBLIC KEY-----\n" + store::base64(der) + "\n-----END PUBLIC KEY-----\n";
}

std::string answer_sentence(UserNumber user, const std::string& signed_name, engine::Presence state,
                            Seq after, Micros moment, std::string_view origin) {
  const std::string who = signed_name.empty() ? fmt::format("user #{}", user)
                                              : fmt::format("{} (user #{})", signed_name, user);
  const std::string at = moment == 0 ? "" : fmt::format(" at {},", rfc3339(moment));
  return fmt::format("{} was {}{} after event {} of {}\n", who, engine::name_of(state), at, after,
                     origin);
}

Result<BundleFiles> make_bundle(const Reader& reader, const BundleRequest& request) {
  const auto newest = newest_with_digest(reader, request.complete == Complete::Chain);
  if (!newest) return newest.error();
  const auto& checkpoint = newest->checkpoint;
  const std::uint64_t size = checkpoint.checkpoint.size;
  BundleFiles files;
  std::string manifest = fmt::format("format rollcall-bundle-1\norigin {}\nsize {}\n",
                                     checkpoint.checkpoint.origin, size);
  std::set<Seq> seqs(request.bodies.begin(), request.bodies.end());
  // The events that were asked for, and those whose bodies say who and what they are about.
  std::set<Seq> with_body(request.bodies.begin(), request.bodies.end());
  std::optional<engine::Presence> state_asked;
  Micros moment = 0;
  Seq asked_seq = 0;
  if (request.complete == Complete::Chain) {
    // The state before the digest pins the heads of both chains; what came later is not claimed.
    const Header& digest = *newest->digest;
    // A digest changes nobody's presence: the state after it is the one it names.
    const Seq covered = engine::digest_of(digest).covers;
    const bool by_time = request.asked_at != 0;
    const Seq asked = !by_time && request.asked_seq == digest.seq ? covered : request.asked_seq;
    if (asked > covered || (by_time && digest.at <= request.asked_at))
      return Error{Errc::Incomplete,
                   fmt::format("the moment asked about (seq {}) is not covered by a signed state "
                               "digest that is later (the newest is seq {}): sign a checkpoint "
                               "after it (`rollcall checkpoint sign`)",
                               request.asked_seq, digest.seq)};
    auto fold = state_at(reader, covered);
    if (!fold) return fold.error();
    if (request.user == 0 || request.user >= fold->state.users.size())
      return Error{Errc::NotFound, fmt::format("user #{} is not in the signed log", request.user)};
    const auto later = [&](Seq s) { return s > covered; };
    std::erase_if(seqs, later);
    std::erase_if(with_body, later);
    RC_TRY(walk_chain(reader, fold->state.users[request.user].last_seq, seqs));
    RC_TRY(walk_chain(reader, fold->state.users[0].last_seq, seqs));
    seqs.insert(digest.seq);
    std::set<std::uint32_t> pages{0, request.user / engine::kUsersPerPage};
    const auto proof = store::prove_pages(fold->state, {pages.begin(), pages.end()});
    std::string lines;
    for (const auto& hash : proof.proof) lines += store::hex(hash) + "\n";
    files["state.proof"] = lines;
    for (const auto& page : proof.pages)
      files[fmt::format("state/{}", page.number)] = std::string(store::as_text(page.bytes));
    const auto record = [&](UserNumber number) {
      const std::uint32_t page = number / engine::kUsersPerPage;
      const auto it = std::find_if(proof.pages.begin(), proof.pages.end(),
                                   [&](const auto& p) { return p.number == page; });
      return engine::find_user_record(it->bytes, page, number)->first;
    };
    manifest += fmt::format(
        "complete chain\nuser {}\ndigest {}\npages {}\npage {}\nrecord {}\nrecord0 {}\n",
        request.user, digest.seq, proof.count, request.user / engine::kUsersPerPage,
        record(request.user), record(0));
    if (asked != 0) {
      asked_seq = asked;
      manifest += fmt::format("asked {}\n", asked);
      if (by_time) {
        RC_TRY(check_moment(reader, asked, request.asked_at));
        moment = request.asked_at;
        manifest += fmt::format("moment {}\n", moment);
      }
      seqs.insert({asked, asked + 1});  // between them lies the moment
      auto then = state_at(reader, asked);
      if (!then) return then.error();
      const engine::User* user = then->state.find(request.user);
      state_asked = user == nullptr ? engine::Presence::Offline : user->state;
    }
  } else if (request.complete == Complete::Headers) {
    const Seq to = std::min(request.to, size);
    if (request.from == 0 || request.from > to)
      return Error{Errc::BadInput, "no event of the signed log is in that range"};
    for (Seq s = request.from; s <= to; ++s) seqs.insert(s);
    manifest += fmt::format("complete headers\nfrom {}\nto {}\n", request.from, to);
  } else {
    manifest += "complete none\n";
  }
  if (seqs.empty()) return Error{Errc::NotFound, "no event matches"};
  if (*seqs.rbegin() > size)
    return Error{
        Errc::Incomplete,
        fmt::format(
            "event {} is not signed yet (signed up to {}): `rollcall checkpoint sign` signs",
            *seqs.rbegin(), size)};

  const std::set<Seq> asked_for = with_body;
  const auto add_names = [&](const Header& h) -> Result<void> {
    const auto naming = naming_events(reader, h, NamesOf::Bundle);
    if (!naming) return naming.error();
    seqs.insert(naming->begin(), naming->end());
    with_body.insert(naming->begin(), naming->end());
    return {};
  };
  for (const Seq seq : asked_for) {
    const auto header = reader.log().header(seq);
    if (!header) return header.error();
    if (*header) RC_TRY(add_names(**header));
  }
  if (request.complete == Complete::Chain) {
    Header anyone;
    anyone.user = request.user;
    anyone.seq = size;
    RC_TRY(add_names(anyone));
  }
  std::string headers, readable;
  std::vector<std::uint64_t> indices;
  Proven proven;
  for (const Seq seq : seqs) {
    const auto leaf = reader.log().leaf(seq);
    if (!leaf) return leaf.error();
    if (!*leaf || (*leaf)->size() != store::kHeaderSize)
      return Error{Errc::Tampered, fmt::format("seq {}: the log has no such record", seq)};
    headers.append(store::as_text(**leaf));
    indices.push_back(seq - 1);
    const Header header = store::decode_header(**leaf);
    proven.add(header);
    if (!with_body.contains(seq)) continue;
    const EventView view = view_of(reader, header);
    if (view.body.state == store::BodyState::Open) {
      std::string image = body_image(view.body);
      RC_TRY(proven.add_body(seq, image));
      files[fmt::format("bodies/{}", seq)] = std::move(image);
    }
    if (asked_for.contains(seq)) readable += boost::json::serialize(to_json(view)) + "\n";
  }
  manifest += fmt::format("listed {}\n", asked_for.size());
  if (state_asked)
    files["answer.txt"] =
        answer_sentence(request.user, proven.user(request.user).text, *state_asked, asked_seq,
                        moment, checkpoint.checkpoint.origin);
  files["headers.bin"] = std::move(headers);
  files["events.ndjson"] = std::move(readable);
  const auto proof = store::merkle::multi_proof(indices, size, reader.log().nodes());
  if (!proof) return proof.error();
  std::string lines;
  for (const auto& hash : *proof) lines += store::hex(hash) + "\n";
  files["tree.proof"] = std::move(lines);
  if (asked_for.size() <= kReceiptsMax) {
    for (const Seq seq : asked_for) {
      const auto receipt = receipt_for(reader, seq, checkpoint);
      if (!receipt) return receipt.error();
      files[fmt::format("receipts/{}.tlog-proof", seq)] = store::render(*receipt);
    }
  }
  const auto keys = store::trusted_keys(reader.layout());
  const auto policy = store::store_policy(reader.layout());
  if (!keys) return keys.error();
  if (!policy) return policy.error();
  // The key that signed this very checkpoint: after a rotation it may not be the newest.
  const auto signer = std::find_if(keys->begin(), keys->end(), [&](const auto& key) {
    return std::any_of(checkpoint.note.signatures.begin(), checkpoint.note.signatures.end(),
                       [&](const auto& line) { return store::note::is_by(line, key); });
  });
  if (signer == keys->end())
    return Error{Errc::Tampered, "the newest checkpoint is not signed by a key of this log"};
  manifest += fmt::format("keyid {:08x}\n", signer->id());
  files["bundle"] = std::move(manifest);
  files["checkpoint"] = store::note::render(checkpoint.note);
  files["log.vkey"] = signer->vkey() + "\n";
  files["log.pem"] = pem_of(*signer);
  files["policy"] = store::render(*policy);
  files["README.txt"] = std::string(bundle_readme());
  files["verify.sh"] = std::string(bundle_script());
  return files;
}

}  // namespace rollcall::replay
