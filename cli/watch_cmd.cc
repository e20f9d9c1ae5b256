// rollcall watch: a live table of who is where; for machines, what changes, a line each.
#include "cli/commands.h"
#include "cli/remote.h"
#include "store/printable.h"

#include <fmt/format.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <csignal>
#include <cstdio>
#include <thread>

extern char** environ;

namespace rollcall::cli {
namespace {

std::atomic<bool> ended = false;

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
  fmt::print("\x1b[H\x1b[J");  // home, and clear what is below
  if (!heading.empty()) fmt::print("{}\n\n", store::printable(heading));
  std::fflush(stdout);
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
      if (context.url.empty())
        throw store::Failure(
            {store::Errc::BadInput, "without a terminal, watch needs a running server: --url"});
      follow_events(context, [](std::string_view, std::string_view data) {
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
            follow_events(context, [&](std::string_view, std::string_view) {
              ++changes;
              return !ended.load();
            });
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
        show(context, *users, *heading);
      }
      std::this_thread::sleep_for(std::chrono::milliseconds(250));
    }
    std::_Exit(0);  // the follower may sit in a read
  });
}

}  // namespace rollcall::cli
