// Written aside, synced, renamed.
#include "cli/whole_file.h"

#include "store/bytes/errc.h"

#include <fmt/format.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <utility>

namespace rollcall::cli {

WholeFile::WholeFile(std::string path) : path_(std::move(path)), stream_(stdout) {
  if (path_.empty() || path_ == "-") return;
  std::error_code ec;
  const auto there = std::filesystem::status(path_, ec);
  const bool replaced = !std::filesystem::exists(there) || std::filesystem::is_regular_file(there);
  target_ = replaced ? Target::Replaced : Target::AsItIs;
  part_ = replaced ? path_ + ".part" : path_;
  stream_ = std::fopen(part_.c_str(), "we");
  if (stream_ == nullptr) fail("cannot write");
}

WholeFile::~WholeFile() {
  if (target_ == Target::StandardOutput || stream_ == nullptr) return;
  std::fclose(stream_);
  if (target_ == Target::Replaced) std::remove(part_.c_str());
}

void WholeFile::fail(const char* what) {
  throw store::Failure({store::Errc::Io, fmt::format("{} {}: {}", what, path_.empty() ? "-" : path_,
                                                     std::strerror(errno))});
}

void WholeFile::finish() {
  if (std::ferror(stream_) != 0 || std::fflush(stream_) != 0) fail("cannot write");
  if (target_ == Target::StandardOutput) return;
  if (target_ == Target::Replaced && ::fsync(::fileno(stream_)) != 0) fail("cannot write");
  const auto given_up = [&](const char* what) {
    const int why = errno;
    if (target_ == Target::Replaced) std::remove(part_.c_str());
    errno = why;
    fail(what);
  };
  if (std::fclose(std::exchange(stream_, nullptr)) != 0) given_up("cannot write");
  if (target_ == Target::Replaced && std::rename(part_.c_str(), path_.c_str()) != 0)
    given_up("cannot make");
}

}  // namespace rollcall::cli
