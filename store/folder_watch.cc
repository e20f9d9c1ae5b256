// Device and inode of what stays the same, presence of what is renamed into place.
#include "store/folder_watch.h"

#include "store/bytes/files.h"

#include <fmt/format.h>
#include <sys/stat.h>

#include <cerrno>
#include <cstring>

namespace rollcall::store {

FolderWatch::FolderWatch(const Layout& layout) {
  for (const auto& path : {layout.app_dir, layout.log(), layout.vault(), layout.writer_lock()}) {
    struct stat now {};
    if (::stat(path.c_str(), &now) == 0) kept_.push_back({path, now.st_dev, now.st_ino});
  }
  const auto current = layout.log() / "CURRENT";  // not if the log is kept elsewhere
  if (present(current)) present_.push_back(current);
}

Result<void> FolderWatch::check() const {
  const auto gone = [](const std::filesystem::path& path) {
    return Error{Errc::Io, fmt::format("the store is gone: {}: {}; put it back, or stop the server",
                                       path.string(), std::strerror(errno))};
  };
  struct stat now {};
  for (const Kept& kept : kept_) {
    if (::stat(kept.path.c_str(), &now) != 0) return gone(kept.path);
    if (now.st_dev != kept.device || now.st_ino != kept.inode)
      return Error{Errc::Io,
                   fmt::format("the store was replaced: {} is not the one that was opened; "
                               "start the server anew to serve what is there now",
                               kept.path.string())};
  }
  for (const auto& path : present_)
    if (::stat(path.c_str(), &now) != 0) return gone(path);
  return {};
}

}  // namespace rollcall::store
