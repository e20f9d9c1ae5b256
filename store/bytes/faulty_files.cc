// A journal of what a crash undoes.
#include "store/bytes/faulty_files.h"

#include <fmt/format.h>
#include <sys/stat.h>

#include <algorithm>

namespace rollcall::store::inline bytes {
namespace {

using How = Faults::How;

Error failure(const char* what) { return {Errc::Io, fmt::format("{}: a fault for a test", what)}; }

std::uint64_t inode_of(const std::filesystem::path& path) {
  struct stat now {};
  return ::stat(path.c_str(), &now) == 0 ? now.st_ino : 0;
}

}  // namespace

/// A file whose writes are counted and remembered.
class FaultyFiles::Watched final : public File {
 public:
  Watched(FaultyFiles& files, std::uint64_t inode, std::shared_ptr<File> file)
      : files_(files), inode_(inode), file_(std::move(file)) {}

  [[nodiscard]] Result<std::uint64_t> size() const override { return file_->size(); }
  [[nodiscard]] Result<Bytes> read_at(std::uint64_t offset, std::size_t size) const override {
    return file_->read_at(offset, size);
  }

  [[nodiscard]] Result<void> write_at(std::uint64_t offset, ByteView bytes) override {
    const How how = files_.faults_.next();
    if (how == How::Refuse || how == How::Crash) return failure("cannot write");
    files_.remember_content(inode_, file_);
    if (how == How::Tear) bytes = bytes.first(bytes.size() / 2);
    RC_TRY(file_->write_at(offset, bytes));
    if (how != How::None) return failure("cannot write");
    return {};
  }

  [[nodiscard]] Result<void> resize(std::uint64_t size) override {
    return files_.perform("cannot write", [&]() -> Result<void> {
      const auto now = file_->size();
      if (now && *now == size) return {};
      files_.remember_content(inode_, file_);
      return file_->resize(size);
    });
  }

  [[nodiscard]] Result<void> sync() override {
    return files_.perform("cannot sync", [&]() -> Result<void> {
      files_.settle([&](const Undo& undo) { return undo.inode == inode_; });
      return {};
    });
  }

 private:
  FaultyFiles& files_;
  std::uint64_t inode_;
  std::shared_ptr<File> file_;
};

FaultyFiles::FaultyFiles(Faults& faults, std::filesystem::path undo)
    : faults_(faults), undo_(std::move(undo)) {
  std::filesystem::create_directories(undo_);
}

FaultyFiles::~FaultyFiles() = default;

void FaultyFiles::crash() {
  for (auto undo = undos_.rbegin(); undo != undos_.rend(); ++undo) undo->back();
  settle([](const Undo&) { return true; });
}

void FaultyFiles::settle(const std::function<bool(const Undo&)>& settled) {
  std::error_code ec;
  for (const Undo& undo : undos_)
    if (!undo.kept.empty() && settled(undo)) std::filesystem::remove(undo.kept, ec);
  undos_.erase(std::remove_if(undos_.begin(), undos_.end(), settled), undos_.end());
}

std::filesystem::path FaultyFiles::keep(const std::filesystem::path& path) {
  std::error_code ec;
  auto kept = undo_ / std::to_string(++kept_);
  std::filesystem::create_hard_link(path, kept, ec);
  return ec ? std::filesystem::path() : kept;
}

void FaultyFiles::remember_content(std::uint64_t inode, std::shared_ptr<File> file) {
  for (const Undo& undo : undos_)
    if (undo.inode == inode) return;  // as it was when it was last synced
  const auto content = file->read_at(0, file->size().value()).value();
  undos_.push_back({inode,
                    {},
                    [content, file = std::move(file)] {
                      file->resize(0).value();
                      file->write_at(0, content).value();
                    },
                    {}});
}

Result<void> FaultyFiles::perform(const char* what, const std::function<Result<void>()>& work) {
  const How how = faults_.next();
  if (how == How::None || how == How::Late) RC_TRY(work());
  if (how != How::None) return failure(what);
  return {};
}

Result<std::unique_ptr<File>> FaultyFiles::open(const std::filesystem::path& path) {
  auto file = disk_files().open(path);
  if (!file) return file;
  return std::unique_ptr<File>(std::make_unique<Watched>(*this, inode_of(path), std::move(*file)));
}

Result<std::unique_ptr<File>> FaultyFiles::create(const std::filesystem::path& path,
                                                  Secret secret) {
  std::shared_ptr<File> file;
  RC_TRY(perform("cannot write", [&]() -> Result<void> {
    if (auto old = disk_files().open(path)) {
      remember_content(inode_of(path), std::move(*old));
    } else {
      undos_.push_back({0,
                        path.parent_path(),
                        [path] {
                          std::error_code ec;
                          std::filesystem::remove(path, ec);
                        },
                        {}});
    }
    auto made = disk_files().create(path, secret);
    if (!made) return made.error();
    file = std::move(*made);
    return {};
  }));
  return std::unique_ptr<File>(std::make_unique<Watched>(*this, inode_of(path), std::move(file)));
}

Result<void> FaultyFiles::rename(const std::filesystem::path& from,
                                 const std::filesystem::path& to) {
  return perform("cannot rename", [&]() -> Result<void> {
    const auto kept = keep(to);
    RC_TRY(disk_files().rename(from, to));
    undos_.push_back({0, to.parent_path(),
                      [from, to, kept] {
                        std::filesystem::rename(to, from);
                        if (!kept.empty()) std::filesystem::rename(kept, to);
                      },
                      kept});
    return {};
  });
}

Result<void> FaultyFiles::link(const std::filesystem::path& file,
                               const std::filesystem::path& name) {
  return perform("cannot link", [&]() -> Result<void> {
    RC_TRY(disk_files().link(file, name));
    undos_.push_back({0, name.parent_path(), [name] { std::filesystem::remove(name); }, {}});
    return {};
  });
}

Result<void> FaultyFiles::remove(const std::filesystem::path& path) {
  std::error_code ec;
  if (!std::filesystem::exists(path, ec)) return {};
  return perform("cannot remove", [&]() -> Result<void> {
    const auto kept = keep(path);
    RC_TRY(disk_files().remove(path));
    undos_.push_back(
        {0, path.parent_path(), [path, kept] { std::filesystem::rename(kept, path); }, kept});
    return {};
  });
}

Result<void> FaultyFiles::sync_directory(const std::filesystem::path& directory) {
  return perform("cannot sync", [&]() -> Result<void> {
    settle([&](const Undo& undo) { return undo.inode == 0 && undo.directory == directory; });
    return {};
  });
}

}  // namespace rollcall::store::inline bytes
