// The command line as an auditor and an operator use it.
#include "store/bytes/files.h"
#include "store/tlog/note.h"
#include "tests/support/process.h"
#include "tests/support/stores.h"

#include <catch2/catch.hpp>

#include <csignal>
#include <fstream>

using namespace rollcall;
using test::run_rollcall;
using test::Scratch;

namespace {
bool holds(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}
}  // namespace

TEST_CASE("an auditor's day: who, audit, proof, verify", "[cli]") {
  const Scratch scratch;
  const auto& dir = scratch.path();
  REQUIRE(run_rollcall(dir, {"login", "ada", "--address", "10.1.0.7"}).code == 0);
  REQUIRE(run_rollcall(dir, {"activity", "ada", "--action", "order.updated", "--target-type",
                             "order", "--target-id", "7", "--changes",
                             R"({"attributes":{"state":"paid"},"old":{"state":"open"}})", "--batch",
                             "req-9"})
              .code == 0);
  CHECK(holds(run_rollcall(dir, {"who"}).out, "ada"));
  const auto audit = run_rollcall(dir, {"audit", "-u", "ada"});
  CHECK(holds(audit.out, "batch req-9"));
  CHECK(holds(audit.out, "state: open \xE2\x86\x92 paid"));
  CHECK(run_rollcall(dir, {"audit", "-u", "ada", "-e", "logout", "--fail-empty"}).code == 4);
  CHECK(run_rollcall(dir, {"verify"}).code == 21);  // nothing was signed yet
  REQUIRE(run_rollcall(dir, {"checkpoint", "sign"}).code == 0);
  CHECK(run_rollcall(dir, {"verify", "--full", "--replay"}).code == 0);
  const auto shown = run_rollcall(dir, {"checkpoint", "show"});
  CHECK(store::note::render(store::note::parse(shown.out).value()) == shown.out);
  const auto key = run_rollcall(dir, {"key", "show"});
  CHECK(store::note::Verifier::parse(std::string_view(key.out).substr(0, key.out.size() - 1)));
  REQUIRE(run_rollcall(dir, {"proof", "2", "-O", "two.tlog-proof"}).code == 0);
  CHECK(run_rollcall(dir, {"verify", "proof", "two.tlog-proof"}).code == 0);
  std::string receipt = test::slurp(dir / "two.tlog-proof");
  receipt[receipt.find("index") + 6] = '3';
  std::ofstream(dir / "bad.tlog-proof") << receipt;
  CHECK(run_rollcall(dir, {"verify", "proof", "bad.tlog-proof"}).code == 20);
  CHECK(run_rollcall(dir, {"proof", "999"}).code == 1);
  store::replace_file(dir / "old.txt", shown.out).value();
  REQUIRE(run_rollcall(dir, {"logout", "ada"}).code == 0);
  REQUIRE(run_rollcall(dir, {"checkpoint", "sign"}).code == 0);
  store::replace_file(dir / "new.txt", run_rollcall(dir, {"checkpoint", "show"}).out).value();
  CHECK(run_rollcall(dir, {"verify", "between", "old.txt", "new.txt"}).code == 0);
  CHECK(run_rollcall(dir, {"verify", "--checkpoint", "old.txt"}).code == 0);
  CHECK(run_rollcall(dir, {"who", "ada", "--at", "seq:3", "--proof", "-O", "ada.tar"}).code == 0);
  const auto bundle = run_rollcall(
      dir, {"verify", "bundle", "ada.tar", "--key", key.out.substr(0, key.out.size() - 1)});
  CHECK(bundle.code == 0);
  CHECK(holds(bundle.out, "was online after seq 3"));
}

TEST_CASE("verify between refuses the newer checkpoint first", "[cli]") {
  const Scratch scratch;
  const auto& dir = scratch.path();
  REQUIRE(run_rollcall(dir, {"login", "ada"}).code == 0);
  REQUIRE(run_rollcall(dir, {"checkpoint", "sign"}).code == 0);
  store::replace_file(dir / "old.txt", run_rollcall(dir, {"checkpoint", "show"}).out).value();
  REQUIRE(run_rollcall(dir, {"logout", "ada"}).code == 0);
  REQUIRE(run_rollcall(dir, {"checkpoint", "sign"}).code == 0);
  store::replace_file(dir / "new.txt", run_rollcall(dir, {"checkpoint", "show"}).out).value();
  CHECK(run_rollcall(dir, {"verify", "between", "old.txt", "new.txt"}).code == 0);
  CHECK(run_rollcall(dir, {"verify", "between", "old.txt", "old.txt"}).code == 0);
  const auto swapped = run_rollcall(dir, {"verify", "between", "new.txt", "old.txt"});
  CHECK(swapped.code == 2);
  CHECK(holds(swapped.err, "the first is newer"));
  CHECK_FALSE(holds(swapped.out, "VERIFIED"));
}

TEST_CASE("an event is called by its number in every proof, with what was signed of it", "[cli]") {
  const Scratch scratch;
  const auto& dir = scratch.path();
  REQUIRE(run_rollcall(dir, {"login", "ada", "--address", "10.0.0.7"}).code == 0);
  REQUIRE(
      run_rollcall(dir, {"activity", "ada", "--action", "order.paid", "--description", "paid it"})
          .code == 0);
  REQUIRE(run_rollcall(dir, {"checkpoint", "sign"}).code == 0);
  const std::string last = run_rollcall(dir, {"audit", "-e", "activity", "-o", "ndjson"}).out;
  const std::string seq = last.substr(7, last.find(',') - 7);
  REQUIRE(run_rollcall(dir, {"proof", seq, "-O", "r"}).code == 0);
  const auto bare = run_rollcall(dir, {"verify", "proof", "r"});
  CHECK(bare.code == 0);
  CHECK(holds(bare.out, "event " + seq + " is in "));
  CHECK(holds(bare.out, "kind           activity\n"));
  CHECK(holds(bare.out, "user           #1 (name not covered)"));
  CHECK(holds(bare.out, "texts          not here; their digest is "));
  CHECK_FALSE(holds(bare.out, "entry"));
  std::string answer = run_rollcall(dir, {"-o", "json", "show", seq, "--proof"}).out;
  store::replace_file(dir / "answer.json", answer).value();
  const auto whole = run_rollcall(dir, {"verify", "proof", "answer.json"});
  CHECK(whole.code == 0);
  CHECK(holds(whole.out, "user           ada (#1; name signed by event 1)"));
  CHECK(holds(whole.out, "action         order.paid (name signed by event "));
  CHECK(holds(whole.out, "description    paid it"));
  answer.replace(answer.find("paid it"), 7, "paid us");
  store::replace_file(dir / "answer.json", answer).value();
  CHECK(run_rollcall(dir, {"verify", "proof", "answer.json"}).code == 20);
}

TEST_CASE("mistakes get a sentence and the right exit code", "[cli]") {
  const Scratch scratch;
  const auto& dir = scratch.path();
  CHECK(run_rollcall(dir, {"nosuch"}).code == 2);
  CHECK(run_rollcall(dir, {"audit", "--nosuch"}).code == 2);
  CHECK(run_rollcall(dir, {"who"}).code == 1);
  REQUIRE(run_rollcall(dir, {"login", "ada"}).code == 0);
  const auto unknown = run_rollcall(dir, {"audit", "-u", "nobody"});
  CHECK(unknown.code == 1);
  CHECK(holds(unknown.err, "there is no user 'nobody'"));
  for (const char* user : {"nobody", ""}) {  // as over --url
    const auto left = run_rollcall(dir, {"logout", user});
    CHECK(left.code == 1);
    CHECK(holds(left.err, "there is no user"));
  }
  const auto folder = run_rollcall(dir, {"import", "."});
  CHECK(folder.code == 1);
  CHECK(holds(folder.err, "directory"));
  const std::vector<std::string> past{"token",         "create",    "t",  "--scope",
                                      "presence:read", "--expires", "-1h"};
  CHECK(holds(run_rollcall(dir, past).err, "--expires is past"));
  CHECK(run_rollcall(dir, {"audit", "--cursor", "rubbish"}).code == 10);
  CHECK(run_rollcall(dir, {"logout", "ada", "--session", "other"}).code == 5);
  CHECK(run_rollcall(dir, {"forget", "ada", "--reason", "x"}).code == 3);
  CHECK(run_rollcall(dir, {"forget", "ada", "--dry-run"}).code == 7);
  CHECK(run_rollcall(dir, {"activity", "ada", "--action", "a.b", "--description", "bad \xff byte"})
            .code == 1);
  CHECK(run_rollcall(dir, {"audit", "-n", "2", "-o", "raw"}).out.size() == 2 * 112);
  CHECK(run_rollcall(dir, {"login", "bad\x1bname"}).code == 1);
  CHECK_FALSE(holds(run_rollcall(dir, {"who"}).out, "\x1b"));
}

TEST_CASE("reads are logged where a reason is given, and refused without one where the store asks",
          "[cli]") {
  const Scratch scratch;
  const auto& dir = scratch.path();
  REQUIRE(run_rollcall(dir, {"login", "ada"}).code == 0);
  REQUIRE(
      run_rollcall(dir, {"--reason", "incident 7", "--ticket", "T-1", "audit", "-u", "ada"}).code ==
      0);
  const auto queries = run_rollcall(dir, {"audit", "queries", "-o", "ndjson"});
  CHECK(holds(queries.out, "incident 7"));
  CHECK(holds(queries.out, "\"subject\":\"ada\""));
  REQUIRE(run_rollcall(dir, {"store", "reads", "reason"}).code == 0);
  CHECK(run_rollcall(dir, {"audit", "-u", "ada"}).code == 3);
  CHECK(run_rollcall(dir, {"who"}).code == 3);
  CHECK(run_rollcall(dir, {"--reason", "r", "who"}).code == 0);
}

TEST_CASE("audit goes on from a cursor file, and follows what another process appends", "[cli]") {
  const Scratch scratch;
  const auto& dir = scratch.path();
  REQUIRE(run_rollcall(dir, {"login", "ada"}).code == 0);
  const auto first = run_rollcall(dir, {"audit", "--cursor-file", "here", "-o", "ndjson"});
  CHECK(holds(first.out, "\"login\""));
  REQUIRE(run_rollcall(dir, {"activity", "ada", "--action", "page.viewed"}).code == 0);
  const auto second = run_rollcall(dir, {"audit", "--cursor-file", "here", "-o", "ndjson"});
  CHECK_FALSE(holds(second.out, "\"login\""));
  CHECK(holds(second.out, "page.viewed"));
  CHECK(run_rollcall(dir, {"audit", "-e", "login", "--cursor-file", "here"}).code == 11);
  test::Process follower(dir, {"audit", "-f", "-n", "1", "-o", "ndjson"});
  CHECK(holds(follower.wait_for("seq"), "page.viewed"));
  REQUIRE(run_rollcall(dir, {"activity", "ada", "--action", "later.thing"}).code == 0);
  CHECK(holds(follower.wait_for("later"), "later.thing"));
  follower.signal(SIGINT);
  CHECK(follower.wait() == 0);
}

TEST_CASE("a cursor goes on with the same words, however much later", "[cli]") {
  const Scratch scratch;
  const auto& dir = scratch.path();
  const auto act = [&](const char* action) {
    REQUIRE(run_rollcall(dir, {"activity", "ada", "--action", action}).code == 0);
  };
  REQUIRE(run_rollcall(dir, {"login", "ada"}).code == 0);
  const std::vector<std::vector<std::string>> questions{
      {"-U", "2100-01-01"}, {"-S", "today", "-U", "tomorrow"},
      {"-S", "-30s"},       {"-U", "+1h"},
      {"-S", "2020-01-01"}, {"--seq", "1.."},
      {"-u", "ada"}};
  for (std::size_t i = 0; i < questions.size(); ++i) {
    std::vector<std::string> words{"audit", "--cursor-file", "c" + std::to_string(i)};
    words.insert(words.end(), questions[i].begin(), questions[i].end());
    INFO(questions[i][0] << " " << questions[i][1]);
    REQUIRE(run_rollcall(dir, words).code == 0);
    const std::string action = "later." + std::to_string(i);
    act(action.c_str());
    const auto more = run_rollcall(dir, words);
    CHECK(more.code == 0);
    CHECK(holds(more.out, action));
    CHECK_FALSE(holds(more.out, "login"));
    // Another question may not go on there.
    const auto& next = questions[(i + 1) % questions.size()];
    std::vector<std::string> other{"audit", "--cursor-file", "c" + std::to_string(i)};
    other.insert(other.end(), next.begin(), next.end());
    CHECK(run_rollcall(dir, other).code == 11);
  }
}

TEST_CASE("a number means one person, whatever another is called", "[cli]") {
  const Scratch scratch;
  const auto& dir = scratch.path();
  const auto ok = [&](const std::vector<std::string>& words) {
    const auto done = run_rollcall(dir, words);
    INFO(words.front() << ": " << done.err);
    CHECK(done.code == 0);
    return done.out;
  };
  ok({"login", "gone", "--session", "s1"});
  ok({"--reason", "asked", "forget", "gone", "--yes"});
  ok({"login", "#1", "--session", "s2"});
  const std::string awkward = "cn=Doe\\, Jane,ou=x";
  ok({"login", awkward});
  ok({"login", "[a,b]"});
  // The name means who is called so, the number who has it.
  CHECK(holds(ok({"audit", "-u", "#1", "-o", "ndjson"}), "\"user_number\":2"));
  CHECK_FALSE(holds(ok({"audit", "-u", "#1", "-o", "ndjson"}), "\"user_number\":1"));
  CHECK(holds(ok({"audit", "--number", "1", "-o", "ndjson"}), "\"user_number\":1"));
  CHECK_FALSE(holds(ok({"audit", "--number", "1", "-o", "ndjson"}), "\"user_number\":2"));
  CHECK(holds(ok({"last", "--number", "1", "-o", "ndjson"}), "\"number\":1"));
  CHECK(holds(ok({"who", "--number", "1", "-o", "ndjson"}), "\"number\":1"));
  CHECK(holds(ok({"subject", "export", "--number", "1"}), "\"user_number\":1"));
  CHECK(run_rollcall(dir, {"audit", "-u", "#3"}).code == 1);
  CHECK(run_rollcall(dir, {"audit", "--number", "99"}).code == 1);
  CHECK(run_rollcall(dir, {"forget", "#3", "--dry-run"}).code == 1);
  ok({"hold", "add", "--number", "2"});
  CHECK(holds(ok({"hold", "list", "-o", "ndjson"}), "\"number\":2"));
  ok({"hold", "release", "#1", "--yes"});
  // A name may hold a comma, or look like a list.
  for (const std::string& name : {awkward, std::string("[a,b]")}) {
    CHECK(holds(ok({"audit", "-u", name}), "login"));
    CHECK(holds(ok({"who", name}), name));
    CHECK(holds(ok({"last", name}), name));
  }
  CHECK(holds(ok({"audit", "-u", "#1", "-u", awkward, "-o", "ndjson"}), "\"user_number\":3"));
  CHECK(holds(ok({"export", "-u", "#1", "-u", awkward}), "\"user_number\":2"));
  // Forgetting the impostor leaves the proof of the first alone, and takes the impostor.
  ok({"--reason", "asked", "forget", "#1", "--yes"});
  CHECK(run_rollcall(dir, {"audit", "-u", "#1"}).code == 1);
  CHECK(run_rollcall(dir, {"--reason", "asked", "forget", "--number", "1", "--yes"}).code == 3);
}

TEST_CASE("two installations witness each other, and verify demands the quorum", "[cli]") {
  const Scratch scratch;
  const auto& dir = scratch.path();
  const auto line = [](const test::Finished& f) { return f.out.substr(0, f.out.find('\n')); };
  for (const std::string site : {"a", "b"}) {
    REQUIRE(
        run_rollcall(dir, {"-d", site, "store", "init", "--origin", "log.example/" + site}).code ==
        0);
    REQUIRE(run_rollcall(dir, {"-d", site, "login", "ada"}).code == 0);
    REQUIRE(run_rollcall(dir, {"-d", site, "checkpoint", "sign"}).code == 0);
    REQUIRE(run_rollcall(
                dir, {"key", "gen", "witness.example/" + site, "--witness", "-O", site + ".key"})
                .code == 0);
  }
  for (const auto& [mine, other] : {std::pair<std::string, std::string>{"a", "b"}, {"b", "a"}}) {
    test::Process witness(
        dir, {"witness", "serve", "--key", other + ".key", "--state", other + "-state", "--log",
              line(run_rollcall(dir, {"-d", mine, "key", "show"})), "--listen", "127.0.0.1:0"});
    const std::string said = witness.wait_for("on http://");
    REQUIRE(holds(said, "http://"));
    const std::string url = said.substr(said.find("http://"));
    const std::string vkey = said.substr(8, said.find(" on ") - 8);
    REQUIRE(run_rollcall(dir, {"-d", mine, "witness", "add", other, vkey, url}).code == 0);
    CHECK(run_rollcall(dir, {"-d", mine, "verify"}).code == 21);
    CHECK(run_rollcall(dir, {"-d", mine, "witness", "status"}).code == 21);
    CHECK(run_rollcall(dir, {"-d", mine, "witness", "cosign"}).code == 0);
    CHECK(run_rollcall(dir, {"-d", mine, "verify", "--full"}).code == 0);
    CHECK(run_rollcall(dir, {"-d", mine, "witness", "status"}).code == 0);
    REQUIRE(run_rollcall(dir, {"-d", mine, "logout", "ada"}).code == 0);
    REQUIRE(run_rollcall(dir, {"-d", mine, "checkpoint", "sign"}).code == 0);
    CHECK(run_rollcall(dir, {"-d", mine, "verify"}).code == 21);
    CHECK(run_rollcall(dir, {"-d", mine, "witness", "cosign"}).code == 0);
    CHECK(run_rollcall(dir, {"-d", mine, "verify"}).code == 0);
    witness.signal(SIGTERM);
    CHECK(witness.wait() == 0);
  }
}

TEST_CASE("every command has help with examples", "[cli]") {
  const Scratch scratch;
  const std::vector<std::vector<std::string>> commands{{"who"},
                                                       {"last"},
                                                       {"audit"},
                                                       {"audit", "stats"},
                                                       {"audit", "fields"},
                                                       {"audit", "queries"},
                                                       {"show"},
                                                       {"verify"},
                                                       {"verify", "bundle"},
                                                       {"verify", "proof"},
                                                       {"verify", "between"},
                                                       {"proof"},
                                                       {"checkpoint", "show"},
                                                       {"checkpoint", "sign"},
                                                       {"checkpoint", "history"},
                                                       {"key", "gen"},
                                                       {"key", "show"},
                                                       {"key", "rotate"},
                                                       {"tiles", "export"},
                                                       {"witness", "serve"},
                                                       {"witness", "add"},
                                                       {"witness", "list"},
                                                       {"witness", "cosign"},
                                                       {"witness", "status"},
                                                       {"export"},
                                                       {"import"},
                                                       {"backup", "create"},
                                                       {"backup", "list"},
                                                       {"backup", "verify"},
                                                       {"backup", "restore"},
                                                       {"backup", "prune"},
                                                       {"forget"},
                                                       {"hold", "add"},
                                                       {"hold", "list"},
                                                       {"hold", "release"},
                                                       {"retention", "set"},
                                                       {"retention", "show"},
                                                       {"retention", "plan"},
                                                       {"retention", "apply"},
                                                       {"subject", "export"},
                                                       {"report", "presence"},
                                                       {"report", "sessions"},
                                                       {"report", "attendance"},
                                                       {"report", "concurrency"},
                                                       {"report", "heatmap"},
                                                       {"login"},
                                                       {"activity"},
                                                       {"logout"},
                                                       {"status"},
                                                       {"store", "init"},
                                                       {"store", "info"},
                                                       {"store", "reads"}};
  for (auto command : commands) {
    command.push_back("--help");
    const auto help = run_rollcall(scratch.path(), command);
    INFO(command[0] << " " << command[1]);
    CHECK(help.code == 0);
    CHECK(holds(help.out, "Examples:"));
  }
}
