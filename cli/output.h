// Rows of an answer in the requested format: a table for people, JSON, NDJSON or CSV for machines.
#pragma once

#include "cli/command.h"
#include "store/bytes/printable.h"

#include <boost/json/object.hpp>

#include <cstdio>
#include <string>
#include <string_view>
#include <vector>

namespace rollcall::cli {

using store::printable;

/// JSON on one line, with invisible characters escaped.
[[nodiscard]] std::string json_text(const boost::json::value& value);

/// Whether the format is for machines.
[[nodiscard]] bool machine_output(const Context& context);

class Rows {
 public:
  /// `columns`: the columns of a table, in order; machine formats get every key of a row.
  Rows(const Context& context, std::vector<std::string> columns, std::FILE* out = stdout);
  void add(boost::json::object row);
  /// What the answer says of itself, in json and ndjson: as its last row, which in json is
  /// {name: facts}. With --fields only if it is named there.
  void add_facts(const std::string& name, const boost::json::object& facts);
  /// Prints the rows that a table held back to compute its widths, which then stay the same.
  void flush();
  /// Writes the rest; call it once.
  void finish();

 private:
  /// What stands before all rows. Not before there is an answer: it may be an error.
  void begin();
  void print(const boost::json::object& row);
  void put(const std::vector<std::string>& line);
  std::FILE* out_;
  std::string format_;
  std::vector<std::string> columns_;
  std::vector<std::string> fields_;        ///< of --fields
  std::vector<boost::json::object> held_;  ///< tables only: they determine the widths
  std::vector<std::size_t> widths_;        ///< empty until the first rows are printed
  bool begun_ = false, first_ = true;
};

/// A bar on stderr during long work; silent if stderr is not a terminal.
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
