// Running the rollcall binary as a user would, and killing it.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

namespace rollcall::test {

struct Finished {
  int code = 0;     ///< exit code; 128 + signal where it was killed
  std::string out;  ///< stdout
  std::string err;  ///< stderr
};

/// Runs `rollcall ARGS` in `directory` to its end.
Finished run_rollcall(const std::filesystem::path& directory, const std::vector<std::string>& args);

/// The same with stdout going to `file` (not told in `out`).
Finished run_rollcall_into(const std::filesystem::path& directory,
                           const std::vector<std::string>& args, const std::string& file);
/// The same on a terminal of its own, which is told in `out`; `environment` as NAME=VALUE is added.
Finished run_on_terminal(const std::filesystem::path& directory,
                         const std::vector<std::string>& args,
                         const std::vector<std::string>& environment);

/// A running rollcall.
class Process {
 public:
  Process(const std::filesystem::path& directory, const std::vector<std::string>& args);
  ~Process();
  Process(const Process&) = delete;
  Process& operator=(const Process&) = delete;
  /// SIGKILL after `micros`, unless it ended before; true where it was killed.
  bool kill_after(long micros);
  void signal(int number);
  /// Reads stdout until a line that holds `text`; that line.
  std::string wait_for(const std::string& text);
  int wait();

 private:
  int pid_ = -1;
  int out_ = -1;
  std::string buffer_;
};

}  // namespace rollcall::test
