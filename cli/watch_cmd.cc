// rollcall watch: a live table of who is where; for machines, what changes, a line each.
#include "cli/commands.h"
#include "cli/output.h"
#include "cli/remote.h"
#include "store/bytes/printable.h"

#include <boost/json.hpp>
#include <fmt/format.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <csignal>
#include <cstdio>
#include <thread>

extern char** environ;

namespace rollcall::cli {
namespace {

std::atomic<bool> ended = false;

void clear_screen(const std::string& heading) {
  fmt::print("\x1b[H\x1b[J");  // home, and clear what is below
  if (!heading.empty()) fmt::print("{}\n\n", store::printable(heading));
  std::fflush(stdout);
}

/// Who is here according to the server: presence as it is now, which is no reading of history, so
/// that looking again logs nothing.
void show_there(const Context& context, const std::vector<std::string>& users,
                const std::string& heading) {
  // Names may hold commas: who is asked for is picked out here.
  const auto people = get(
      context, users.empty() ? "/v1/presence?limit=10000" : "/v1/presence?state=any&limit=100000");
  clear_screen(heading);
  Rows rows(context, {"user", "state", "since", "sessions", "last_activity"});
  const auto text = [](const boost::json::object& o, const char* key) {
    const auto* value = o.if_contains(key);
    return value != nullptr && value->is_string() ? std::string(value->get_string())
                                                  : std::string();
  };
  for (const auto& entry : people.at("people").as_array()) {
    const auto& p = entry.as_object();
    const std::string user = text(p, "user");
    if (!users.empty() && std::find(users.begin(), users.end(), user) == users.end()) continue;
    const auto* sessions = p.if_contains("sessions");
    rows.add({{"user", user},
              {"state", text(p, "state")},
              {"since", text(p, "since")},
              {"sessions", sessions == nullptr ? boost::json::value(nullptr) : *sessions},
              {"last_activity", text(p, "last_seen")}});
  }
  rows.finish();
  std::fflush(stdout);
}

/// Whether a line that the server told is of one of them; of nobody named, every line is wanted.
bool is_about(const std::vector<std::string>& users, std::string_view line) {
  if (users.empty()) return true;
  boost::system::error_code ec;
  const auto value = boost::json::parse({line.data(), line.size()}, ec);
  const auto* user = !ec && value.is_object() ? value.get_object().if_contains("user") : nullptr;
  return user != nullptr && user->is_string() &&
         std::find(users.begin(), users.end(), std::string_view(user->get_string())) != users.end();
}

/// `rollcall who` with the same options, on this terminal.
void show(const Context& context, const std::vector<std::string>& users,
          const std::string& heading) {
  std::vector<std::string> words{"rollcall"};
  const auto add = [&](const char* option, const std::string& value) {
    if (value.empty()) return;
    words.emplace_back(option);
    words.push_back(value);
  };
  add("--url", context.url);
  add("--token-file", context.token_file);
  add("--data", context.data);
  add("--app", context.app);
  words.insert(words.end(), {"--no-pager", "who"});
  words.insert(words.end(), users.begin(), users.end());
  std::vector<char*> argv;
  for (auto& word : words) argv.push_back(word.data());
  argv.push_back(nullptr);
  clear_screen(heading);
  pid_t pid = -1;
  if (::posix_spawn(&pid, "/proc/self/exe", nullptr, nullptr, argv.data(), environ) == 0)
    ::waitpid(pid, nullptr, 0);
}

}  // namespace

void add_watch(Command& root) {
  auto users = std::make_shared<std::vector<std::string>>();
  auto heading = std::make_shared<std::string>();
  Command command = root.command("watch", "a live table of who is where");
  command.positionals("USER", *users, "only these");
  command.option("--heading", *heading, "a line above the table");
  command.formats({"short", "ndjson"});
  command.examples(
      "  rollcall --url http://127.0.0.1:8080 watch\n"
      "  rollcall --url http://127.0.0.1:8080 watch -o ndjson     (what changes, a line each)");
  command.run([users, heading](Context& context) {
    std::signal(SIGINT, [](int) { ended = true; });
    const bool table = ::isatty(1) == 1 && context.output == "short";
    if (!table) {
      if (context.output == "ndjson" && !heading->empty())
        usage_error("--heading stands above the table: not with -o ndjson");
      if (context.url.empty())
        throw store::Failure(
            {store::Errc::BadInput, "without a terminal, watch needs a running server: --url"});
      follow_events(context, [users](std::string_view, std::string_view data) {
        if (!is_about(*users, data)) return !ended.load();
        fmt::print("{}\n", store::printable_json(data));
        std::fflush(stdout);
        return !ended.load();
      });
      return 0;
    }
    std::atomic<std::uint64_t> changes = 1;
    if (!context.url.empty()) {
      std::thread([&changes, context] {
        while (!ended) {
          try {
            follow_events(
                context,
                [&](std::string_view, std::string_view) {
                  ++changes;
                  return !ended.load();
                },
                Follow::Presence);
          } catch (const std::exception&) {  // the server restarts: look again
            std::this_thread::sleep_for(std::chrono::seconds(1));
          }
        }
      }).detach();
    }
    std::uint64_t seen = 0;
    for (int tick = 0; !ended; ++tick) {
      // At once when something happened, and every two seconds for what only time changes.
      if (changes != seen || tick % 8 == 0) {
        seen = changes;
        if (context.url.empty())
          show(context, *users, *heading);
        else
          show_there(context, *users, *heading);
      }
      std::this_thread::sleep_for(std::chrono::milliseconds(250));
    }
    std::_Exit(0);  // the follower may sit in a read
  });
}

}  // namespace rollcall::cli
