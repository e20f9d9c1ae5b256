// Bundles on disk: a folder, or a tar through libarchive.
#include "replay/archive_library.h"
#include "replay/bundle.h"
#include "store/bytes/files.h"

#include <fmt/format.h>
#include <unistd.h>

#include <memory>

namespace rollcall::replay {
namespace {

constexpr std::size_t kBundleSizeMax = std::size_t{4} << 30;
constexpr std::size_t kBundleFilesMax = 20'000'000;

struct FreeArchive {
  void operator()(archive* a) const { archive_free(a); }
};
struct FreeEntry {
  void operator()(archive_entry* e) const { archive_entry_free(e); }
};

bool safe_name(const std::string& name) {
  return !name.empty() && name.front() != '/' && name.find("..") == std::string::npos &&
         name.size() < 256;
}

Error archive_error(archive* a, const std::filesystem::path& path) {
  const char* text = archive_error_string(a);
  return {Errc::BadInput,
          fmt::format("{}: {}", path.string(), text != nullptr ? text : "not a tar")};
}

Result<BundleFiles> read_tar(const std::filesystem::path& path) {
  RC_TRY(load_archive());
  const std::unique_ptr<archive, FreeArchive> a{archive_read_new()};
  archive_read_support_format_tar(a.get());
  archive_read_support_filter_gzip(a.get());
  archive_read_support_filter_zstd(a.get());
  if (archive_read_open_filename(a.get(), path.c_str(), 1 << 16) != ARCHIVE_OK)
    return archive_error(a.get(), path);
  BundleFiles files;
  std::size_t total = 0;
  archive_entry* entry = nullptr;
  while (true) {
    const int rc = archive_read_next_header(a.get(), &entry);
    if (rc == ARCHIVE_EOF) return files;
    if (rc != ARCHIVE_OK) return archive_error(a.get(), path);
    if (archive_entry_filetype(entry) != AE_IFREG) continue;
    const char* raw = archive_entry_pathname(entry);
    std::string name = raw != nullptr ? raw : "";
    if (name.starts_with("./")) name.erase(0, 2);
    if (!safe_name(name))
      return Error{Errc::BadInput,
                   fmt::format("{}: a file name that no bundle has", path.string())};
    std::string content;
    char buffer[65536];
    la_ssize_t n = 0;
    while ((n = archive_read_data(a.get(), buffer, sizeof buffer)) > 0) {
      total += static_cast<std::size_t>(n);
      if (total > kBundleSizeMax)
        return Error{Errc::BadInput, fmt::format("{}: larger than a bundle may be", path.string())};
      content.append(buffer, static_cast<std::size_t>(n));
    }
    if (n < 0) return archive_error(a.get(), path);
    if (files.size() >= kBundleFilesMax || !files.emplace(name, std::move(content)).second) {
      return Error{Errc::BadInput, fmt::format("{}: too many files, or one twice", path.string())};
    }
  }
}

Result<void> write_tar(const BundleFiles& files, const std::filesystem::path& path) {
  RC_TRY(load_archive());
  const std::unique_ptr<archive, FreeArchive> a{archive_write_new()};
  archive_write_set_format_ustar(a.get());
  const int opened = path == "-" ? archive_write_open_fd(a.get(), STDOUT_FILENO)
                                 : archive_write_open_filename(a.get(), path.c_str());
  if (opened != ARCHIVE_OK) return archive_error(a.get(), path);
  for (const auto& [name, content] : files) {
    const std::unique_ptr<archive_entry, FreeEntry> entry{archive_entry_new()};
    archive_entry_set_pathname(entry.get(), name.c_str());
    archive_entry_set_size(entry.get(), static_cast<la_int64_t>(content.size()));
    archive_entry_set_filetype(entry.get(), AE_IFREG);
    archive_entry_set_perm(entry.get(), name == "verify.sh" ? 0755 : 0644);
    if (archive_write_header(a.get(), entry.get()) != ARCHIVE_OK ||
        archive_write_data(a.get(), content.data(), content.size()) !=
            static_cast<la_ssize_t>(content.size())) {
      return archive_error(a.get(), path);
    }
  }
  if (archive_write_close(a.get()) != ARCHIVE_OK) return archive_error(a.get(), path);
  return {};
}

}  // namespace

Result<void> write_bundle(const BundleFiles& files, const std::filesystem::path& path) {
  if (path == "-") return write_tar(files, path);
  if (std::filesystem::exists(path))
    return Error{Errc::Refused, fmt::format("{} exists", path.string())};
  if (path.extension() == ".tar") return write_tar(files, path);
  for (const auto& [name, content] : files) {
    const std::filesystem::path file = path / name;
    RC_TRY(store::make_directories(file.parent_path()));
    std::FILE* out = std::fopen(file.c_str(), "wb");
    if (out == nullptr) return Error{Errc::Io, fmt::format("cannot write {}", file.string())};
    const bool ok = std::fwrite(content.data(), 1, content.size(), out) == content.size();
    if (std::fclose(out) != 0 || !ok)
      return Error{Errc::Io, fmt::format("cannot write {}", file.string())};
  }
  std::filesystem::permissions(path / "verify.sh", std::filesystem::perms::owner_exec,
                               std::filesystem::perm_options::add);
  return {};
}

Result<BundleFiles> read_bundle(const std::filesystem::path& path) {
  if (!std::filesystem::is_directory(path)) return read_tar(path);
  BundleFiles files;
  std::size_t total = 0;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(path)) {
    if (!entry.is_regular_file()) continue;
    total += entry.file_size();
    if (total > kBundleSizeMax || files.size() >= kBundleFilesMax)
      return Error{Errc::BadInput, fmt::format("{}: larger than a bundle may be", path.string())};
    auto content = store::read_file(entry.path());
    if (!content) return content.error();
    files[std::filesystem::relative(entry.path(), path).string()] = std::move(*content);
  }
  return files;
}

Result<BundleReport> verify_bundle(const std::filesystem::path& path,
                                   const std::optional<store::PolicyFile>& trusted) {
  const auto files = read_bundle(path);
  if (!files) return files.error();
  return verify_bundle(*files, trusted);
}

}  // namespace rollcall::replay
