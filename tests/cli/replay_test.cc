// rollcall replay: its breaks, its exit codes and its sinks, without a terminal.
#include "cli/replay_break.h"
#include "cli/usage_error.h"
#include "tests/support/process.h"
#include "tests/support/stores.h"

#include <catch2/catch.hpp>

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
