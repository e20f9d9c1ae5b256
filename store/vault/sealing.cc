// Bodies: sealing, opening, and the digest that binds them.
#include "store/vault/sealing.h"

#include <algorithm>
#include <cstring>

namespace rollcall::store::inline vault {
namespace {

constexpr std::string_view kContext = "rollcall/body/v1";
constexpr std::uint64_t kBodiesPerPrefix = std::uint64_t{1} << 20;

Bytes body_aad(std::string_view app, UserNumber user, std::uint32_t epoch, engine::Kind kind) {
  Bytes out(kContext.begin(), kContext.end());
  put_be32(out, static_cast<std::uint32_t>(app.size()));
  out.insert(out.end(), app.begin(), app.end());
  put_be32(out, user);
  put_be32(out, epoch);
  out.push_back(static_cast<std::uint8_t>(kind));
  return out;
}

Hash salt_of(const Key& body_key, ByteView nonce) {
  return hmac_sha256(body_key, {as_bytes("salt"), nonce});
}

}  // namespace

std::string_view name_of(BodyState state) {
  switch (state) {
    case BodyState::None:
      return "none";
    case BodyState::Open:
      return "open";
    case BodyState::Dropped:
      return "dropped";
    case BodyState::Shredded:
      return "shredded";
    case BodyState::Damaged:
      return "damaged";
  }
  return "unknown";
}

Hash body_digest(const Hash& salt, ByteView plain) {
  return sha256({as_bytes(kBodyPrefix), salt, plain});
}

Sealer::Sealer(const Vault& vault, std::string app) : vault_(vault), app_(std::move(app)) {
  random_bytes(prefix_);
}

Result<Sealed> Sealer::seal(UserNumber user, engine::Kind kind, const engine::Body& body) {
  const auto plain = encode_body(body);
  if (!plain) return plain.error();
  if (count_ == kBodiesPerPrefix) {
    random_bytes(prefix_);
    count_ = 0;
    keys_.clear();
  }
  Keys& keys = keys_[user];
  if (keys.epoch != vault_.epoch()) {
    const auto key = vault_.body_key(user, vault_.epoch());
    if (!key) {
      keys_.erase(user);
      return Error{Errc::NotPermitted, "the vault has no key for this user"};
    }
    keys = {vault_.epoch(), *key, xaes::derive(*key, prefix_)};
  }
  std::array<std::uint8_t, xaes::kNonceSize> nonce{};
  std::copy(prefix_.begin(), prefix_.end(), nonce.begin());
  const std::uint64_t number = ++count_;
  for (std::size_t i = 0; i < 8; ++i)
    nonce[16 + i] = static_cast<std::uint8_t>(number >> (56 - 8 * i));
  Sealed out;
  out.epoch = keys.epoch;
  out.body_len = static_cast<std::uint32_t>(plain->size());
  out.flags = static_cast<std::uint16_t>(kDictionaryVersion << engine::flag::kDictionaryShift);
  out.digest = body_digest(salt_of(keys.body, nonce), *plain);
  out.bytes = xaes::seal_derived(keys.derived, nonce, compress_body(*plain),
                                 body_aad(app_, user, keys.epoch, kind));
  return out;
}

OpenedBody BodyOpener::open(const engine::Header& header, const std::optional<Bytes>& sealed,
                            Decode decode) {
  if (header.body_len == 0) return {};
  if (!sealed) {
    OpenedBody out;
    out.state = vault_.user_key(header.user) ? BodyState::Dropped : BodyState::Shredded;
    return out;
  }
  return open(header, ByteView(*sealed), decode);
}

OpenedBody BodyOpener::open(const engine::Header& header, ByteView sealed, Decode decode) {
  OpenedBody out;
  const std::uint64_t id = (static_cast<std::uint64_t>(header.user) << 32) | header.epoch;
  auto it = keys_.find(id);
  if (it == keys_.end())
    it = keys_.emplace(id, Keys{vault_.body_key(header.user, header.epoch), {}}).first;
  Keys& keys = it->second;
  if (!keys.body) {
    out.state = BodyState::Shredded;
    return out;
  }
  out.state = BodyState::Damaged;
  if (sealed.size() < xaes::kOverhead) return out;
  const auto known = std::find_if(keys.derived.begin(), keys.derived.end(), [&](const Derived& d) {
    return std::equal(d.prefix.begin(), d.prefix.end(), sealed.begin());
  });
  const Derived* derived = nullptr;
  if (known != keys.derived.end()) {
    derived = &*known;
  } else {
    if (keys.derived.size() >= 8) keys.derived.clear();
    Derived fresh;
    std::copy_n(sealed.begin(), fresh.prefix.size(), fresh.prefix.begin());
    fresh.key = xaes::derive(*keys.body, sealed.first(12));
    keys.derived.push_back(fresh);
    derived = &keys.derived.back();
  }
  const auto compressed = xaes::open_derived(
      derived->key, sealed, body_aad(app_, header.user, header.epoch, header.kind));
  if (!compressed) return out;
  auto plain = decompress_body(
      *compressed, static_cast<std::uint16_t>(header.flags >> engine::flag::kDictionaryShift),
      header.body_len);
  if (!plain) return out;
  out.salt = salt_of(*keys.body, sealed.first(xaes::kNonceSize));
  if (body_digest(out.salt, *plain) != header.digest) return out;
  if (decode == Decode::Yes) {
    auto body = decode_body(*plain);
    if (!body) return out;
    out.body = std::move(*body);
  }
  out.plain = std::move(*plain);
  out.state = BodyState::Open;
  return out;
}

}  // namespace rollcall::store::inline vault
