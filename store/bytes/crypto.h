// The cryptographic primitives the store uses, over OpenSSL: SHA-256, HMAC, HKDF,
// XAES-256-GCM and Ed25519.
//
// Why this file exists: OpenSSL 3's one-shot calls fetch their algorithm each time and cost three
// times as much as a fetched one; here ciphers are fetched once and used in per-thread contexts.
#pragma once

#include "store/bytes/bytes.h"

#include <initializer_list>

namespace rollcall::store::inline bytes {

/// SHA-256 over the concatenated parts.
[[nodiscard]] Hash sha256(std::initializer_list<ByteView> parts);
[[nodiscard]] Hash hmac_sha256(ByteView key, std::initializer_list<ByteView> parts);
/// RFC 5869 with SHA-256, 32 bytes out.
[[nodiscard]] Key hkdf_sha256(ByteView secret, ByteView salt, ByteView info);

void random_bytes(std::span<std::uint8_t> out);
[[nodiscard]] Key random_key();
void wipe(std::span<std::uint8_t> secret);
[[nodiscard]] bool equal_constant_time(ByteView a, ByteView b);

/// XAES-256-GCM (C2SP v1.0.1): a 256-bit key, a 24-byte nonce that may be random for ever.
namespace xaes {
inline constexpr std::size_t kNonceSize = 24;
inline constexpr std::size_t kTagSize = 16;
inline constexpr std::size_t kOverhead = kNonceSize + kTagSize;

/// The key for one 12-byte nonce prefix; keep it (32 bytes) while the prefix repeats.
[[nodiscard]] Key derive(const Key& key, ByteView nonce_prefix);
/// nonce ‖ ciphertext ‖ tag, with the key derived from the nonce's first 12 bytes.
[[nodiscard]] Bytes seal_derived(const Key& derived, ByteView nonce, ByteView plain, ByteView aad);
[[nodiscard]] std::optional<Bytes> open_derived(const Key& derived, ByteView sealed, ByteView aad);
[[nodiscard]] Bytes seal(const Key& key, ByteView nonce, ByteView plain, ByteView aad);
/// Nothing if the tag does not fit: a wrong key, other AAD or a changed byte.
[[nodiscard]] std::optional<Bytes> open(const Key& key, ByteView sealed, ByteView aad);
/// The same for a key that was sealed.
[[nodiscard]] std::optional<Key> open_key(const Key& key, ByteView sealed, ByteView aad);
}  // namespace xaes

/// Ed25519 (RFC 8032) with raw 32-byte keys.
namespace ed25519 {
using Signature = std::array<std::uint8_t, 64>;
[[nodiscard]] Key public_key(const Key& seed);
[[nodiscard]] Signature sign(const Key& seed, ByteView message);
[[nodiscard]] bool verify(ByteView public_key, ByteView message, ByteView signature);
}  // namespace ed25519

}  // namespace rollcall::store::inline bytes
