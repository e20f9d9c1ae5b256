// The readers of one app: a few processes that stay, each answering one question at a time.
//
// Why this file exists: a question is handed to a reader that is free, or to a new one; one that
// takes too long, uses too much or dies is ended and replaced, and the server has lost nothing. A
// person who is forgotten must be gone from their memory, too: then all of them are replaced.
#pragma once

#include "store/bytes/errc.h"
#include "store/bytes/mutex.h"
#include "store/log/layout.h"

#include <boost/json/object.hpp>
#include <sys/types.h>

#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

namespace rollcall::net::inline readers {

struct ReaderLimits {
  std::size_t most = 16;                   ///< readers at a time
  std::size_t most_of_one = 4;             ///< of them for one asker
  std::size_t idle_most = 2;               ///< that stay when nobody asks
  std::uint64_t memory_mb = 0;             ///< of a reader's address space; 0: no limit
  std::chrono::seconds longest{0};         ///< that a question may take; 0: as long as it is wanted
  std::uint64_t cpu_s = 0, rows_most = 0;  ///< of a question; 0: no limit
};

/// A question as it is handed over (replay/question/answer.h).
struct Errand {
  std::string question;
  boost::json::object ask;
  bool entries = false;  ///< events travel as replay::EntryRow
  std::string asker;     ///< who has a share of the readers; empty: the server itself
};

/// The moment that questions are asked at, if it is not the present: the log ends with `last`, and
/// it is `now` there.
struct AskedAt {
  std::uint64_t last = 0;
  std::int64_t now = 0;  ///< microseconds
};

class ReaderPool {
 public:
  /// A question waits while there are as many readers as there may be, or as many of them answer
  /// its asker. `asked_at`: of a replay; called for each question, from any thread.
  ReaderPool(store::Layout layout, ReaderLimits limits, std::function<AskedAt()> asked_at = {});
  ~ReaderPool();
  ReaderPool(const ReaderPool&) = delete;
  ReaderPool& operator=(const ReaderPool&) = delete;

  /// Hands over the answer's lines, the last of which is {"end":…} or {"error":…}. An error here:
  /// the question was ended (by `go_on`, which is asked at least five times a second, by a limit,
  /// or by renew()) or there was no reader. From any thread; blocks.
  [[nodiscard]] store::Result<void> ask(const Errand& errand, const std::function<bool()>& go_on,
                                        const std::function<bool(std::string_view line)>& line,
                                        bool without_end = false);
  /// The same by a reader of its own behind everything else, which then ends: for the server's own
  /// errands.
  [[nodiscard]] store::Result<void> ask_aside(const Errand& errand,
                                              const std::function<bool()>& go_on);
  /// Starts one, so that the first question finds it.
  void prepare();
  /// Returns when no reader lives that was started before the call: idle ones are ended at once,
  /// busy ones may finish for two seconds.
  void renew();
  /// Ends them all; questions under way end with an error.
  void stop();

 private:
  struct Process {
    pid_t pid = -1;
    int socket = -1;
    std::uint64_t generation = 0;
    std::string asker;
    bool spent = false;  ///< answers nothing any more; not reaped yet, so that its number stays its
  };
  [[nodiscard]] store::Result<Process> start(bool nice) const;
  [[nodiscard]] store::Result<Process> take(const std::string& asker,
                                            const std::function<bool()>& go_on);
  void give_back(Process process);
  static void end(Process& process);
  [[nodiscard]] store::Result<void> follow(Process& process, const Errand& errand,
                                           const std::function<bool()>& go_on,
                                           const std::function<bool(std::string_view)>& line,
                                           bool without_end);

  const store::Layout layout_;
  const ReaderLimits limits_;
  const std::function<AskedAt()> asked_at_;
  store::Mutex mutex_;
  std::condition_variable fewer_;
  std::vector<Process> idle_ RC_GUARDED_BY(mutex_);
  std::vector<Process> busy_ RC_GUARDED_BY(mutex_);  ///< pid and generation alone
  std::size_t starting_ RC_GUARDED_BY(mutex_) = 0;
  std::size_t ending_ RC_GUARDED_BY(mutex_) = 0;  ///< given back, and not yet idle or gone
  std::uint64_t generation_ RC_GUARDED_BY(mutex_) = 0;
  bool stopping_ RC_GUARDED_BY(mutex_) = false;
};

}  // namespace rollcall::net::inline readers
