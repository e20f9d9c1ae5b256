// Every option of every command is obeyed or refused with exit 2 and a sentence that names the
// choices, on a store and over --url alike.
#include "tests/support/process.h"
#include "tests/support/stores.h"

#include <catch2/catch.hpp>

#include <algorithm>
#include <sstream>

using namespace rollcall;
using test::run_rollcall;
using test::Scratch;

namespace {

using Words = std::vector<std::string>;

bool holds(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

std::string line_of(const Words& words) {
  std::string out = "rollcall";
  for (const auto& word : words) out += " " + word;
  return out;
}

/// Every command, with what it needs to be a whole question.
const std::vector<Words> kCommands{{"who"},
                                   {"state", "ada"},
                                   {"last"},
                                   {"timeline"},
                                   {"diff", "--at", "seq:1", "--at", "seq:2"},
                                   {"replay"},
                                   {"whatif", "--set", "idle_after=60s"},
                                   {"report", "presence"},
                                   {"report", "sessions"},
                                   {"report", "attendance"},
                                   {"report", "concurrency"},
                                   {"report", "heatmap"},
                                   {"sim", "--users", "2", "--days", "1"},
                                   {"policy", "show"},
                                   {"policy", "set", "ttl=off"},
                                   {"audit"},
                                   {"audit", "stats"},
                                   {"audit", "fields"},
                                   {"audit", "queries"},
                                   {"show", "1"},
                                   {"verify"},
                                   {"verify", "bundle", "F"},
                                   {"verify", "proof", "F"},
                                   {"verify", "between", "F", "G"},
                                   {"proof", "1"},
                                   {"checkpoint", "show"},
                                   {"checkpoint", "sign"},
                                   {"checkpoint", "history"},
                                   {"key", "gen", "N", "-O", "K"},
                                   {"key", "show"},
                                   {"key", "rotate"},
                                   {"tiles", "export", "T"},
                                   {"witness", "serve", "--key", "K", "--state", "S"},
                                   {"witness", "list"},
                                   {"witness", "cosign"},
                                   {"witness", "status"},
                                   {"export"},
                                   {"import", "F"},
                                   {"backup", "create", "B"},
                                   {"backup", "list", "B"},
                                   {"backup", "verify", "B"},
                                   {"backup", "restore", "B", "--vault", "V"},
                                   {"backup", "prune", "B"},
                                   {"snapshot", "create"},
                                   {"snapshot", "list"},
                                   {"snapshot", "verify"},
                                   {"snapshot", "rm", "1"},
                                   {"forget", "ada", "--dry-run"},
                                   {"hold", "add", "ada"},
                                   {"hold", "list"},
                                   {"hold", "release", "ada"},
                                   {"retention", "set", "login", "90d"},
                                   {"retention", "show"},
                                   {"retention", "plan"},
                                   {"retention", "apply"},
                                   {"subject", "export", "ada"},
                                   {"login", "ada"},
                                   {"activity", "ada"},
                                   {"logout", "ada"},
                                   {"status", "ada"},
                                   {"store", "init"},
                                   {"store", "info"},
                                   {"store", "gaps"},
                                   {"store", "reads"},
                                   {"token", "create", "t", "--scope", "admin"},
                                   {"token", "link"},
                                   {"token", "watch", "ada"},
                                   {"token", "list"},
                                   {"token", "revoke", "t"},
                                   {"company"},
                                   {"serve"},
                                   {"watch"}};

struct Option {
  std::string name, type;  ///< --keep, N
};

/// Those of its help that take a value.
std::vector<Option> options_of(const Scratch& scratch, const Words& command) {
  Words asked;
  for (const auto& word : command)
    if (word.front() >= 'a' && word.front() <= 'z' && asked.size() < 2) asked.push_back(word);
  if (asked.size() == 2 && run_rollcall(scratch.path(), {asked[0], asked[1], "--help"}).code != 0)
    asked.pop_back();
  asked.emplace_back("--help");
  std::vector<Option> out;
  std::istringstream help(run_rollcall(scratch.path(), asked).out);
  for (std::string line; std::getline(help, line);) {
    std::istringstream parts(line);
    Option option;
    parts >> option.name >> option.type;
    if (!line.starts_with("  -") || (option.type != "N" && option.type != "TEXT")) continue;
    if (const auto comma = option.name.rfind(','); comma != std::string::npos)
      option.name.erase(0, comma + 1);
    out.push_back(option);
  }
  return out;
}

/// Refused here and over a server's address at which nobody answers, in the same words; only here
/// if the words themselves say whether there is a server.
void check_refused(const Scratch& scratch, const Words& words, const std::string& names = {}) {
  INFO(line_of(words));
  const auto here = run_rollcall(scratch.path(), words);
  CHECK(here.code == 2);
  CHECK(here.out.empty());
  CHECK(here.err.starts_with("rollcall: "));
  CHECK(std::count(here.err.begin(), here.err.end(), '\n') == 1);
  CHECK(holds(here.err, names));
  const auto given = [&](const char* option) {
    return std::find(words.begin(), words.end(), option) != words.end();
  };
  if (given("--url") || given("--token-file")) return;
  Words there{"--url", "http://127.0.0.1:1"};
  there.insert(there.end(), words.begin(), words.end());
  const auto remote = run_rollcall(scratch.path(), there);
  CHECK(remote.code == 2);
  if (words.front() != "token" && words.front() != "store" && words.front() != "backup" &&
      words.front() != "key" &&
      words.front() != "snapshot")  // some of these are for a folder alone
    CHECK(remote.err == here.err);
}

}  // namespace

TEST_CASE("every command refuses what it does not take, and says what it takes", "[cli][usage]") {
  const Scratch scratch;
  for (const Words& command : kCommands) {
    const auto with = [&](std::initializer_list<std::string> more) {
      Words out = command;
      out.insert(out.end(), more);
      return out;
    };
    INFO(line_of(command));
    CHECK(run_rollcall(scratch.path(), with({"--nosuch"})).code == 2);
    CHECK(run_rollcall(scratch.path(), with({"--nosuch", "--help"})).code == 2);
    const auto format = run_rollcall(scratch.path(), with({"-o", "xml"}));
    CHECK(format.code == 2);
    CHECK(holds(format.err, "short, wide, json"));
    CHECK(run_rollcall(scratch.path(), with({"--fields", "acton"})).code == 2);
    CHECK(run_rollcall(scratch.path(), with({"--fields", ","})).code == 2);
    for (const auto& option : options_of(scratch, command)) {
      if (option.type != "N") continue;
      for (const char* bad : {"-5", "99999999999999999999", "1x", ""}) {
        INFO(option.name << " " << bad);
        const auto refused = run_rollcall(scratch.path(), with({option.name, bad}));
        CHECK(refused.code == 2);
        CHECK(holds(refused.err, "no whole number from "));
      }
    }
  }
}

TEST_CASE("a value that means nothing is refused with the choices", "[cli][usage]") {
  const Scratch scratch;
  const std::vector<std::pair<Words, std::string>> refused{
      {{"who", "--state", "onlin"}, "online, away, offline"},
      {{"who", "--state", "online,awy"}, "'awy'"},
      {{"who", "--state", ""}, "names nothing"},
      {{"who", "--at", "yesterdy"}, "today"},
      {{"who", "--fields", "user,sate"}, "user, state, since"},
      {{"-o", "activitylog5", "who"}, "short, wide, json, ndjson, csv, cat"},
      {{"who", "-o", "raw"}, "short, wide, json, ndjson, csv, cat"},
      {{"last", "--min", "10 parsecs"}, "10min"},
      {{"last", "-n", "-5"}, "whole number"},
      {{"last", "-S", "2026-02-30"}, "is no time"},
      {{"audit", "-n", "-5"}, "whole number"},
      {{"audit", "-n", "99999999999999999999"}, "18446744073709551615"},
      {{"audit", "-e", "foo"}, "user_enrolled, login, logout"},
      {{"audit", "-e", "login,foo"}, "'foo'"},
      {{"audit", "kind=foo"}, "history_read"},
      {{"audit", "cause=foo"}, "idle_timeout"},
      {{"audit", "nofield=x"}, "action, session, target"},
      {{"audit", "session=x"}, "number"},
      {{"audit", "--session", "x"}, "whole number"},
      {{"audit", "--seq", "9..3"}, "A not after B"},
      {{"audit", "--seq", "9"}, "A..B"},
      {{"audit", "--seq", "1..x"}, "A..B"},
      {{"audit", "--seq", "1..99999999999999999999"}, "A..B"},
      {{"audit", "-g", "("}, "regular expression: a ) is missing at its end"},
      {{"audit", "-g", "order (?=7)"}, "a lookahead at character 7"},
      {{"audit", "stats", "-g", R"((a)\1)"}, "a backreference at character 4"},
      {{"export", "-g", "(?<!a)b"}, "RE2's, which has no lookahead, lookbehind"},
      {{"audit", "-S", "soon"}, "is no time"},
      {{"audit", "--number", "0"}, "whole number from 1"},
      {{"audit", "--number", "ada"}, "whole number from 1"},
      {{"audit", "--fields", "seq,acton"}, "seq, at, kind"},
      {{"audit", "--fields", "seq,acton", "-o", "csv"}, "seq, at, kind"},
      {{"audit", "-o", "owenit", "--fields", "seq"}, "auditable_type"},
      {{"audit", "--user="}, "give a value"},
      {{"audit", "stats", "--by", "weekday"}, "user, kind, hour, action, ip"},
      {{"audit", "stats", "--fields", "seq"}, "kind, events, users"},
      {{"audit", "fields", "acton"}, "action"},
      {{"export", "--format", "xml"}, "bundle, ndjson, json, csv"},
      {{"export", "--format", "bundle", "--complete", "all", "-O", "b"}, "chain, headers, none"},
      {{"export", "-o", "short"}, "ndjson, json, csv"},
      {{"show", "x"}, "whole number from 1"},
      {{"show", "0"}, "whole number from 1"},
      {{"show", "99999999999999999999"}, "whole number from 1"},
      {{"snapshot", "verify", "x"}, "whole number"},
      {{"retention", "set", "foo", "90d"}, "login, logout"},
      {{"retention", "set", "login", "soon"}, "90d"},
      {{"store", "reads", "maybe"}, "reason, free"},
      {{"store", "init", "--origin", "a b"}, "without spaces"},
      {{"status", "ada", "--as", "busy"}, "away, invisible, none, clear"},
      {{"status", "ada", "--until", "seq:4"}, "a time is wanted"},
      {{"activity", "ada", "--properties", "[1]"}, "JSON object"},
      {{"witness", "add", "w", "key", "http://x"}, "key"},
      {{"company", "--speed", "fast"}, "0.01"},
      {{"sim", "--users", "0", "--days", "1"}, "whole number from 1 to 1000000"},
      {{"sim", "--users", "1", "--days", "9999"}, "whole number from 1 to 3650"},
      {{"sim", "--days", "1"}, "--users N"},
      {{"sim", "--users", "1"}, "--days D"},
      {{"sim", "--users", "1", "--days", "1", "--start", "soon"}, "is no time"},
      {{"sim", "--users", "1", "--days", "1", "--start", "seq:4"}, "a time is wanted"},
      {{"sim", "--users", "1", "--days", "1", "--start", "2026-01-05 10:00"}, "a day"},
      {{"sim", "--users", "1", "--days", "2", "--start", "today"}, "in the future"},
      {{"sim", "--users", "1", "--days", "1", "-O", ""}, "names nothing"},
      // An empty word is never taken for none.
      {{"who", "--room", ""}, "names nothing"},
      {{"token", "watch", ""}, "names nothing"},
      {{"audit", "--channel", ""}, "names nothing"},
      {{"audit", "--reader", ""}, "names nothing"},
      {{"audit", "--cursor", ""}, "names nothing"},
      {{"audit", "--after-cursor", ""}, "names nothing"},
      {{"audit", "--cursor-file", ""}, "names nothing"},
      {{"export", "-O", ""}, "names nothing"},
      {{"verify", "--policy", ""}, "names nothing"},
      {{"--app", "", "who"}, "names nothing"},
      {{"--token-file", "", "who"}, "names nothing"},
      // What would do nothing without another, or with it.
      {{"--token-file", "t", "who"}, "--url"},
      {{"--url", "http://127.0.0.1:9", "--accept-clock", "login", "ada"}, "--accept-clock"},
      {{"--url", "http://127.0.0.1:65536", "who"}, "65535"},
      {{"--url", "http://[::1]:99999/x", "who"}, "65535"},
      {{"watch", "--heading", "h", "-o", "ndjson"}, "--heading"},
      {{"serve", "--tls-key", "k", "--listen", "127.0.0.1:0"}, "--tls-cert"},
      {{"serve", "--tls-cert", "c", "--listen", "127.0.0.1:0"}, "--tls-key"},
      {{"serve", "--listen-tls", "127.0.0.1:0"}, "--tls-cert"},
      {{"serve", "--listen", "[::1]:65536"}, "ADDRESS:PORT"},
      {{"activity", "ada", "--properties", R"({"a":1,"\u0061":2})"}, "'a' stands twice"},
      {{"key", "gen", "a b", "-O", "k"}, "without spaces"}};
  for (const auto& [words, names] : refused) check_refused(scratch, words, names);
}

TEST_CASE("options that contradict each other are refused", "[cli][usage]") {
  const Scratch scratch;
  for (const Words& words :
       std::vector<Words>{{"audit", "-f", "-r"},
                          {"audit", "-f", "-U", "now"},
                          {"audit", "-f", "--seq", "1..9"},
                          {"audit", "-f", "--fail-empty"},
                          {"audit", "--cursor", "a", "--after-cursor", "b"},
                          {"audit", "--cursor", "a", "--cursor-file", "b"},
                          {"audit", "-S", "today", "-U", "yesterday"},
                          {"audit", "-S", "seq:9", "-U", "seq:3"},
                          {"last", "-S", "today", "-U", "yesterday"},
                          {"audit", "stats", "--summary", "--by", "user"},
                          {"audit", "queries", "-e", "login"},
                          {"audit", "-r", "stats"},
                          {"audit", "stats", "-r"},
                          {"audit", "fields", "-u", "ada"},
                          {"audit", "fields", "action", "kind"},
                          {"who", "-O", "x"},
                          {"who", "--proof"},
                          {"who", "ada", "bob", "--proof"},
                          {"who", "ada", "--proof", "--count"},
                          {"who", "ada", "--proof", "-o", "json"},
                          {"show", "1", "--raw", "-o", "json"},
                          {"show", "1", "--raw", "--proof"},
                          {"export", "-o", "csv", "--format", "json"},
                          {"export", "--format", "csv", "--complete", "chain"},
                          {"export", "--format", "bundle"},
                          {"export", "--format", "bundle", "-O", "b", "--complete", "chain"},
                          {"export", "--format", "bundle", "-O", "b", "--fields", "seq"},
                          {"forget"},
                          {"forget", "ada"},
                          {"forget", "ada", "--number", "1", "--dry-run"},
                          {"hold", "add"},
                          {"hold", "add", "ada", "--number", "1"},
                          {"subject", "export"},
                          {"status", "ada", "--as", "clear", "--text", "x"},
                          {"key", "rotate", "--epoch", "--master"},
                          {"verify", "--quick", "--full"},
                          {"checkpoint", "show", "-o", "json"},
                          {"sim", "--users", "1", "--days", "1", "-O", "f", "-d", "x"},
                          {"retention", "apply", "-o", "json"}})
    check_refused(scratch, words);
}

TEST_CASE("a misspelt command is told from the one that was meant", "[cli][usage]") {
  const Scratch scratch;
  const auto err = [&](const Words& words) {
    INFO(line_of(words));
    const auto done = run_rollcall(scratch.path(), words);
    CHECK(done.code == 2);
    CHECK(done.out.empty());
    return done.err;
  };
  CHECK(err({"wo"}) == "rollcall: unknown command 'wo'; did you mean who?\n");
  CHECK(err({"wo", "--help"}) == "rollcall: unknown command 'wo'; did you mean who?\n");
  CHECK(err({"adit", "-u", "ada"}) == "rollcall: unknown command 'adit'; did you mean audit?\n");
  CHECK(holds(err({"frobnicate"}), "who, state, last, audit"));
  CHECK(holds(err({"frobnicate", "--help"}), "who, state, last, audit"));
  CHECK(holds(err({"store", "infos"}), "unknown command 'store infos'; did you mean info?"));
  CHECK(holds(err({"store", "nothing", "--help"}), "init, info, gaps, reads"));
  CHECK(holds(err({}), "who|state|last|audit"));
  CHECK(holds(err({"store"}), "init|info"));
  CHECK(holds(err({"who", "--stat", "x"}), "did you mean --state?"));
  CHECK(holds(err({"checkpoint", "show", "more"}), "one word too many"));
}

TEST_CASE("what is asked for is obeyed", "[cli][usage]") {
  const Scratch scratch;
  const auto& dir = scratch.path();
  const auto ok = [&](const Words& words) {
    INFO(line_of(words));
    const auto done = run_rollcall(dir, words);
    CHECK(done.code == 0);
    CHECK(done.err.empty());
    return done.out;
  };
  ok({"login", "ada", "--address", "10.1.0.7"});
  ok({"login", "bob"});
  ok({"activity", "ada", "--action", "order.paid"});
  // Rows in every format, to standard output or into a file.
  const std::string csv = ok({"export", "--format", "csv"});
  CHECK(csv.starts_with("seq,at,kind,"));
  CHECK(ok({"export", "-o", "csv"}) == csv);
  CHECK(ok({"export", "--format", "csv", "-O", "rows.csv"}).empty());
  CHECK(test::slurp(dir / "rows.csv") == csv);
  CHECK(ok({"export", "--format", "csv", "-O", "-"}) == csv);
  CHECK(ok({"export", "--fields", "seq", "--seq", "2..2", "-o", "json"}) == "[\n{\"seq\":2}\n]\n");
  CHECK(ok({"-o", "csv", "store", "info"}).starts_with("origin,events,"));
  CHECK(ok({"show", "2", "-o", "csv", "--fields", "seq,kind"}) == "seq,kind\r\n2,login\r\n");
  CHECK(ok({"show", "2", "--fields", "kind"}) == "kind           login\n");
  CHECK(ok({"show", "2", "-o", "raw"}).size() == 112);
  // Fields in a table for people, too.
  CHECK(ok({"audit", "-n", "1", "--fields", "seq,action"}) == "SEQ  ACTION\n6    order.paid\n");
  CHECK(ok({"audit", "-n", "0"}).empty());
  CHECK(ok({"audit", "-n", "007", "-o", "ndjson", "--fields", "seq"}).starts_with("{\"seq\":1}\n"));
  CHECK(ok({"audit", "stats", "-n", "0", "-o", "json"}) == "[]\n");
  CHECK(ok({"last", "-n", "0", "-o", "json", "--fields", "user"}) == "[]\n");
  CHECK(ok({"last", "-n", "0", "-o", "json"}).starts_with("[\n{\"coverage\":{\"log_begins\":"));
  // Every filter counts in a count.
  CHECK(ok({"who", "--count"}) == "2 online, 0 away\n");
  CHECK(ok({"who", "ada", "--count"}) == "1 online, 0 away, 0 offline\n");
  CHECK(ok({"who", "--count", "--state", "away"}) == "0 online, 0 away, 0 offline\n");
  const std::string counted = "{\"online\":2,\"away\":0,\"offline\":0,\"unknown\":0";
  CHECK(
      ok({"who", "--count", "-o", "json"}).starts_with("[\n" + counted + ",\"coverage\":{\"at\":"));
  CHECK(ok({"who", "--count", "-o", "csv"}) ==
        "online,away,offline,unknown,coverage,gaps\r\n2,0,0,0,yes,\r\n");
  CHECK(ok({"who", "--count", "-o", "ndjson", "--fields", "online,away"}) ==
        "{\"online\":2,\"away\":0}\n");
  // An option before the subcommand that has it is the subcommand's.
  CHECK(ok({"audit", "-u", "ada", "stats", "--by", "user", "--fields", "user"}) == "USER\nada\n");
  ok({"activity", "bob", "--action", "empty.object", "--properties", "{}"});
  // A word stands in an action that no text goes with.
  CHECK(holds(ok({"audit", "paid"}), "order.paid"));
  CHECK(holds(ok({"audit", "-u", "ada", "paid"}), "order.paid"));
}

TEST_CASE("an answer that cannot be written is an error", "[cli][usage]") {
  const Scratch scratch;
  REQUIRE(run_rollcall(scratch.path(), {"login", "ada"}).code == 0);
  CHECK(run_rollcall(scratch.path(), {"export", "-O", "/no/such/folder/f"}).code == 1);
  CHECK(run_rollcall(scratch.path(), {"export", "-O", "/dev/full"}).code == 1);
  CHECK(std::filesystem::is_character_file("/dev/full"));  // written to, never replaced
  CHECK(run_rollcall(scratch.path(), {"sim", "--users", "9", "--days", "9", "-O", "/dev/full"})
            .code == 1);
  const auto full = test::run_rollcall_into(scratch.path(), {"who"}, "/dev/full");
  CHECK(full.code == 1);
  CHECK(holds(full.err, "the answer could not be written"));
}
