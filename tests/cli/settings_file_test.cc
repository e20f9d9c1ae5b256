// rollcall.toml: whatever is wrong is one sentence with the file, the line, the key and what it may
// be, and nothing that is wrong is taken.
#include "cli/settings_file.h"

#include "store/bytes/files.h"
#include "tests/support/process.h"
#include "tests/support/scratch.h"

#include <catch2/catch.hpp>
#include <fmt/format.h>

using namespace rollcall;

namespace {

bool holds(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

constexpr const char* kApp = "[[apps]]\nid = \"main\"\nkey = \"k\"\nsecret = \"very-secret\"\n";

/// What is said of a file; empty where it is taken.
std::string fault_of(const std::string& text) {
  const test::Scratch scratch;
  const auto file = scratch.path() / "rollcall.toml";
  store::replace_file(file, text).value();
  net::Settings settings;
  const auto read = cli::read_settings(file, settings);
  if (read) return {};
  CHECK(holds(read.error().detail, file.string()));
  CHECK_FALSE(holds(read.error().detail, "very-secret"));
  CHECK_FALSE(holds(read.error().detail, "\n"));
  return read.error().detail.substr(file.string().size());
}

}  // namespace

TEST_CASE("a setting that is wrong is refused with its line, its key and what it may be", "[cli]") {
  struct Row {
    const char* top;  ///< before the app
    const char* app;  ///< in its table, which begins at line 5 where top is empty
    std::vector<const char*> said;
  };
  const std::string hook = "[[apps.webhooks]]\nurl = \"https://u:pw@h.example/secret\"\n";
  const std::vector<Row> rows{
      {"",
       "[[apps.webhooks]]\nurl = \"http://h\"\nevents = [\"presence_chnaged\"]\n",
       {"line 7", "apps.webhooks.events", "'presence_chnaged'", "member_added", "cache_miss"}},
      {"",
       "[[apps.webhooks]]\nurl = \"http://h\"\nevents = [\"member_added\",\n \"Member_Added\"]\n",
       {"line 8", "'Member_Added'", "channel_vacated"}},
      {"",
       "[[apps.webhooks]]\nurl = \"http://h\"\nevents = \"member_added\"\n",
       {"line 7", "apps.webhooks.events", "list"}},
      {"", "[[apps.webhooks]]\nurl = \"http://h\"\nevents = [1]\n", {"line 7", "quotes"}},
      {"", "[[apps.webhooks]]\nurl = \"ftp://h\"\n", {"line 6", "apps.webhooks.url"}},
      {"", "[[apps.webhooks]]\nurl = \"http://\"\n", {"line 6", "apps.webhooks.url"}},
      {"", "[[apps.webhooks]]\nevents = []\n", {"line 5", "apps.webhooks.url"}},
      {"",
       "[[apps.webhooks]]\nurl = \"http://h\"\n[[apps.webhooks]]\nurl = \"http://h\"\n",
       {"line 8", "already"}},
      {"",
       "[[apps.webhooks]]\nurl = \"http://h\"\nbatched = true\n",
       {"line 7", "apps.webhooks.batched", "batch", "events", "url"}},
      {"",
       "client_events = \"some\"\n",
       {"line 5", "apps.client_events", "none, members, all", "'some'"}},
      {"", "client_events = true\n", {"line 5", "none, members, all"}},
      {"", "last_seen = \"hour\"\n", {"line 5", "exact, minutes, day, hidden"}},
      {"", "watchlist = \"yes\"\n", {"line 5", "apps.watchlist", "true or false"}},
      {"",
       "activity_timeout = 0\n",
       {"line 5", "apps.activity_timeout", "from 1 to 86400", "not 0"}},
      {"", "activity_timeout = \"120\"\n", {"line 5", "whole number"}},
      {"", "activity_timeout = 1.5\n", {"line 5", "whole number"}},
      {"", "event_max = 99999999999999999999\n", {"line 5"}},
      {"", "watchlst = true\n", {"line 5", "apps.watchlst", "watchlist"}},
      {"", "rooms = [\"Lobby\"]\n", {"line 5", "apps.rooms", "'Lobby'", "a-z"}},
      {"", "attendance = [\"private-\"]\n", {"line 5", "apps.attendance", "presence-"}},
      {"", "secret = \"again\"\n", {"line 5"}},
      {"", "secret_file = \"/nowhere\"\n", {"line 5", "secret"}},
      {"", "[apps.policy]\nidle_after = 0\n", {"line 6", "apps.policy.idle_after"}},
      {"", "[apps.policy]\nidle = 5\n", {"line 6", "apps.policy.idle", "idle_after"}},
      {"", "[apps.policy]\nidle_after = 5\nidle_after_ms = 5000\n", {"line 7", "not both"}},
      {"", "policy = 5\n", {"line 5", "[apps.policy]"}},
      {"", "webhooks = \"http://h\"\n", {"line 5", "[[apps.webhooks]]"}},
      {"",
       "[[apps.jwt]]\nalgorithm = \"none\"\nkey = \"very-secret\"\naudience = \"a\"\nissuer = "
       "\"i\"\n",
       {"line 6", "apps.jwt.algorithm", "HS256, RS256, EdDSA"}},
      {"",
       "[[apps.jwt]]\nalgorithm = \"RS256\"\nkey = \"very-secret\"\naudience = \"a\"\nissuer = "
       "\"i\"\n",
       {"line 7", "apps.jwt.key", "PEM"}},
      {"",
       "[[apps.jwt]]\nalgorithm = \"HS256\"\nkey = \"very-secret\"\nissuer = \"i\"\n",
       {"line 5", "apps.jwt.audience"}},
      {"",
       "[[apps.channels]]\nusers = [\"\"]\npattern = \"a\"\n",
       {"line 6", "apps.channels.users"}},
      {"",
       "[[apps]]\nid = \"main\"\nkey = \"k2\"\nsecret = \"s\"\n",
       {"line 6", "apps.id", "different"}},
      {"",
       "[[apps]]\nid = \"b\"\nkey = \"k\"\nsecret = \"s\"\n",
       {"line 7", "apps.key", "different"}},
      {"", "[[apps]]\nid = \"b\"\nkey = \"k2\"\n", {"line 5", "apps.secret"}},
      {"listn = []\n", "", {"line 1", "listn", "listen_tls"}},
      {"[limit]\nconnections = 5\n", "", {"line 1", "limit", "limits"}},
      {"[limits]\nconnections = 0\n", "", {"line 2", "limits.connections", "from 1"}},
      {"[limits]\ndrain = 5\n", "", {"line 2", "limits.drain", "drain_ms"}},
      {"listen = [\"0.0.0.0\"]\n", "", {"line 1", "listen", "ADDRESS:PORT"}},
      {"listen = [\"example.com:80\"]\n", "", {"line 1", "listen", "ADDRESS:PORT"}},
      {"listen = [\"127.0.0.1:99999\"]\n", "", {"line 1", "listen", "ADDRESS:PORT"}},
      {"hosts = [\"example.com:8080\"]\n", "", {"line 1", "hosts", "port"}},
      {"hosts = [\"\"]\n", "", {"line 1", "hosts"}},
      {"origins = [\"https:// x\"]\n", "", {"line 1", "origins"}},
      {"threads = 17\n", "", {"line 1", "threads", "from 0 to 16"}},
      {"threads = = 1\n", "", {"line 1"}},
      {"apps = 5\n", nullptr, {"line 1", "[[apps]]"}},
  };
  for (const Row& row : rows) {
    const std::string text =
        row.app == nullptr ? std::string(row.top) : row.top + std::string(kApp) + row.app;
    INFO(text);
    const std::string said = fault_of(text);
    INFO(said);
    REQUIRE_FALSE(said.empty());
    for (const char* part : row.said) CHECK(holds(said, part));
  }
  CHECK(fault_of(kApp).empty());
  CHECK(fault_of(std::string(kApp) + hook + "events = [\"member_added\", \"client_event\"]\n")
            .empty());
  CHECK(fault_of("hosts = [\"*.example.com\", \"https://a.example\"]\norigins = "
                 "[\"https://a.example:3000\", \"capacitor://localhost\"]\n" +
                 std::string(kApp))
            .empty());
  // Of several faults the first in the file.
  CHECK(holds(fault_of("threads = 99\n" + std::string(kApp) + "last_seen = \"x\"\n"), "line 1"));
  CHECK_FALSE(holds(fault_of(std::string(kApp) + hook + "events = [\"x\"]\n"), "pw@"));
}

TEST_CASE("options of serve are held to the same rules, and no store is made before", "[cli]") {
  const test::Scratch scratch;
  for (const std::vector<std::string>& arguments :
       {std::vector<std::string>{"serve", "--log", "yaml"},
        {"serve", "--threads", "99"},
        {"serve", "--host", "a:1"},
        {"serve", "--origin", "https:// x"},
        {"serve", "--listen", "nowhere"},
        {"serve", "--listen-tls", "127.0.0.1:99999"}}) {
    const auto done = test::run_rollcall(scratch.path(), arguments);
    INFO(arguments[1] << " " << arguments[2] << ": " << done.err);
    CHECK(done.code == 2);
    CHECK(std::count(done.err.begin(), done.err.end(), '\n') >= 1);
    CHECK_FALSE(std::filesystem::exists(scratch.path() / "rollcall-data" / "apps"));
  }
}
