// The tlog-witness protocol, answer by answer.
#include "store/tlog/witness.h"

#include "tests/support/stores.h"

#include <catch2/catch.hpp>

using namespace rollcall;
using namespace rollcall::store;
namespace merkle = store::merkle;
namespace note = note;
using test::Scratch;

namespace {

struct Site {
  note::Signer log{"log.example/a", note::Algorithm::Ed25519, store::random_key()};
  std::vector<Hash> leaves;
  Site() {
    for (std::uint64_t i = 0; i < 50; ++i) {
      store::Bytes b;
      store::put_be64(b, i);
      leaves.push_back(merkle::leaf_hash(b));
    }
  }
  merkle::NodeSource nodes() const { return merkle::nodes_of(leaves); }
  std::string checkpoint(std::uint64_t size) {
    note::Note made{
        note::render(note::Checkpoint{log.name, size, merkle::root(size, nodes()).value()}), {}};
    made.signatures.push_back(note::sign(made.text, log));
    return note::render(made);
  }
  std::string request(std::uint64_t old_size, std::uint64_t size) {
    return render_add_checkpoint(
        old_size, merkle::consistency_proof(old_size, size, nodes()).value(), checkpoint(size));
  }
};

}  // namespace

TEST_CASE("a witness cosigns what extends what it saw, and nothing else", "[store]") {
  const Scratch scratch;
  Site site;
  const note::Signer key{"witness.example/w", note::Algorithm::Cosignature, store::random_key()};
  Witness witness(scratch.path(), key, {site.log.verifier()});
  const auto first = witness.add_checkpoint(site.request(0, 10), 1000);
  REQUIRE(first.status == 200);
  const auto line =
      note::parse_signature_line(std::string_view(first.body).substr(0, first.body.size() - 1));
  REQUIRE(line);
  CHECK(note::verify(note::parse(site.checkpoint(10)).value().text, *line, key.verifier()));
  CHECK(note::cosigned_at(*line) == 1000);

  SECTION("an extension is cosigned") {
    CHECK(witness.add_checkpoint(site.request(10, 33), 1001).status == 200);
  }
  SECTION("the same size again is cosigned again") {
    CHECK(witness.add_checkpoint(site.request(10, 10), 1001).status == 200);
  }
  SECTION("another old size is told the stored one") {
    const auto reply = witness.add_checkpoint(site.request(5, 20), 1001);
    CHECK(reply.status == 409);
    CHECK(reply.type == "text/x.tlog.size");
    CHECK(reply.body == "10\n");
  }
  SECTION("an old size above the new one is a bad request") {
    CHECK(witness.add_checkpoint(render_add_checkpoint(12, {}, site.checkpoint(10)), 1001).status ==
          400);
  }
  SECTION("a fork is refused") {
    Site fork;
    fork.log = site.log;
    fork.leaves[3][0] ^= 1;
    CHECK(witness.add_checkpoint(fork.request(10, 20), 1001).status == 422);
    CHECK(witness.add_checkpoint(fork.request(10, 10), 1001).status == 422);
  }
  SECTION("an unknown log, a bad signature, rubbish") {
    Site stranger;
    stranger.log.name = "log.example/b";
    CHECK(witness.add_checkpoint(stranger.request(0, 5), 1001).status == 404);
    Site thief;  // the same name, another key
    CHECK(witness.add_checkpoint(thief.request(10, 20), 1001).status == 403);
    for (const std::string bad : {"", "old x\n\n", "old 1\nAAAA\n\n", "old 10\n\nno checkpoint\n"})
      CHECK(witness.add_checkpoint(bad, 1001).status == 400);
  }
  SECTION("what it cosigned survives a restart") {
    Witness again(scratch.path(), key, {site.log.verifier()});
    CHECK(again.add_checkpoint(site.request(0, 10), 1001).status == 409);
    const auto hash = store::hex(store::sha256({store::as_bytes("log.example/a")}));
    CHECK(again.last_checkpoint(hash).body.find("log.example/a\n10\n") == 0);
    CHECK(again.last_checkpoint("../../etc/passwd").status == 404);
  }
}
