// Asking the folder.
#include "cli/served.h"

#include "cli/usage_error.h"
#include "net/access/local_caller.h"
#include "net/loop/http.h"
#include "net/loop/local_socket.h"
#include "store/bytes/files.h"

#include <fmt/format.h>
#include <unistd.h>

namespace rollcall::cli {

using store::Errc;
using store::Failure;

namespace {

[[noreturn]] void refuse_foreign(const std::filesystem::path& socket) {
  throw Failure({Errc::NotPermitted,
                 fmt::format("{} is the socket of a server that another user runs: run this as "
                             "that user, or ask it with --url and a token",
                             socket.string())});
}

}  // namespace

std::optional<std::string> served_url(const Context& context) {
  const auto file = std::filesystem::absolute(context.data_folder()) / net::kLocalSocket;
  std::error_code ec;
  if (!std::filesystem::is_socket(std::filesystem::symlink_status(file, ec))) return std::nullopt;
  const auto layout = store::locate(context.data_folder(), context.app);
  const auto held = [&] { return layout && store::FileLock::held(layout->writer_lock()); };
  const auto connected = net::connect_local(file);
  if (!connected) {
    // Of somebody else's socket the system does not say whether anybody listens.
    if (connected.error().code == Errc::NotPermitted && held()) refuse_foreign(file);
    if (connected.error().code == Errc::Io) throw Failure(connected.error());
    return std::nullopt;
  }
  const auto server = net::user_at(*connected);
  ::close(*connected);
  if (::geteuid() != 0 && server && server != ::geteuid()) refuse_foreign(file);
  auto url = net::local_url(file);
  if (!layout || held()) return url;
  // It may serve another app alone, or be between two programs (SIGUSR2), when nobody holds the
  // store: once it answers, it holds what is its own.
  (void)net::get(url + "/up").value();
  if (!held()) return std::nullopt;
  return url;
}

void go_where_served(Context& context) {
  if (!context.url.empty()) return;
  const auto url = served_url(context);
  if (!url) return;
  if (context.accept_clock)
    usage_error("--accept-clock is for a store that nobody serves: its server has a clock");
  context.app = store::locate(context.data_folder(), context.app).value().app;
  context.url = *url;
}

}  // namespace rollcall::cli
