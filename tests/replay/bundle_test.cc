// Bundles: complete, checkable without us, and refused with any byte changed.
#include "replay/bundle.h"

#include "tests/support/stores.h"

#include <catch2/catch.hpp>

#include <algorithm>
#include <cstdlib>

using namespace rollcall;
using namespace rollcall::replay;
using test::Scratch;

namespace {

BundleFiles chain_of(const Reader& reader, UserNumber user, Seq asked = 0) {
  BundleRequest request;
  request.complete = Complete::Chain;
  request.user = user;
  request.asked_seq = asked;
  reader.log()
      .scan(1, reader.last(),
            [&](const Header& h, store::ByteView) {
              if (h.user == user) request.bodies.push_back(h.seq);
              return true;
            })
      .value();
  return make_bundle(reader, request).value();
}

int run_script(const std::filesystem::path& directory) {
  return std::system(("sh " + directory.string() + "/verify.sh > /dev/null 2>&1").c_str());
}

}  // namespace

TEST_CASE("a complete chain verifies and is replayed to the user's state", "[replay]") {
  const Scratch scratch;
  const auto layout = test::make_store(scratch.path() / "data", 1200, 51);
  const auto reader = Reader::open(layout).value();
  for (const UserNumber user : {1U, 7U, 20U}) {
    const Seq asked = 600;
    const auto files = chain_of(reader, user, asked);
    const auto report = verify_bundle(files, std::nullopt).value();
    const auto then = state_at(reader, asked).value();
    CHECK(report.state_asked == then.state.users.at(user).state);
    const auto path = scratch.path() / ("b" + std::to_string(user));
    write_bundle(files, path).value();
    CHECK(run_script(path) == 0);
    write_bundle(files, path.string() + ".tar").value();
    CHECK(read_bundle(path.string() + ".tar").value() == files);
    CHECK(read_bundle(path).value() == files);
  }
}

TEST_CASE("leaving out one event of a chain is found", "[replay]") {
  const Scratch scratch;
  const auto layout = test::make_store(scratch.path() / "data", 600, 52);
  const auto reader = Reader::open(layout).value();
  BundleRequest request;
  request.complete = Complete::Chain;
  request.user = 3;
  auto files = make_bundle(reader, request).value();
  // An exporter that hides an event makes a new proof for what is left: every header is still in
  // the tree.
  std::string& headers = files["headers.bin"];
  std::vector<std::uint64_t> indices;
  std::string kept;
  std::size_t of_user = 0;
  for (std::size_t i = 0; i < headers.size(); i += store::kHeaderSize) {
    const auto h = store::decode_header(
        store::as_bytes(std::string_view(headers).substr(i, store::kHeaderSize)));
    if (h.user == 3 && ++of_user == 5) continue;
    kept += headers.substr(i, store::kHeaderSize);
    indices.push_back(h.seq - 1);
  }
  headers = kept;
  const auto newest = store::newest_checkpoint(reader.log(), layout).value().newest.value();
  std::string proof;
  for (const auto& hash :
       store::merkle::multi_proof(indices, newest.checkpoint.size, reader.log().nodes()).value())
    proof += store::hex(hash) + "\n";
  files["tree.proof"] = proof;
  const auto refused = verify_bundle(files, std::nullopt);
  REQUIRE_FALSE(refused);
  CHECK(refused.error().detail.find("missing from the chain") != std::string::npos);
  write_bundle(files, scratch.path() / "hidden").value();
  CHECK(run_script(scratch.path() / "hidden") != 0);
}

TEST_CASE("a range of headers proves that none was skipped", "[replay]") {
  const Scratch scratch;
  const auto layout = test::make_store(scratch.path() / "data", 900, 53);
  const auto reader = Reader::open(layout).value();
  for (const auto& [from, to] : {std::pair<Seq, Seq>{1, 1},
                                 {1, 300},
                                 {255, 258},
                                 {500, 777},
                                 {reader.last() - 3, reader.last()}}) {
    BundleRequest request;
    request.complete = Complete::Headers;
    request.from = from;
    request.to = to;
    const auto files = make_bundle(reader, request).value();
    CHECK(verify_bundle(files, std::nullopt));
    const auto path = scratch.path() / ("r" + std::to_string(from) + "-" + std::to_string(to));
    write_bundle(files, path).value();
    CHECK(run_script(path) == 0);
  }
}

TEST_CASE("a bundle with any byte changed is refused by both verifiers, or says the same",
          "[replay][property]") {
  const std::uint64_t seed = test::test_seed();
  INFO("reproduce with ROLLCALL_SEED=" << seed);
  std::mt19937_64 rng{seed};
  const Scratch scratch;
  const auto layout = test::make_store(scratch.path() / "data", 400, 54);
  const auto reader = Reader::open(layout).value();
  const auto files = chain_of(reader, 4, 300);
  // Every file but the texts for people and the operator's wish, which are told as not signed.
  std::vector<std::string> evidence;
  for (const auto& [name, content] : files) {
    if (!content.empty() && name != "README.txt" && name != "verify.sh" && name != "policy")
      evidence.push_back(name);
  }
  SECTION("a byte") {
    for (int round = 0; round < test::rounds(90); ++round) {
      auto changed = files;
      // The few files that are read by people as often as all the others.
      static const std::array<std::string, 6> read{"events.ndjson", "bundle",     "log.pem",
                                                   "log.vkey",      "checkpoint", "answer.txt"};
      const std::string& name = round % 2 == 0 ? read[test::below(rng, read.size())]
                                               : evidence[test::below(rng, evidence.size())];
      std::string& content = changed[name];
      const std::size_t at = test::below(rng, content.size());
      content[at] = static_cast<char>(content[at] ^ (1 << test::below(rng, 8)));
      const auto report = verify_bundle(changed, std::nullopt);
      INFO(name << " byte " << at);
      // Only the letters' case of a hex digit says the same in other bytes.
      if (report) CHECK((name == "tree.proof" || name == "state.proof"));
      // The script leaves the texts of a line, receipts and places in a page to rollcall.
      const bool by_script = name == "headers.bin" || name == "checkpoint" || name == "log.vkey" ||
                             name == "answer.txt" || name.starts_with("bodies/") ||
                             name.starts_with("state/");
      if (round % 6 < 2 && by_script) {
        std::filesystem::remove_all(scratch.path() / "x");
        write_bundle(changed, scratch.path() / "x").value();
        CHECK(run_script(scratch.path() / "x") != 0);
      }
    }
  }
  SECTION("the script, too, refuses another number, time, kind, person, session or action") {
    const std::string line = files.at("events.ndjson");
    const auto refused = [&](const std::string& from, const std::string& to) {
      auto changed = files;
      const auto at = line.find(from);
      REQUIRE(at != std::string::npos);
      changed["events.ndjson"].replace(at, from.size(), to);
      INFO(from << " to " << to);
      CHECK_FALSE(verify_bundle(changed, std::nullopt));
      std::filesystem::remove_all(scratch.path() / "x");
      write_bundle(changed, scratch.path() / "x").value();
      CHECK(run_script(scratch.path() / "x") != 0);
    };
    refused("\"user\":\"user-", "\"user\":\"user-1");
    refused("\"user_number\":4", "\"user_number\":5");
    refused("\"action\":\"order.updated\"", "\"action\":\"order.deleted\"");
    refused("\"kind\":\"activity\"", "\"kind\":\"login\"");
    refused("\"at\":\"2023", "\"at\":\"2024");
    refused("\"seq\":", "\"seq\":1");
    refused("}\n", ",\"kind\":\"logout\"}\n");
    refused("}\n", ",\"\\u006bind\":\"logout\"}\n");
    refused(line.substr(0, line.find('\n') + 1), "");
  }
  SECTION("a file that no bundle has is refused by both") {
    auto changed = files;
    changed["NOTICE.txt"] = "user-4 was here all day\n";
    CHECK_FALSE(verify_bundle(changed, std::nullopt));
    write_bundle(changed, scratch.path() / "strange").value();
    CHECK(run_script(scratch.path() / "strange") != 0);
  }
  SECTION("what no signature covers is told") {
    auto changed = files;
    changed["README.txt"] += "and more\n";
    const auto report = verify_bundle(changed, std::nullopt).value();
    CHECK(std::any_of(report.lines.begin(), report.lines.end(),
                      [](const auto& l) { return l.starts_with("not signed README.txt"); }));
  }
  SECTION("a readable line that says something else is refused") {
    auto changed = files;
    const auto at = changed["events.ndjson"].find("\"description\":\"");
    REQUIRE(at != std::string::npos);
    changed["events.ndjson"][at + 16] ^= 1;
    CHECK_FALSE(verify_bundle(changed, std::nullopt));
  }
  SECTION("another log's key is refused") {
    store::PolicyFile policy;
    policy.logs.push_back({store::note::Signer{"rollcall.test/log", store::note::Algorithm::Ed25519,
                                               store::random_key()}
                               .verifier(),
                           ""});
    CHECK_FALSE(verify_bundle(files, policy));
  }
}
