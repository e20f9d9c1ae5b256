// Finding an app's folder.
#include "store/log/layout.h"

#include "store/bytes/files.h"

#include <fmt/format.h>

#include <algorithm>

namespace rollcall::store::inline log {

bool valid_app_id(std::string_view app) {
  return !app.empty() && app.size() <= 64 && app.front() != '.' &&
         std::all_of(app.begin(), app.end(), [](char c) {
           return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                  c == '_' || c == '-' || c == '.';
         });
}

Result<Layout> locate(const std::filesystem::path& data, std::string_view app) {
  const std::filesystem::path apps = data / "apps";
  if (!app.empty()) {
    if (!valid_app_id(app))
      return Error{Errc::BadInput, fmt::format("an app id is {}", kAppIdRule)};
    return Layout{apps / std::string(app), std::string(app)};
  }
  std::vector<std::string> found;
  std::error_code ec;
  for (const auto& entry : std::filesystem::directory_iterator(apps, ec)) {
    const std::string name = entry.path().filename().string();
    if (valid_app_id(name)) found.push_back(name);
  }
  if (found.size() > 1) {
    std::sort(found.begin(), found.end());
    return Error{Errc::BadInput, fmt::format("{} holds several apps ({}): say which with --app",
                                             data.string(), fmt::join(found, ", "))};
  }
  const std::string name = found.empty() ? "main" : found.front();
  return Layout{apps / name, name};
}

bool exists(const Layout& layout) { return present(layout.log() / "CURRENT"); }

}  // namespace rollcall::store::inline log
