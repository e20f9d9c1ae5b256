// Sealing and opening bodies: compress, encrypt under the user's key, commit to the plain text.
//
// Why this file exists: the digest in a header must commit to the plain body without revealing it,
// and nothing may open once the key is erased. digest = SHA-256("rollcall/body/v1\0" ‖ salt ‖
// plain), salt = HMAC-SHA-256(body key, "salt" ‖ nonce); sealed = nonce ‖ XAES-256-GCM(compressed
// plain) with AAD = "rollcall/body/v1" ‖ app ‖ user ‖ epoch ‖ kind.
#pragma once

#include "engine/event.h"
#include "store/log/codec.h"
#include "store/vault/vault.h"

#include <unordered_map>

namespace rollcall::store::inline vault {

/// The prefix of a digest's preimage.
inline constexpr std::string_view kBodyPrefix("rollcall/body/v1\0", 17);

/// A sealed body and the header fields that describe it.
struct Sealed {
  Bytes bytes;
  Hash digest{};
  std::uint32_t body_len = 0;
  std::uint32_t epoch = 0;
  std::uint16_t flags = 0;  ///< the dictionary's version, in place
};

/// Seals for one process: draws a random nonce prefix at its start and after every 2^20 bodies, and
/// counts in between. A nonce never repeats, and the derived key (32 bytes per user) can be kept.
class Sealer {
 public:
  Sealer(const Vault& vault, std::string app);
  [[nodiscard]] Result<Sealed> seal(UserNumber user, engine::Kind kind, const engine::Body& body);
  /// Forgets derived keys: of a user who is being erased, or all of them.
  void drop(UserNumber user) { keys_.erase(user); }
  void drop_all() { keys_.clear(); }

 private:
  struct Keys {
    std::uint32_t epoch = 0;
    Key body{};
    Key derived{};
  };
  const Vault& vault_;
  std::string app_;
  std::array<std::uint8_t, 12> prefix_{};
  std::uint64_t count_ = 0;
  std::unordered_map<UserNumber, Keys> keys_;
};

enum class BodyState {
  None,      ///< the event never had one
  Open,      ///< opened, and its digest fits
  Dropped,   ///< dropped by retention, or the message was removed
  Shredded,  ///< its key was destroyed
  Damaged,   ///< present with its key, but does not open, or its digest does not fit
};

struct OpenedBody {
  BodyState state = BodyState::None;
  Bytes plain;
  Hash salt{};
  engine::Body body;
};

[[nodiscard]] std::string_view name_of(BodyState state);
[[nodiscard]] Hash body_digest(const Hash& salt, ByteView plain);

/// Opens bodies, keeping the keys it derived.
class BodyOpener {
 public:
  enum class Decode { Yes, No };
  BodyOpener(const Vault& vault, std::string app) : vault_(vault), app_(std::move(app)) {}
  [[nodiscard]] OpenedBody open(const engine::Header& header, const std::optional<Bytes>& sealed,
                                Decode decode = Decode::Yes);
  [[nodiscard]] OpenedBody open(const engine::Header& header, ByteView sealed, Decode decode);

 private:
  struct Derived {
    std::array<std::uint8_t, 12> prefix{};
    Key key{};
  };
  struct Keys {
    std::optional<Key> body;
    std::vector<Derived> derived;  ///< few: a process draws a new prefix every 2^20 bodies
  };
  const Vault& vault_;
  std::string app_;
  std::unordered_map<std::uint64_t, Keys> keys_;  ///< user ‖ epoch
};

}  // namespace rollcall::store::inline vault
