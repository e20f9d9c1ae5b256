// Waiting for another process to write to a log.
//
// Why this file exists: a follower reads what was appended, and between two appends there is
// nothing to do. The system says when a file of the log changes (inotify); where it cannot, as on
// a network's file system, the log is looked at once a second.
#pragma once

#include "store/log/layout.h"

namespace rollcall::store::inline log {

class LogWatch {
 public:
  /// Sees every change from here on. The calling thread gets SIGINT and SIGTERM by wait() alone.
  explicit LogWatch(const Layout& layout);
  ~LogWatch();
  LogWatch(const LogWatch&) = delete;
  LogWatch& operator=(const LogWatch&) = delete;

  /// Until something changed, SIGINT or SIGTERM came, or a second passed. False after a signal.
  [[nodiscard]] bool wait();

 private:
  int changes_ = -1, signals_ = -1;
};

}  // namespace rollcall::store::inline log
