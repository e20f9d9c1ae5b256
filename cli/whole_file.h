// A file that a command writes for its caller (-O FILE): there whole, or not at all.
//
// Why this file exists: a command that fails halfway must not leave half a file under the name that
// somebody's script reads next, nor lose what was there before.
#pragma once

#include <cstdio>
#include <string>

namespace rollcall::cli {

class WholeFile {
 public:
  /// Empty or - is standard output. What is there and is no regular file (a pipe, a device) is
  /// written to as it is, never replaced. Throws a Failure.
  explicit WholeFile(std::string path);
  /// What was not finished is gone.
  ~WholeFile();
  WholeFile(const WholeFile&) = delete;
  WholeFile& operator=(const WholeFile&) = delete;
  [[nodiscard]] std::FILE* stream() const { return stream_; }
  /// Durable under its name on return. Throws a Failure.
  void finish();

 private:
  enum class Target { StandardOutput, AsItIs, Replaced };
  void fail(const char* what);
  std::string path_, part_;
  Target target_ = Target::StandardOutput;
  std::FILE* stream_;
};

}  // namespace rollcall::cli
