// Rows of an answer in the format asked for: a table for people, JSON, NDJSON or CSV for machines.
#pragma once

#include "cli/command.h"
#include "store/printable.h"

#include <boost/json/object.hpp>

#include <cstdio>
#include <string>
#include <string_view>
#include <vector>

namespace rollcall::cli {

using store::printable;

/// JSON on one line, in which nothing hides itself.
[[nodiscard]] std::string json_text(const boost::json::value& value);

/// Whether anything but a person reads stdout.
[[nodiscard]] bool machine_output(const Context& context);

class Rows {
 public:
  /// `columns`: the names a table shows, in order; machines get every key of a row.
  Rows(const Context& context, std::vector<std::string> columns, std::FILE* out = stdout);
  void add(boost::json::object row);
  /// Shows what a table holds back for the sake of its widths, which stay from then on.
  void flush();
  /// Writes what remains; call once.
  void finish();

 private:
  void print(const boost::json::object& row);
  void put(const std::vector<std::string>& line);
  std::FILE* out_;
  std::string format_;
  std::vector<std::string> columns_;
  std::vector<std::string> fields_;        ///< of --fields
  std::vector<boost::json::object> held_;  ///< tables only: their widths tell the columns'
  std::vector<std::size_t> widths_;        ///< empty until the first lines are shown
  bool first_ = true;
};

/// A bar on stderr while something takes long; silent where stderr is no terminal.
class ProgressBar {
 public:
  ProgressBar(const Context& context, std::string what);
  ~ProgressBar();
  void update(std::uint64_t done, std::uint64_t all);

 private:
  std::string what_;
  bool shown_ = false;
  bool enabled_;
  std::int64_t started_us_;
  std::int64_t last_us_ = 0;
};

}  // namespace rollcall::cli
