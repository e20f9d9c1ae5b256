// Primitives against published answers.
#include "store/bytes/crypto.h"

#include <catch2/catch.hpp>

using namespace rollcall::store;

namespace {
Key filled(std::uint8_t byte) {
  Key key;
  key.fill(byte);
  return key;
}
}  // namespace

TEST_CASE("XAES-256-GCM gives the vectors of its specification", "[store]") {
  const ByteView nonce = as_bytes("ABCDEFGHIJKLMNOPQRSTUVWX");
  const ByteView text = as_bytes("XAES-256-GCM");
  const Bytes plain = xaes::seal(filled(1), nonce, text, {});
  CHECK(hex(ByteView(plain).subspan(24)) ==
        "ce546ef63c9cc60765923609b33a9a1974e96e52daf2fcf7075e2271");
  const Bytes with_aad = xaes::seal(filled(3), nonce, text, as_bytes("c2sp.org/XAES-256-GCM"));
  CHECK(hex(ByteView(with_aad).subspan(24)) ==
        "986ec1832593df5443a179437fd083bf3fdb41abd740a21f71eb769d");
  CHECK(as_text(*xaes::open(filled(3), with_aad, as_bytes("c2sp.org/XAES-256-GCM"))) ==
        "XAES-256-GCM");
}

TEST_CASE("a sealed text opens with nothing but its own key, AAD and bytes", "[store]") {
  std::array<std::uint8_t, 24> nonce{};
  const Bytes sealed = xaes::seal(filled(7), nonce, as_bytes("secret"), as_bytes("aad"));
  CHECK_FALSE(xaes::open(filled(8), sealed, as_bytes("aad")));
  CHECK_FALSE(xaes::open(filled(7), sealed, as_bytes("aae")));
  for (std::size_t i = 0; i < sealed.size(); ++i) {
    Bytes changed = sealed;
    changed[i] ^= 1;
    CHECK_FALSE(xaes::open(filled(7), changed, as_bytes("aad")));
  }
  CHECK_FALSE(xaes::open(filled(7), ByteView(sealed).first(39), as_bytes("aad")));
}

TEST_CASE("HMAC and HKDF give the answers of RFC 4231 and RFC 5869", "[store]") {
  const Bytes key(20, 0x0b);
  CHECK(hex(hmac_sha256(key, {as_bytes("Hi There")})) ==
        "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7");
  const Bytes long_key(131, 0xaa);
  CHECK(hex(hmac_sha256(long_key,
                        {as_bytes("Test Using Larger Than Block-Size Key - Hash Key First")})) ==
        "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54");
  // RFC 5869 test case 1: the first 32 of its 42 bytes.
  const Bytes ikm(22, 0x0b);
  CHECK(hex(hkdf_sha256(ikm, *from_hex("000102030405060708090a0b0c"),
                        *from_hex("f0f1f2f3f4f5f6f7f8f9"))) ==
        "3cb25f25faacd57a90434f64d0362f2a2d2d0a90cf1a5a4c5db02d56ecc4c5bf");
}

TEST_CASE("Ed25519 gives the first answer of RFC 8032", "[store]") {
  Key seed;
  const Bytes raw = *from_hex("9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60");
  std::copy(raw.begin(), raw.end(), seed.begin());
  CHECK(hex(ed25519::public_key(seed)) ==
        "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a");
  const auto signature = ed25519::sign(seed, {});
  CHECK(hex(signature).substr(0, 32) == "e5564300c360ac729086e2cc806e828a");
  CHECK(ed25519::verify(ed25519::public_key(seed), {}, signature));
  CHECK_FALSE(ed25519::verify(ed25519::public_key(seed), as_bytes("x"), signature));
}

TEST_CASE("base64 is strict", "[store]") {
  CHECK(base64(as_bytes("f")) == "Zg==");
  CHECK(as_text(*from_base64("Zm9vYg==")) == "foob");
  for (const char* bad : {"Zg", "Zg=", "Zg===", "Zh==", "Z g=", "Zg==\n", "=", "===="}) {
    INFO(bad);
    CHECK_FALSE(from_base64(bad));
  }
  CHECK(base64url(*from_hex("fbff")) == "-_8");
}
