// rollcall company: invented people come and go on a running server, to look at.
#include "cli/commands.h"
#include "cli/settings_file.h"
#include "net/company.h"

#include <fmt/format.h>

#include <csignal>
#include <cstdio>
#include <cstdlib>

namespace rollcall::cli {
namespace {
std::atomic<bool> ended = false;
}

void add_company(Command& root) {
  struct Options {
    std::string speed = "10";
    std::uint64_t seed = 7;
  };
  auto o = std::make_shared<Options>();
  Command command =
      root.command("company", "a dozen invented people come and go on a running server");
  command.option("--seed", o->seed, "the same seed tells the same day");
  command.option("--speed", o->speed, "minutes of theirs in one of ours (default 10)",
                 [](const std::string& word) -> std::string {
                   char* end = nullptr;
                   const double speed = std::strtod(word.c_str(), &end);
                   const bool number = !word.empty() && *end == '\0';
                   if (number && speed > 0.01 && speed < 10'000) return {};
                   return fmt::format("'{}' is no number between 0.01 and 10000", word);
                 });
  command.examples(
      "  rollcall -d DIR --url http://127.0.0.1:8080 company\n"
      "  rollcall --url http://127.0.0.1:8080 watch      (in another terminal)");
  command.run([o](Context& context) {
    std::signal(SIGINT, [](int) { ended = true; });
    std::signal(SIGTERM, [](int) { ended = true; });
    const std::string url = context.url.empty() ? "http://127.0.0.1:8080" : context.url;
    const std::size_t scheme = url.find("://");
    std::string rest = scheme == std::string::npos ? url : url.substr(scheme + 3);
    while (rest.ends_with('/')) rest.pop_back();
    const auto endpoint = parse_endpoint(rest, false).value();
    net::Settings settings;
    read_settings(context.data_folder() / "rollcall.toml", settings).value();
    if (settings.apps.empty())
      throw store::Failure({store::Errc::NotFound, "the configuration has no app"});
    const auto& app = settings.apps.front();
    net::Company company{endpoint.address, endpoint.port, app.key,
                         app.secret,       o->seed,       std::strtod(o->speed.c_str(), nullptr)};
    if (!context.quiet)
      fmt::print(stderr, "{} people; Ctrl-C ends\n", net::company_people().size());
    net::run_company(company, ended).value();
    return 0;
  });
}

}  // namespace rollcall::cli
