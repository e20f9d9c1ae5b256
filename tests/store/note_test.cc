// Signed notes, checkpoints, cosignatures, receipts and policies against known answers.
#include "store/tlog/note.h"

#include "store/log/tiles.h"
#include "store/tlog/merkle.h"
#include "store/tlog/policy.h"
#include "store/tlog/tlog_proof.h"
#include "tests/support/scratch.h"

#include <boost/json.hpp>
#include <catch2/catch.hpp>

using namespace rollcall::store;

namespace {

// Seeds 00…1f and 20…3f; 700 entries: the known answer of docs/proof.md.
const std::string kCheckpoint =
    "rollcall.example/log1\n700\ns7M93gfaaLoE+fqL78UAP5hLnmB7TLCqkp3PisumGeI=\n\n"
    "\xE2\x80\x94 rollcall.example/log1 "
    "QrAmCeY8/FTefz29/HLiTpaa2i0U6auUbhIQFnt4vdEpvzEBkWUM7XyGDhhKYz8xN0NciFmDgBUEuYm+BlOQ29aMiQ8=\n"
    "\xE2\x80\x94 witness.example/w1 "
    "IDJKvgAAAABpVbkAUYbplYteBLfQ5p8dFqznY0NuQ73P2I5u+"
    "wq9vbuP2wlDdsPKDR1NGOu3bWhX18EgbgctE8ErdYWgxTPq+uKxDQ==\n";
const std::string kLogKey =
    "rollcall.example/log1+42b02609+AQOhB7/zzhC+HXDdGOdLwJln5NYwm6UNXx3chmQSVTG4";
const std::string kWitnessKey =
    "witness.example/w1+20324abe+BCmsuuFBvMrwsi4alNNNC8c2HlJtC/4SyJeUvJMilm3X";

Key seed_from(std::uint8_t first) {
  Key seed;
  for (std::size_t i = 0; i < 32; ++i) seed[i] = static_cast<std::uint8_t>(first + i);
  return seed;
}

std::string entry(int i) {
  const char* events[] = {"login", "activity", "logout"};
  return "{\"i\":" + std::to_string(i) + ",\"u\":\"user-" + std::to_string(i % 37) + "\",\"e\":\"" +
         events[i % 3] + "\"}";
}

}  // namespace

TEST_CASE("a checkpoint is signed byte for byte as the known answer", "[store]") {
  merkle::CompactRange range;
  for (int i = 0; i < 700; ++i) {
    if (i == 300) CHECK(base64(range.root()) == "Hc/ddOVim/7CPn/dA34/bzvLZAulEhNp8K6GXDikQjQ=");
    range.append(merkle::leaf_hash(as_bytes(entry(i))));
  }
  const note::Signer log{"rollcall.example/log1", note::Algorithm::Ed25519, seed_from(0x00)};
  const note::Signer witness{"witness.example/w1", note::Algorithm::Cosignature, seed_from(0x20)};
  CHECK(log.verifier().vkey() == kLogKey);
  CHECK(witness.verifier().vkey() == kWitnessKey);
  CHECK(log.skey() ==
        "PRIVATE+KEY+rollcall.example/log1+42b02609+AQABAgMEBQYHCAkKCwwNDg8QERITFBUWFxgZGhscHR4f");
  CHECK(note::Signer::parse(log.skey()).value().seed == log.seed);
  note::Note made{note::render(note::Checkpoint{"rollcall.example/log1", 700, range.root()}), {}};
  made.signatures.push_back(note::sign(made.text, log));
  made.signatures.push_back(note::sign(
      made.text, witness, note::cosigned_at(note::parse(kCheckpoint).value().signatures[1])));
  CHECK(note::render(made) == kCheckpoint);
}

TEST_CASE("a known key's bad signature refuses a note, an unknown key's is ignored", "[store]") {
  const auto parsed = note::parse(kCheckpoint).value();
  const auto log = note::Verifier::parse(kLogKey).value();
  const auto witness = note::Verifier::parse(kWitnessKey).value();
  CHECK(note::open(parsed, std::array{log, witness}));
  CHECK(note::open(parsed, std::array{witness}));
  auto changed = parsed;
  changed.text[0] = 'R';
  CHECK_FALSE(note::open(changed, std::array{log}));
  auto bad_witness = parsed;
  bad_witness.signatures[1].blob[20] ^= 1;
  CHECK_FALSE(note::open(bad_witness, std::array{log, witness}));
  CHECK(note::open(bad_witness, std::array{log}));
  CHECK_FALSE(note::open(parsed, std::span<const note::Verifier>{}));
}

TEST_CASE("every byte of a checkpoint matters", "[store]") {
  const auto log = note::Verifier::parse(kLogKey).value();
  const auto witness = note::Verifier::parse(kWitnessKey).value();
  const auto accepted = [&](const std::string& text) {
    const auto parsed = note::parse(text);
    return parsed && note::open(*parsed, std::array{log, witness}) &&
           parsed->signatures.size() == 2 && note::is_by(parsed->signatures[0], log) &&
           note::is_by(parsed->signatures[1], witness);
  };
  REQUIRE(accepted(kCheckpoint));
  for (std::size_t i = 0; i < kCheckpoint.size(); ++i) {
    std::string changed = kCheckpoint;
    changed[i] ^= 0x01;
    INFO("byte " << i);
    CHECK_FALSE(accepted(changed));
    std::string dropped = kCheckpoint;
    dropped.erase(i, 1);
    CHECK_FALSE(accepted(dropped));
  }
}

TEST_CASE("malformed notes and keys are refused with a sentence", "[store]") {
  for (const std::string bad :
       {"", "\n\n", "no signature\n", "a\n\n\xE2\x80\x94 n AAAAAAA=", "a\n\n- n AAAAAAAA\n",
        "a\x01\n\n\xE2\x80\x94 n AAAAAAAA\n", "\xff\n\n\xE2\x80\x94 n AAAAAAAA\n"}) {
    INFO(bad);
    CHECK_FALSE(note::parse(bad));
  }
  for (const std::string bad :
       {"", "a+b+c", "rollcall.example/log1+42b02608+AQOhB7/zzhC+HXDdGOdLwJln5NYwm6UNXx3chmQSVTG4",
        "a b+42b02609+AQOhB7/zzhC+HXDdGOdLwJln5NYwm6UNXx3chmQSVTG4"}) {
    CHECK_FALSE(note::Verifier::parse(bad));
  }
  for (const std::string bad :
       {"o\n01\nAAAA\n", "o\n1\nAAAA\n", "\n1\ns7M93gfaaLoE+fqL78UAP5hLnmB7TLCqkp3PisumGeI=\n",
        "o\n-1\ns7M93gfaaLoE+fqL78UAP5hLnmB7TLCqkp3PisumGeI=\n"}) {
    CHECK_FALSE(note::parse_checkpoint(bad));
  }
  // One spelling: the same key with capital hex digits is other bytes.
  std::string capital = kLogKey;
  const auto letter = capital.find('b', capital.find('+'));
  capital[letter] = 'B';
  CHECK(note::Verifier::parse(kLogKey));
  CHECK_FALSE(note::Verifier::parse(capital));
}

TEST_CASE("a receipt of the 700-entry log verifies, and no damaged one", "[store]") {
  merkle::CompactRange range;
  std::vector<Hash> leaves;
  for (int i = 0; i < 700; ++i) leaves.push_back(merkle::leaf_hash(as_bytes(entry(i))));
  const TlogProof proof{412,
                        {},
                        merkle::inclusion_proof(412, 700, merkle::nodes_of(leaves)).value(),
                        note::parse(kCheckpoint).value()};
  const std::string text = render(proof);
  const std::array keys{note::Verifier::parse(kLogKey).value()};
  REQUIRE(verify_tlog_proof(parse_tlog_proof(text).value(), as_bytes(entry(412)), keys));
  CHECK_FALSE(verify_tlog_proof(proof, as_bytes(entry(413)), keys));
  const std::size_t end_of_path = text.find("\n\n");
  for (std::size_t i = 0; i < end_of_path; ++i) {
    std::string changed = text;
    changed[i] ^= 0x01;
    const auto parsed = parse_tlog_proof(changed);
    INFO("byte " << i);
    CHECK_FALSE((parsed && verify_tlog_proof(*parsed, as_bytes(entry(412)), keys)));
  }
  if (const auto file = rollcall::test::test_data("tlog/event-412.tlog-proof")) {
    CHECK(rollcall::test::slurp(*file) == text);
  } else {
    WARN("skipped: no tlog/event-412.tlog-proof in the test data");
  }
}

TEST_CASE("every value of the known log's list is reproduced", "[store]") {
  const auto file = rollcall::test::test_data("tlog/v.json");
  if (!file) {
    WARN("skipped: no tlog/v.json in the test data");
    return;
  }
  const auto known = boost::json::parse(rollcall::test::slurp(*file)).as_object();
  std::vector<Hash> leaves;
  for (int i = 0; i < 700; ++i) leaves.push_back(merkle::leaf_hash(as_bytes(entry(i))));
  const auto list = [](const boost::json::value& v) {
    std::vector<std::string> out;
    for (const auto& x : v.as_array()) out.emplace_back(x.as_string());
    return out;
  };
  const auto texts = [](const std::vector<Hash>& proof) {
    std::vector<std::string> out;
    for (const auto& h : proof) out.push_back(base64(h));
    return out;
  };
  const merkle::NodeSource nodes = merkle::nodes_of(leaves);
  CHECK(base64(merkle::root(700, nodes).value()) == known.at("root").as_string());
  CHECK(base64(merkle::root(300, nodes).value()) == known.at("oldroot").as_string());
  CHECK(base64(leaves[412]) == known.at("leaf").as_string());
  CHECK(base64(as_bytes(entry(412))) == known.at("entry").as_string());
  CHECK(texts(merkle::inclusion_proof(412, 700, nodes).value()) == list(known.at("incl")));
  CHECK(texts(merkle::consistency_proof(300, 700, nodes).value()) == list(known.at("cons")));
  CHECK(hex(note::Verifier::parse(std::string(known.at("vkey").as_string())).value().public_key) ==
        known.at("pub").as_string());
}

TEST_CASE("tile paths are those of the specification", "[store]") {
  CHECK(tile_path(0, 1234067, 256) == "tile/0/x001/x234/067");
  CHECK(tile_path(0, 273, 112) == "tile/0/273.p/112");
  CHECK(tile_path(2, 0, 1) == "tile/2/000.p/1");
  CHECK(tile_path(-1, 5, 256) == "tile/entries/005");
}

TEST_CASE("a policy's quorum is judged by good cosignatures alone", "[store]") {
  const std::string base =
      "# trust\nlog " + kLogKey + "\nwitness w1 " + kWitnessKey + " http://127.0.0.1:1\n";
  const auto checkpoint = note::parse(kCheckpoint).value();
  CHECK(parse_policy_file(base + "quorum w1\n").value().judge(checkpoint).met);
  const note::Signer other{"witness.example/w2", note::Algorithm::Cosignature, seed_from(0x40)};
  const std::string two = base + "witness w2 " + other.verifier().vkey() + "\n";
  CHECK(parse_policy_file(two + "group g any w1 w2\nquorum g\n").value().judge(checkpoint).met);
  CHECK_FALSE(
      parse_policy_file(two + "group g all w1 w2\nquorum g\n").value().judge(checkpoint).met);
  CHECK_FALSE(parse_policy_file(two + "group g 2 w1 w2\nquorum g\n").value().judge(checkpoint).met);
  CHECK(parse_policy_file(render(parse_policy_file(two + "group g 2 w1 w2\nquorum g\n").value()))
            .value()
            .groups.at("g")
            .needed == 2);
  for (const std::string bad :
       {"", "quorum w9\n", "quorum none\nquorum none\n", "log x\nquorum none\n",
        "group g 3 a\nquorum g\n", "witness none x\nquorum none\n"}) {
    INFO(bad);
    CHECK_FALSE(parse_policy_file(bad));
  }
}
