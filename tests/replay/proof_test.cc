// What is shown as verified is what was signed: answers with their proofs, and who --proof bundles.
#include "replay/as_of.h"
#include "replay/bundle.h"
#include "replay/event_proof.h"
#include "replay/verify.h"
#include "store/bytes/files.h"
#include "store/bytes/printable.h"
#include "store/forget.h"
#include "store/open_store.h"
#include "store/retention.h"
#include "tests/support/stores.h"

#include <boost/json.hpp>
#include <catch2/catch.hpp>
#include <fmt/format.h>

#include <algorithm>
#include <cstdlib>

using namespace rollcall;
using namespace rollcall::replay;
using engine::Kind;
using test::Scratch;

namespace {

std::vector<store::note::Verifier> keys_of(const Reader& reader) {
  return store::trusted_keys(reader.layout()).value();
}

/// What `show SEQ --proof -o json` prints.
std::string answer(const Reader& reader, Seq seq) {
  const auto proof = prove_event(reader, seq).value();
  const auto leaf = reader.log().leaf(seq).value().value();
  return store::printable_json(
      boost::json::serialize(answer_of(view_of(reader, store::decode_header(leaf)), leaf, proof)));
}

Seq enrolment(const Reader& reader, UserNumber user) {
  Seq found = 0;
  reader.log()
      .scan(1, reader.last(),
            [&](const Header& h, store::ByteView) {
              if (h.kind == Kind::UserEnrolled && h.user == user) found = h.seq;
              return found == 0;
            })
      .value();
  return found;
}

Seq any_activity(const Reader& reader, Seq from) {
  Seq found = 0;
  reader.log()
      .scan(from, reader.last(),
            [&](const Header& h, store::ByteView) {
              if (h.kind == Kind::Activity) found = h.seq;
              return found == 0;
            })
      .value();
  return found;
}

int run_script(const std::filesystem::path& directory) {
  return std::system(
      ("sh " + directory.string() + "/verify.sh > " + directory.string() + ".out 2>&1").c_str());
}

/// A life with links, nodes that die, signs of life out of order, statuses, timers and signings.
store::Layout lived(const std::filesystem::path& directory, std::mt19937_64& rng, int events) {
  const auto layout = test::layout_in(directory);
  const auto writer = store::Writer::create(layout, "rollcall.test/lives").value();
  engine::Micros at = test::kStart;
  std::uint64_t node = writer->stage_restart(1, at);
  std::vector<std::pair<Seq, std::uint64_t>> links;
  for (int i = 0; i < events; ++i) {
    at += static_cast<engine::Micros>(test::below(rng, 120)) * test::kSecond;
    store::Proposal p;
    p.user = test::below(rng, 3) == 0 ? "bob \"the\\builder\" \xC3\xA9" : "ada";
    const auto number = writer->vault().number_of(p.user);
    const engine::User* user = number ? writer->state().find(*number) : nullptr;
    const bool open = user != nullptr && !user->sessions.empty();
    p.session = open ? user->sessions[test::below(rng, user->sessions.size())] : 0;
    switch (test::below(rng, 12)) {
      case 0:
      case 1:
        p.kind = Kind::Login;
        p.cause = engine::Cause::Login;
        p.session = 0;
        p.body.external_key = "s" + std::to_string(test::below(rng, 3));
        break;
      case 2:
        p.kind = Kind::Logout;
        p.cause = engine::Cause::Logout;
        if (test::below(rng, 3) == 0) p.session = 0;
        break;
      case 3:
      case 4:
        p.kind = Kind::Activity;
        p.action = test::below(rng, 2) == 0 ? "" : "order.paid";
        p.b = test::below(rng, 2) == 0 ? 0 : test::below(rng, 50);
        if (test::below(rng, 3) == 0) p.session = 0;
        break;
      case 5:
        p.kind = Kind::Inactivity;
        p.cause = engine::Cause::ClientHint;
        p.c = test::below(rng, 50);
        break;
      case 6:
      case 7:
        p.kind = Kind::LinkUp;
        p.cause = engine::Cause::Connect;
        p.a = static_cast<std::uint64_t>(i);
        p.b = node;
        links.emplace_back(p.session, p.a);
        break;
      case 8:
        if (links.empty()) continue;
        p.kind = Kind::LinkDown;
        p.cause = engine::Cause::Abort;
        p.session = links[test::below(rng, links.size())].first;
        p.a = links[test::below(rng, links.size())].second;
        p.b = node;
        break;
      case 9:
        p.kind = test::below(rng, 3) == 0 ? Kind::StatusCleared : Kind::StatusSet;
        p.flags = static_cast<std::uint16_t>(test::below(rng, 3));
        p.session = 0;
        break;
      case 10:
        if (test::below(rng, 3) == 0) node = writer->stage_restart(1, at);
        continue;
      default:
        writer->commit().value();
        writer->sign(at).value();
        continue;
    }
    writer->stage(p, at).value();
  }
  writer->commit().value();
  writer->sign(at).value();
  return layout;
}

}  // namespace

TEST_CASE("a name is signed with the enrolment, and goes with the person's key", "[replay]") {
  const Scratch scratch;
  const auto layout = test::make_store(scratch.path(), 400, 61);
  const std::string name = "user-7";
  UserNumber number = 0;
  Seq seq = 0;
  {
    const auto reader = Reader::open(layout).value();
    number = reader.find_user(name).value();
    seq = enrolment(reader, number);
    const auto header = reader.log().header(seq).value().value();
    CHECK(header.body_len > 0);
    CHECK(reader.open_body(header).body.name == name);
    const auto verdict = verify_answer(answer(reader, seq), keys_of(reader)).value();
    CHECK(verdict.proven.user(number).text == name);
  }
  VerifyOptions options;
  options.full = options.replay = true;
  CHECK(verify_store(layout, options).verdict() == Verdict::Verified);
  {
    const auto writer = store::open_store(layout).value();
    store::forget(*writer, store::plan_forget(*writer, number), {"asked", "", false},
                  writer->state().at)
        .value();
  }
  const auto report = verify_store(layout, options);
  INFO((report.findings.empty() ? "" : report.findings.front().text));
  CHECK(report.verdict() == Verdict::Verified);
  const auto reader = Reader::open(layout).value();
  CHECK(reader.open_body(reader.log().header(seq).value().value()).state ==
        store::BodyState::Shredded);
  const auto verdict = verify_answer(answer(reader, seq), keys_of(reader)).value();
  CHECK(verdict.proven.user(number).state == Proven::Name::State::Gone);
}

TEST_CASE("no rule of retention drops a name", "[replay]") {
  const Scratch scratch;
  const auto layout = test::make_store(scratch.path(), 100, 62);
  {
    const auto writer = store::open_store(layout).value();
    const auto at = writer->state().at;
    for (const auto kind : {Kind::UserEnrolled, Kind::ActionNamed, Kind::ChannelNamed})
      CHECK(store::set_retention(*writer, kind, 1, at).error().code == store::Errc::BadInput);
    store::Proposal rule;  // as an earlier version took it
    rule.kind = Kind::RetentionApplied;
    rule.a = static_cast<std::uint64_t>(Kind::UserEnrolled);
    rule.b = rule.c = 1;
    writer->write(rule, at).value();
    CHECK(store::plan_retention(writer->log(), writer->ledger(), at + 10 * test::kSecond)
              .value()
              .empty());
    // And where a body of a name is gone all the same, the rule is no excuse.
    rule.c = 0;
    rule.d = writer->log().last();
    writer->write(rule, at).value();
    writer->log().drop_bodies(std::array<Seq, 1>{1}).value();
    writer->sign(at).value();
  }
  VerifyOptions options;
  options.full = true;
  CHECK(verify_store(layout, options).verdict() == Verdict::Tampered);
}

TEST_CASE("an answer with any letter changed does not verify", "[replay][property]") {
  const std::uint64_t seed = test::test_seed();
  INFO("reproduce with ROLLCALL_SEED=" << seed);
  std::mt19937_64 rng{seed};
  const Scratch scratch;
  const auto layout = test::make_store(scratch.path(), 300, 63);
  const auto reader = Reader::open(layout).value();
  const auto keys = keys_of(reader);
  for (int round = 0; round < 12; ++round) {
    const Seq seq = 1 + test::below(rng, reader.last());
    const std::string good = answer(reader, seq);
    REQUIRE(verify_answer(good, keys));
    REQUIRE(verify_answer(good + "\n", keys));
    for (int i = 0; i < test::rounds(40); ++i) {
      std::string bad = good;
      // The words of the answer more often than its long proof.
      const std::size_t at = test::below(rng, i % 2 == 0 ? bad.find("\"proof\"") : bad.size());
      bad[at] = static_cast<char>(bad[at] ^ (1 << test::below(rng, 7)));
      INFO("event " << seq << ", byte " << at << ": " << bad);
      CHECK_FALSE(verify_answer(bad, keys));
    }
  }
}

TEST_CASE("an answer about somebody else, of another action or with more in it fails", "[replay]") {
  const Scratch scratch;
  const auto layout = test::make_store(scratch.path(), 300, 64);
  const auto reader = Reader::open(layout).value();
  const auto keys = keys_of(reader);
  const Seq seq = any_activity(reader, 100);
  const auto value = boost::json::parse(answer(reader, seq)).as_object();
  const auto refused = [&](const char* key, boost::json::value told) {
    auto changed = value;
    changed[key] = std::move(told);
    return !verify_answer(boost::json::serialize(changed), keys);
  };
  CHECK(refused("user", "mallory"));
  CHECK(refused("action", "order.stolen"));
  CHECK(refused("description", "another text"));
  CHECK(refused("kind", "login"));
  CHECK(refused("at", "2020-01-01T00:00:00.000000Z"));
  CHECK(refused("user_number", 9999));
  CHECK(refused("reason", "never given"));
  // Another event's proof, whole in itself, proves nothing of this one.
  auto changed = value;
  changed["proof"] = boost::json::parse(answer(reader, any_activity(reader, seq + 1))).at("proof");
  CHECK_FALSE(verify_answer(boost::json::serialize(changed), keys));
  // Without the events that give the names, the names are not proven.
  auto nameless = value;
  nameless["proof"].as_object()["names"] = boost::json::array{};
  CHECK_FALSE(verify_answer(boost::json::serialize(nameless), keys));
}

TEST_CASE("who, state and moment are stated in words that both verifiers check",
          "[replay][property]") {
  const std::uint64_t seed = test::test_seed();
  INFO("reproduce with ROLLCALL_SEED=" << seed);
  std::mt19937_64 rng{seed};
  for (int round = 0; round < test::rounds(2); ++round) {
    const Scratch scratch;
    const auto layout = lived(scratch.path() / "data", rng, 120);
    const auto reader = Reader::open(layout).value();
    for (int i = 0; i < 4; ++i) {
      BundleRequest request;
      request.complete = Complete::Chain;
      request.user = static_cast<UserNumber>(1 + test::below(rng, 2));
      request.asked_seq = 1 + test::below(rng, reader.last() - 1);
      const auto last_at = reader.log().header(reader.last()).value()->at;
      if (i % 2 == 0) {  // by time: an event's own, or just before it
        request.asked_at =
            reader.log().header(request.asked_seq).value()->at - static_cast<Micros>(i / 2);
        const auto moment = as_of(reader, request.asked_at, last_at, Watched::ToItsEnd).value();
        if (moment.known == Known::BeforeBegin) continue;
        request.asked_seq = moment.seq;
      }
      const auto made = make_bundle(reader, request);
      if (request.asked_at == last_at) {  // no later digest pins what came by then
        CHECK(made.error().code == store::Errc::Incomplete);
        continue;
      }
      const auto& files = made.value();
      const auto report = verify_bundle(files, std::nullopt);
      INFO("user " << request.user << " after " << request.asked_seq << ": "
                   << (report ? "" : report.error().detail));
      REQUIRE(report);
      const auto fold = state_at(reader, request.asked_seq).value();
      const auto* user = fold.state.find(request.user);
      const auto state = user == nullptr ? engine::Presence::Offline : user->state;
      const std::string& words = files.at("answer.txt");
      CHECK(words.find(reader.user_text(request.user) + " (user #") == 0);
      CHECK(words.find(" was " + std::string(engine::name_of(state)) +
                       (request.asked_at != 0 ? " at " : " after event ")) != std::string::npos);
      if (request.asked_at != 0)
        for (const Micros other : {request.asked_at - 1'000'000'000, last_at, last_at + 1}) {
          auto moved = files;
          std::string& facts = moved["bundle"];
          const auto from = facts.find("moment ");
          facts.replace(from, facts.find('\n', from) - from, fmt::format("moment {}", other));
          moved["answer.txt"] = answer_sentence(
              request.user, reader.user_text(request.user), state, request.asked_seq, other,
              facts.substr(facts.find("origin ") + 7,
                           facts.find('\n', facts.find("origin ")) - facts.find("origin ") - 7));
          const auto refused = verify_bundle(moved, std::nullopt);
          REQUIRE_FALSE(refused);
          CHECK(refused.error().detail.find("moment") != std::string::npos);
          const auto bad = scratch.path() / "moved";
          std::filesystem::remove_all(bad);
          write_bundle(moved, bad).value();
          CHECK(run_script(bad) != 0);
        }
      const auto path = scratch.path() / ("b" + std::to_string(i));
      write_bundle(files, path).value();
      const int code = run_script(path);
      INFO(test::slurp(path.string() + ".out"));
      REQUIRE(code == 0);
      CHECK(test::slurp(path.string() + ".out").find("answer     " + words) != std::string::npos);
      if (i != 0) continue;
      for (const auto& [from, to] :
           {std::pair<std::string, std::string>{std::string(engine::name_of(state)), "busy"},
            {"#", "#1"},
            {"ada", "eve"},
            {"bob", "rob"},
            {" at 2023", " at 2024"},
            {"after event ", "after event 1"}}) {
        const auto at = words.find(from);
        if (at == std::string::npos) continue;
        auto changed = files;
        changed["answer.txt"].replace(at, from.size(), to);
        INFO(changed["answer.txt"]);
        CHECK_FALSE(verify_bundle(changed, std::nullopt));
        const auto bad = scratch.path() / "bad";
        std::filesystem::remove_all(bad);
        write_bundle(changed, bad).value();
        CHECK(run_script(bad) != 0);
      }
    }
  }
}

TEST_CASE("a name that an earlier version enrolled is told as not signed, a new one beside it is",
          "[replay][golden]") {
  const Scratch scratch;
  test::copy_tree(std::filesystem::path(ROLLCALL_SOURCE_DIR) / "tests/golden/0.5.1/apps",
                  scratch.path() / "apps");
  const auto layout = store::locate(scratch.path(), "main").value();
  Seq old_login = 0, new_login = 0;
  UserNumber old_user = 0;
  {
    const auto writer = store::open_store(layout).value();
    store::Proposal login;
    login.kind = Kind::Login;
    login.cause = engine::Cause::Login;
    login.user = "today";
    login.body.address = "10.0.0.1";
    new_login = writer->write(login, writer->state().at).value().seq;
    const auto reader_of = [&](Seq seq) { return writer->log().header(seq).value().value(); };
    for (Seq seq = 1; seq < new_login && old_login == 0; ++seq) {
      const Header h = reader_of(seq);
      if (h.kind == Kind::Login && !writer->vault().erased(h.user)) {
        old_login = seq;
        old_user = h.user;
      }
    }
    writer->sign(writer->state().at).value();
  }
  const auto reader = Reader::open(layout).value();
  const auto keys = keys_of(reader);
  const auto before = verify_answer(answer(reader, old_login), keys).value();
  CHECK(before.proven.not_covered().contains("the name of user #" + std::to_string(old_user)));
  const auto now = verify_answer(answer(reader, new_login), keys).value();
  CHECK(now.proven.not_covered().empty());
  std::string renamed = answer(reader, new_login);
  renamed.replace(renamed.find("today"), 5, "after");
  CHECK_FALSE(verify_answer(renamed, keys));

  BundleRequest request;
  request.complete = Complete::Chain;
  request.user = old_user;
  request.bodies = {old_login};
  request.asked_seq = old_login;
  const auto files = make_bundle(reader, request).value();
  const auto report = verify_bundle(files, std::nullopt).value();
  CHECK(files.at("answer.txt").starts_with("user #" + std::to_string(old_user) + " was "));
  CHECK(std::find(report.lines.begin(), report.lines.end(),
                  "not signed the name of user #" + std::to_string(old_user)) !=
        report.lines.end());
  write_bundle(files, scratch.path() / "b").value();
  CHECK(run_script(scratch.path() / "b") == 0);
}
