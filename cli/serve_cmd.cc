// rollcall serve: the live server.
#include "cli/commands.h"
#include "cli/server_log.h"
#include "cli/settings_file.h"
#include "cli/sign_in_link.h"
#include "net/access/tokens.h"
#include "net/hub/connection.h"
#include "net/server.h"
#include "net/wire/refusals.h"
#include "store/bytes/files.h"
#include "store/log/event_clock.h"
#include "web/assets.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <linux/close_range.h>
#include <malloc.h>
#include <spdlog/spdlog.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <cstring>

extern char** environ;

namespace rollcall::cli {
namespace {

struct Options {
  std::vector<std::string> listen, listen_tls, origins, hosts;
  std::string config, tls_cert, tls_key, log = "text";
  std::uint64_t threads = 0;
};

bool runs(const std::filesystem::path& file) {
  std::error_code ec;
  return std::filesystem::is_regular_file(file, ec) && ::access(file.c_str(), X_OK) == 0;
}

/// The file that this program was started as: an update puts a new one there, while /proc/self/exe
/// goes on to mean the old one.
std::filesystem::path program_file(const std::string& name) {
  std::error_code ec;
  if (name.find('/') != std::string::npos) return std::filesystem::absolute(name, ec);
  const char* path = std::getenv("PATH");
  std::string_view rest = path != nullptr ? path : "";
  while (!rest.empty()) {
    const std::size_t colon = std::min(rest.find(':'), rest.size());
    const auto folder = std::filesystem::absolute(rest.substr(0, colon), ec);
    if (runs(folder / name)) return folder / name;
    rest.remove_prefix(std::min(colon + 1, rest.size()));
  }
  return std::filesystem::read_symlink("/proc/self/exe", ec);
}

/// The program again, in this very process, on the same listening sockets.
void restart(const std::vector<net::Server::Handed>& listeners,
             const std::filesystem::path& program, const std::vector<std::string>& arguments) {
  std::vector<int> moved;
  std::string names;
  for (const auto& listener : listeners) {
    moved.push_back(::fcntl(listener.fd, F_DUPFD, 100));
    names += fmt::format("{}{}", names.empty() ? "" : ":", listener.name);
  }
  for (std::size_t i = 0; i < moved.size(); ++i) {
    ::dup2(moved[i], 3 + static_cast<int>(i));  // dup2 leaves it open across exec
    ::close(moved[i]);
  }
  // Nothing else of ours is the next program's.
  (void)::close_range(3 + static_cast<unsigned>(moved.size()), ~0U, CLOSE_RANGE_CLOEXEC);
  ::setenv("LISTEN_FDS", fmt::format("{}", moved.size()).c_str(), 1);
  ::setenv("LISTEN_FDNAMES", names.c_str(), 1);
  ::setenv("LISTEN_PID", fmt::format("{}", ::getpid()).c_str(), 1);
  std::vector<std::string> words = arguments;
  std::vector<char*> argv;
  for (auto& word : words) argv.push_back(word.data());
  argv.push_back(nullptr);
  ::execv(program.c_str(), argv.data());
  spdlog::error("{} cannot be run ({}): the program goes on as it was", program.string(),
                std::strerror(errno));
  ::execv("/proc/self/exe", argv.data());
  throw store::Failure({store::Errc::Io, "cannot start the program anew"});
}

/// Options that would do nothing, or that need another which is nowhere.
void check_tls(const net::Settings& from_file, const Options& o) {
  const bool certificate = !o.tls_cert.empty() || !from_file.tls_certificate.empty();
  const bool key = !o.tls_key.empty() || !from_file.tls_key.empty();
  if (!o.tls_key.empty() && !certificate)
    usage_error("--tls-key is the key of a certificate: give --tls-cert");
  if (!o.tls_cert.empty() && !key) usage_error("--tls-cert needs its key: give --tls-key");
  if (!o.listen_tls.empty() && !(certificate && key))
    usage_error("--listen-tls needs a certificate: give --tls-cert and --tls-key");
}

int serve(Context& context, const Options& o) {
  const auto program = program_file(context.arguments.front());
  // Blocks of this size, like those of the log's write buffers, go back to the system when they are
  // freed; glibc would raise its threshold at the first one and keep the rest for ever.
  constexpr int kLargeBlock = 512 << 10;
  (void)::mallopt(M_MMAP_THRESHOLD, kLargeBlock);
  std::signal(SIGPIPE, SIG_IGN);
  std::signal(SIGXFSZ, SIG_IGN);  // a file that may not grow is an error like any other
  set_up_log(o.log, context.verbose);
  net::Settings settings;
  settings.data = context.data_folder();
  const std::filesystem::path file =
      o.config.empty() ? settings.data / "rollcall.toml" : std::filesystem::path(o.config);
  const bool first = !std::filesystem::exists(file);
  if (first && !o.config.empty())
    throw store::Failure({store::Errc::NotFound, fmt::format("there is no {}", o.config)});
  if (first) make_settings(file, context.app.empty() ? "main" : context.app).value();
  read_settings(file, settings).value();
  check_tls(settings, o);
  if (settings.apps.empty())
    throw store::Failure({store::Errc::BadInput, fmt::format("{} has no [[apps]]", file.string())});
  if (!o.listen.empty() || !o.listen_tls.empty()) settings.listen.clear();
  if (!o.tls_cert.empty()) settings.tls_certificate = o.tls_cert;
  if (!o.tls_key.empty()) settings.tls_key = o.tls_key;
  const bool tls = !settings.tls_certificate.empty();
  for (const auto& text : o.listen)  // with a certificate, --listen speaks TLS
    settings.listen.push_back(parse_endpoint(text, tls && o.listen_tls.empty()).value());
  for (const auto& text : o.listen_tls)
    settings.listen.push_back(parse_endpoint(text, true).value());
  if (o.listen.empty() && o.listen_tls.empty() && tls)
    for (auto& endpoint : settings.listen)
      if (settings.listen.size() == 1) endpoint.tls = true;
  for (const auto& endpoint : settings.listen)
    if (endpoint.tls && settings.tls_key.empty())
      throw store::Failure({store::Errc::BadInput, "TLS needs --tls-cert and --tls-key"});
  if (!o.origins.empty()) settings.origins = o.origins;
  settings.hosts.insert(settings.hosts.end(), o.hosts.begin(), o.hosts.end());
  if (o.threads != 0) settings.threads = static_cast<unsigned>(o.threads);
  settings.accept_clock = context.accept_clock;

  if (!std::filesystem::exists(settings.data))  // the file may lie elsewhere
    store::make_directories(settings.data, store::Secret::Yes).value();
  const std::filesystem::path admin = settings.data / "admin.token";
  if (!std::filesystem::exists(admin)) net::Tokens(settings.data).make_admin(admin).value();
  settings.page = web::assets();
  auto server = net::Server::start(std::move(settings)).value();
  server->on_listening = [&](const std::vector<std::string>& urls) {
    for (const auto& url : urls) {
      spdlog::info("listening on {}", url);
      fmt::print("listening on {}\n", url);
    }
    if (first && !context.quiet) {
      const auto& app = server->settings().apps.front();
      const std::string& url = urls.front();
      const std::size_t colon = url.rfind(':');
      const std::string host = url.substr(url.find("://") + 3, colon - url.find("://") - 3);
      fmt::print(
          "\nA new store was made in {0}. A client connects like this (pusher-js, Laravel "
          "Echo):\n\n"
          "  new Pusher('{1}', {{ wsHost: '{2}', wsPort: {3}, forceTLS: false, cluster: '',\n"
          "                       enabledTransports: ['ws', 'wss'] }})\n\n"
          "The secret is in {4}, the admin's token in {5}; both are readable by you alone.\n"
          "  rollcall --url {6} login ada\n  rollcall --url {6} watch\n"
          "A link that signs you in to the page: {7}\n",
          server->settings().data.string(), app.key, host, url.substr(colon + 1), file.string(),
          admin.string(), url,
          // Where it is read by a person at once and kept by nobody; a log gets the command.
          ::isatty(STDOUT_FILENO) == 1
              ? sign_in_link(context, url, store::wall_now() / 1'000'000 + 12 * 3600)
              : fmt::format("rollcall -d {} --url {} token link", server->settings().data.string(),
                            url));
    }
    std::fflush(stdout);
  };
  server->restart_problem = [&program]() -> std::optional<std::string> {
    if (runs(program)) return std::nullopt;
    return fmt::format("there is no program to start at {}", program.string());
  };
  const auto ended = server->run();
  if (ended == net::Server::Ended::Restart) {
    auto kept = server->listeners();
    for (auto& listener : kept) listener.fd = ::fcntl(listener.fd, F_DUPFD_CLOEXEC, 200);
    server.reset();  // the store is closed before the program that follows opens it
    spdlog::info("starting anew on the same sockets");
    restart(kept, program, context.arguments);
  }
  spdlog::info("stopped");
  return 0;
}

}  // namespace

void add_serve(Command& root) {
  auto o = std::make_shared<Options>();
  Command command = root.command("serve", "the live server: Pusher clients, HTTP API, /v1");
  command.list("--listen", o->listen, "address and port, more than once (default 127.0.0.1:8080)",
               wrong_endpoint);
  command.list("--listen-tls", o->listen_tls, "the same over TLS, where both are wanted",
               wrong_endpoint);
  command.option("--config", o->config, "instead of DIR/rollcall.toml");
  command.option("--tls-cert", o->tls_cert, "certificate chain (PEM); read again on SIGHUP");
  command.option("--tls-key", o->tls_key, "its key (PEM)");
  command.list("--origin", o->origins, "sites whose pages may connect, like https://example.com",
               wrong_site);
  command.list("--host", o->hosts, "names that Host may be, besides loopback addresses",
               wrong_site);
  command.option("--threads", o->threads, "shards (default: one a core but one)",
                 a_number(0, net::kShardsMax));
  command.option("--log", o->log, "text, json, or quiet (warnings alone), on stderr",
                 one_of({"text", "json", "quiet"}));
  command.examples(
      "  rollcall serve\n"
      "  rollcall -d /var/lib/rollcall serve --listen 0.0.0.0:443 --tls-cert fullchain.pem \\\n"
      "      --tls-key key.pem --host presence.example.com --origin https://example.com\n"
      "Signals: TERM, INT drain and stop; USR2 drains and starts anew on the same sockets; HUP "
      "reads\n"
      "the certificate again. Sockets passed by systemd (LISTEN_FDS) are used.");
  command.run([o](Context& context) { return serve(context, *o); });
}

}  // namespace rollcall::cli
