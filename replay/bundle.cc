// Making bundles.
#include "replay/bundle.h"

#include "replay/receipt.h"
#include "store/state_digest.h"

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

std::string pem_of(const store::note::Verifier& key) {
  // SubjectPublicKeyInfo of Ed25519 (RFC 8410): a fixed prefix, then the raw key.
  store::Bytes der{0x30, 0x2a, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x03, 0x21, 0x00};
  der.insert(der.end(), key.public_key.begin(), key.public_key.end());
  return "-----BEGIN PUBLIC KEY-----\n" + store::base64(der) + "\n-----END PUBLIC KEY-----\n";
}

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
        if (h.kind != Kind::StateDigest || h.b != engine::kReducerVersion || h.a + 1 != h.seq)
          return true;
        out.digest = h;
        return false;
      }));
  if (!out.digest)
    return Error{Errc::Incomplete, "no signed state digest: `rollcall checkpoint sign` makes one"};
  return out;
}

}  // namespace

Result<BundleFiles> make_bundle(const Reader& reader, const BundleRequest& request) {
  const auto newest = newest_with_digest(reader, request.complete == Complete::Chain);
  if (!newest) return newest.error();
  const auto& checkpoint = newest->checkpoint;
  const std::uint64_t size = checkpoint.checkpoint.size;
  BundleFiles files;
  std::string manifest = fmt::format("format rollcall-bundle-1\norigin {}\nsize {}\n",
                                     checkpoint.checkpoint.origin, size);
  std::set<Seq> seqs(request.bodies.begin(), request.bodies.end());
  if (request.complete == Complete::Chain) {
    // The state before the digest pins the heads of both chains; what came later is not claimed.
    const Header& digest = *newest->digest;
    if (request.asked_seq > digest.a)
      return Error{Errc::Incomplete,
                   fmt::format("the moment asked about (seq {}) is not covered by a signed state "
                               "digest (seq {}): `rollcall checkpoint sign` makes one",
                               request.asked_seq, digest.a)};
    auto fold = state_at(reader, digest.a);
    if (!fold) return fold.error();
    if (request.user == 0 || request.user >= fold->state.users.size())
      return Error{Errc::NotFound, fmt::format("user #{} is not in the signed log", request.user)};
    std::erase_if(seqs, [&](Seq s) { return s > digest.a; });
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
    if (request.asked_seq != 0) manifest += fmt::format("asked {}\n", request.asked_seq);
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

  const std::set<Seq> with_body(request.bodies.begin(), request.bodies.end());
  std::string headers, readable;
  std::vector<std::uint64_t> indices;
  for (const Seq seq : seqs) {
    const auto leaf = reader.log().leaf(seq);
    if (!leaf) return leaf.error();
    if (!*leaf || (*leaf)->size() != store::kHeaderSize)
      return Error{Errc::Tampered, fmt::format("seq {}: the log has no such record", seq)};
    headers.append(store::as_text(**leaf));
    indices.push_back(seq - 1);
    EventView view;
    view.header = store::decode_header(**leaf);
    if (with_body.contains(seq)) {
      view = view_of(reader, view.header);
      if (view.body.state == store::BodyState::Open) {
        std::string image("rollcall/body/v1\0", 17);
        image.append(store::as_text(view.body.salt));
        image.append(store::as_text(view.body.plain));
        files[fmt::format("bodies/{}", seq)] = std::move(image);
      }
      readable += boost::json::serialize(to_json(view)) + "\n";
    }
  }
  files["headers.bin"] = std::move(headers);
  files["events.ndjson"] = std::move(readable);
  const auto proof = store::merkle::multi_proof(indices, size, reader.log().nodes());
  if (!proof) return proof.error();
  std::string lines;
  for (const auto& hash : *proof) lines += store::hex(hash) + "\n";
  files["tree.proof"] = std::move(lines);
  constexpr std::size_t kReceiptsMax = 256;
  if (with_body.size() <= kReceiptsMax) {
    for (const Seq seq : with_body) {
      if (seq > size) continue;
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
