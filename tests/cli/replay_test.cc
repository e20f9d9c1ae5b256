// rollcall replay: its breaks, its exit codes and its sinks, without a terminal.
#include "cli/replay_break.h"
#include "cli/usage_error.h"
#include "tests/support/process.h"
#include "tests/support/stores.h"

#include <catch2/catch.hpp>

#include <fstream>

using namespace rollcall;

namespace {

replay::ReplayQuestion::Row row(std::uint64_t seq, const std::string& user, const std::string& kind,
                                const std::string& from = "", const std::string& to = "") {
  replay::ReplayQuestion::Row out;
  out.seq = seq;
  out.user = user;
  out.kind = kind;
  if (!from.empty()) out.from = from;
  if (!to.empty()) out.to = to;
  return out;
}

}  // namespace

TEST_CASE("a break holds where all of its conditions do", "[cli]") {
  const auto to_away = row(7, "ada", "inactivity", "online", "away");
  CHECK(cli::parse_break("user=ada").holds(to_away));
  CHECK(cli::parse_break("user=ada,to=away").holds(to_away));
  CHECK(cli::parse_break("from=online,kind=inactivity,seq=7").holds(to_away));
  CHECK_FALSE(cli::parse_break("user=ada,to=offline").holds(to_away));
  CHECK_FALSE(cli::parse_break("seq=8").holds(to_away));
  CHECK_FALSE(cli::parse_break("to=away").holds(row(8, "ada", "login")));
  CHECK(cli::parse_break("user=Doe\\, Jane").holds(row(9, "Doe, Jane", "login")));
  CHECK(cli::parse_break("user=back\\\\slash").holds(row(9, "back\\slash", "login")));
  CHECK(cli::parse_break("user=a=b").holds(row(9, "a=b", "login")));
  for (const char* wrong : {"", "ada", "user=", "who=ada", "kind=foo", "to=onlin", "seq=x", "seq=0",
                            "seq=-1", "user=ada,", ",user=ada"}) {
    INFO(wrong);
    CHECK_THROWS_AS(cli::parse_break(wrong), cli::UsageError);
  }
}

TEST_CASE("a replay without a terminal: lines, counts, a break, and 22 where it diverges",
          "[cli]") {
  const test::Scratch scratch;
  const auto& dir = scratch.path();
  const auto layout = test::make_store(dir / "rollcall-data", 300, 5);
  const auto lines = test::run_rollcall(dir, {"replay"});
  CHECK(lines.code == 0);
  CHECK(lines.out.starts_with(R"({"seq":1,"at":")"));
  const auto counted = test::run_rollcall(dir, {"replay", "--sink", "null", "--check"});
  CHECK(counted.code == 0);
  CHECK(counted.out.empty());
  CHECK(counted.err.find("all equal") != std::string::npos);
  const auto stopped =
      test::run_rollcall(dir, {"replay", "--break", "seq=12", "--break", "seq=40"});
  CHECK(stopped.code == 0);
  CHECK(stopped.err.find("stopped    at seq 12") != std::string::npos);
  CHECK(stopped.out.find("\"seq\":13,") == std::string::npos);
  for (const std::vector<std::string>& wrong : {std::vector<std::string>{"replay", "--step"},
                                                {"replay", "--sink", "terminal"},
                                                {"replay", "--speed", "fast"},
                                                {"replay", "--speed", "0x"},
                                                {"replay", "--break", "to=onlin"},
                                                {"replay", "--sink", "null", "--break", "seq=1"},
                                                {"policy", "set"},
                                                {"policy", "set", "idle=5s"},
                                                {"import", "x.ndjson", "--session-ttl", "never"}}) {
    INFO(wrong[1]);
    CHECK(test::run_rollcall(dir, wrong).code == 2);
  }
  {
    const auto w = store::Writer::load(layout).value();
    store::Proposal lie;
    lie.kind = engine::Kind::StateDigest;
    lie.digest.fill(7);
    engine::write_fields(lie, engine::DigestFields{w->log().last(), 1});
    (void)w->write(lie, w->state().at).value();
  }
  const auto diverged = test::run_rollcall(dir, {"replay", "--sink", "null", "--check"});
  CHECK(diverged.code == 22);
  CHECK(diverged.err.find("history says") != std::string::npos);
  CHECK(diverged.err.find("this replay says") != std::string::npos);
  CHECK(diverged.err.find("lie between them") != std::string::npos);
}

TEST_CASE(
    "two stores part where one of them went another way, told by diff and by replay --against",
    "[cli]") {
  const test::Scratch scratch;
  const auto& dir = scratch.path();
  const auto says = [](const test::Finished& done, const char* part) {
    INFO(done.out << done.err);
    CHECK((done.out + done.err).find(part) != std::string::npos);
  };
  (void)test::make_store(dir / "rollcall-data", 300, 6);
  test::copy_tree(dir / "rollcall-data", dir / "copy");
  const auto same = test::run_rollcall(dir, {"diff", "rollcall-data", "copy"});
  CHECK(same.code == 0);
  says(same, "events are the same");
  CHECK(test::run_rollcall(dir, {"replay", "--against", "copy"}).code == 0);
  const auto write = [&](const char* data, const char* user) {
    REQUIRE(test::run_rollcall(dir, {"-d", data, "--accept-clock", "login", user}).code == 0);
  };
  write("copy", "bea");
  const auto longer = test::run_rollcall(dir, {"diff", "rollcall-data", "copy"});
  CHECK(longer.code == 0);
  says(longer, "A is the beginning of B");
  const auto behind = test::run_rollcall(dir, {"replay", "--against", "copy"});
  CHECK(behind.code == 0);
  says(behind, "history is the beginning of copy");
  write("rollcall-data", "abe");
  const auto parted = test::run_rollcall(dir, {"diff", "rollcall-data", "copy", "-n", "3"});
  CHECK(parted.code == 22);
  says(parted, "PARTED");
  says(parted, "page 0");
  const auto object = test::run_rollcall(dir, {"-o", "json", "diff", "rollcall-data", "copy"});
  CHECK(object.code == 22);
  says(object, R"("how":"parted")");
  says(object, R"("first_difference":{"seq":)");
  const auto against = test::run_rollcall(dir, {"replay", "--against", "copy"});
  CHECK(against.code == 22);
  says(against, "DIVERGED   seq");
  says(against, "history says  #");
  says(against, "copy    says  #");
  CHECK(test::run_rollcall(dir, {"diff", "rollcall-data", "nowhere"}).code == 1);
  for (const std::vector<std::string>& wrong :
       {std::vector<std::string>{"diff", "copy"},
        {"diff", "copy", "copy", "copy"},
        {"diff", "copy", "copy", "--at", "seq:1"},
        {"diff", "copy", "copy", "-o", "csv"},
        {"diff", "copy", "copy", "-u", "ada"},
        {"diff", "--digests", "F", "--at", "seq:1"},
        {"replay", "--against", "copy", "--check"},
        {"replay", "--against", "copy", "--from", "seq:1"}}) {
    INFO(wrong[1]);
    CHECK(test::run_rollcall(dir, wrong).code == 2);
  }
}

TEST_CASE("digests that another run told are compared with those in the log", "[cli]") {
  const test::Scratch scratch;
  const auto& dir = scratch.path();
  (void)test::make_store(dir / "rollcall-data", 300, 7);
  std::ofstream(dir / "digests", std::ios::binary)
      << test::run_rollcall(dir, {"audit", "-e", "state_digest", "-o", "ndjson"}).out;
  const auto equal = test::run_rollcall(dir, {"diff", "--digests", "digests"});
  CHECK(equal.code == 0);
  CHECK(equal.out.find("all equal") != std::string::npos);
  const auto put = [&](const std::string& text) {
    std::ofstream(dir / "other", std::ios::binary) << text;
    return test::run_rollcall(dir, {"diff", "--digests", "other"});
  };
  const auto lie = put("{\"seq\":300,\"digest\":\"" + std::string(64, '7') + "\"}\n");
  CHECK(lie.code == 22);
  CHECK(lie.out.find("DIFFERENT  seq 300: history says") != std::string::npos);
  const auto later = put("{\"seq\":300000,\"digest\":\"" + std::string(64, '7') + "\"}\n");
  CHECK(later.code == 0);
  CHECK(later.out.find("1 lie after seq") != std::string::npos);
  for (const char* wrong : {"", "x\n", "{\"seq\":0,\"digest\":\"07\"}", "[1]", "{\"seq\":1}",
                            "{\"seq\":1,\"digest\":7}", "{\"digest\":\"07\"}"}) {
    INFO(wrong);
    const auto refused = put(wrong);
    CHECK(refused.code == 1);
    CHECK(refused.err.find("other") != std::string::npos);
  }
}

TEST_CASE(
    "a login that nobody saw end is unknown after the log's end, and the answer says where "
    "that is",
    "[cli]") {
  const test::Scratch scratch;
  const auto& dir = scratch.path();
  REQUIRE(test::run_rollcall(dir, {"login", "ada"}).code == 0);
  const auto now = test::run_rollcall(dir, {"who", "--at", "+1h"});
  CHECK(now.code == 0);
  CHECK(now.err.find("the log ends at ") != std::string::npos);
  CHECK(now.out.find("unknown (last online)") != std::string::npos);
  CHECK(now.out.find("0 online, 0 away, 1 unknown") != std::string::npos);
  CHECK(test::run_rollcall(dir, {"who"}).err.find("where the log ends") != std::string::npos);
  const auto json = test::run_rollcall(dir, {"who", "--at", "+1h", "-o", "json"}).out;
  CHECK(json.find(R"("state":"unknown","last_known":"online")") != std::string::npos);
  CHECK(json.find(R"("coverage":"after_end","gaps":[])") != std::string::npos);
  const auto csv = test::run_rollcall(dir, {"who", "--at", "+1h", "-o", "csv"}).out;
  CHECK(csv.find("last_known,coverage,gaps") != std::string::npos);
  CHECK(csv.find("online,after_end,") != std::string::npos);
  CHECK(test::run_rollcall(dir, {"who", "--at", "+1h", "--count"}).out ==
        "0 online, 0 away, 1 unknown\n");
  CHECK(test::run_rollcall(dir, {"who", "--at", "2001-01-01"}).err.find("the log begins at") !=
        std::string::npos);
  CHECK(test::run_rollcall(dir, {"last", "--at", "+1h"}).out.find("unknown") != std::string::npos);
  CHECK(test::run_rollcall(dir, {"who", "ada", "--at", "+1h", "--proof"}).code == 21);
}

TEST_CASE("a policy is set from the command line and shown", "[cli]") {
  const test::Scratch scratch;
  const auto& dir = scratch.path();
  REQUIRE(test::run_rollcall(dir, {"login", "ada"}).code == 0);
  CHECK(test::run_rollcall(dir, {"policy", "show", "-o", "ndjson"})
            .out.find(R"("idle_after_s":300,"ttl_s":7200)") != std::string::npos);
  REQUIRE(test::run_rollcall(dir, {"policy", "set", "idle_after=90s", "ttl=off"}).code == 0);
  const auto shown = test::run_rollcall(dir, {"policy", "show", "-o", "ndjson"}).out;
  CHECK(shown.find(R"("idle_after_s":90,"ttl_s":"off")") != std::string::npos);
  CHECK(shown.find(R"("sessions_max":10)") != std::string::npos);
}
