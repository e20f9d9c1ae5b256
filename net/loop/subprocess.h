// This very program in a process of its own, on an app's store: what is heavy or may fail costs
// the server nothing.
//
// Why this file exists: such a child works on somebody else's behalf. What it is for (its errand)
// it learns over its standard input, a pipe that only its parent holds the other end of: neither
// the environment nor the command line can say it. It opens no file but the store's, has limits of
// its own, and ends when its parent does, however that was.
#pragma once

#include "engine/event.h"
#include "store/bytes/errc.h"
#include "store/log/layout.h"

#include <sys/types.h>

#include <chrono>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace rollcall::net::inline loop {

/// The program's name in a child; with it the program reads its errand before anything else.
inline constexpr std::string_view kErrandName = "rollcall-errand";

struct Errand {
  engine::Seq read = 0;       ///< the HistoryRead that says so in the log; 0: none could be written
  std::string secret;         ///< its proof is made of (replay/read_log.h); known to nobody else
  bool server_admin = false;  ///< for who governs the server, not this app alone
  bool folders = false;       ///< may use the folders its command names (backups)
  bool nice = false;          ///< behind everything else
  std::uint64_t cpu_s = 0, memory_mb = 0;  ///< 0: no limit
};

struct Child {
  pid_t pid = -1;
  int out = -1, err = -1;  ///< its output's ends, ours to close: follow_child() does
  int errand = -1;         ///< while this is open, the child knows that we live
};

/// `rollcall ARGUMENTS` on the store. The calling thread must outlive the child.
[[nodiscard]] store::Result<Child> start_child(const store::Layout& layout,
                                               const std::vector<std::string>& arguments,
                                               const Errand& errand);

/// Until it ends: gives its output on, asks `go_on` at least twice a second, and ends it where that
/// says no or `longest` has passed (0: never). Its exit code.
[[nodiscard]] int follow_child(
    Child child, const std::function<bool()>& go_on,
    const std::function<void(bool error, std::string_view bytes)>& output,
    std::chrono::seconds longest = std::chrono::seconds(0));

/// In the child: reads the errand, takes its limits on, and sees to it that the process ends with
/// its parent. Nothing where the standard input holds none.
[[nodiscard]] std::optional<Errand> take_errand();

}  // namespace rollcall::net::inline loop
