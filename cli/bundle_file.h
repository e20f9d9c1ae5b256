// Files that came as rows of an answer, written where the caller says.
#pragma once

#include "replay/question/bundle_rows.h"

#include <filesystem>
#include <functional>
#include <string>

namespace rollcall::cli {

class BundleTaker {
 public:
  [[nodiscard]] std::function<bool(const replay::BundleFile&)> row();
  /// As a bundle: a new folder, or a tar if the name ends in .tar; - is a tar on standard output.
  void write_quietly(const std::string& out) const;
  /// The same, and prints the name.
  void write(const std::string& out) const;

 private:
  replay::BundleFiles files_;
};

/// Writes each file as it comes into a folder that may be there; keeps the tiles that are.
[[nodiscard]] std::function<bool(const replay::BundleFile&)> rows_into(const std::string& folder);

}  // namespace rollcall::cli
