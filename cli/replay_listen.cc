// The settings of a server that shows the past: what could write or let others in is taken out.
#include "cli/replay_listen.h"

#include "cli/ask.h"
#include "cli/server_log.h"
#include "cli/settings_file.h"
#include "net/server.h"
#include "replay/playback.h"
#include "store/bytes/crypto.h"
#include "web/assets.h"

#include <fmt/format.h>

#include <csignal>
#include <cstdio>
#include <filesystem>

namespace rollcall::cli {
namespace {

/// Loopback, unless an address is given.
net::Settings settings_for(const Context& context, const replay::ReplayQuestion& range,
                           const ReplayListen& options) {
  net::Settings settings;
  settings.data = context.data_folder();
  const auto file = settings.data / "rollcall.toml";
  if (std::filesystem::exists(file)) read_settings(file, settings).value();
  const std::string id = context.layout().app;
  std::erase_if(settings.apps, [&](const net::AppSettings& app) { return app.id != id; });
  if (settings.apps.empty()) {  // a store that was never served
    net::AppSettings app;
    app.id = id;
    app.key = "replay";
    settings.apps.push_back(std::move(app));
  }
  net::AppSettings& app = settings.apps.front();
  app.replay = true;
  app.enabled = true;
  // Nobody else's signature opens a channel of the past, and no person's token.
  app.secret = store::base64url(store::random_key());
  app.jwt.clear();
  app.webhooks.clear();
  app.client_events = net::ClientEvents::None;
  app.member_removed_delay_ms = 0;
  app.sign_in_within_s = 0;
  app.tls_only = false;
  settings.listen = {parse_endpoint(options.address, false).value()};
  settings.tls_certificate.clear();
  settings.tls_key.clear();
  settings.playback =
      net::PlaybackSettings{range.from, range.to, replay::read_speed(options.speed).value()};
  settings.playback->paused = options.paused;
  settings.page = web::assets();
  return settings;
}

}  // namespace

int listen_to_replay(Context& context, const replay::ReplayQuestion& range,
                     const ReplayListen& options) {
  std::signal(SIGPIPE, SIG_IGN);
  net::Settings settings = settings_for(context, range, options);
  // Reading it all is one read, in the store itself, before anybody can connect.
  {
    Context asking = context;
    replay::ReplayQuestion read = range;
    read.silent = true;
    read.limit = 0;
    (void)ask(asking, read);
  }
  set_up_log("text", context.verbose);
  auto server = net::Server::start(std::move(settings)).value();
  server->on_listening = [&](const std::vector<std::string>& urls) {
    for (const auto& url : urls) fmt::print("listening on {}\n", url);
    if (!context.quiet)
      fmt::print(
          "the past, at {}{}: read-only, for tokens with audit:read (rollcall token create). The "
          "page is there, too; key '{}'\n"
          "  curl -H 'Authorization: Bearer TOKEN' {}/v1/replay -d '{{\"speed\":\"10x\"}}'\n",
          options.speed, options.paused ? ", paused" : "", server->settings().apps.front().key,
          urls.front());
    std::fflush(stdout);
  };
  server->restart_problem = [] {
    return std::optional<std::string>("a replay is not started anew: start another");
  };
  (void)server->run();
  return 0;
}

}  // namespace rollcall::cli
