// Rows of an answer in the format asked for: a table for people, JSON, NDJSON or CSV for machines.
#pragma once

#include "cli/command.h"

#include <boost/json/object.hpp>

#include <string>
#include <string_view>
#include <vector>

namespace rollcall::cli {

/// Text from outside made safe for a terminal: controls, ESC, DEL and bidirectional marks are
/// escaped.
[[nodiscard]] std::string printable(std::string_view text);

/// Whether anything but a person reads stdout.
[[nodiscard]] bool machine_output(const Context& context);

class Rows {
 public:
  /// `columns`: the names a table shows, in order; machines get every key of a row.
  Rows(const Context& context, std::vector<std::string> columns);
  void add(boost::json::object row);
  /// Writes what remains; call once.
  void finish();

 private:
  void print(const boost::json::object& row);
  std::string format_;
  std::vector<std::string> columns_;
  std::vector<std::string> fields_;        ///< of --fields
  std::vector<boost::json::object> held_;  ///< tables only: widths are known at the end
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
