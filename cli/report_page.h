// A report as one page to print or to send: the picture, the numbers, and in the foot what signs
// the log they were counted from.
#pragma once

#include "cli/report_picture.h"

#include <cstdint>

namespace rollcall::cli {

struct ReportPage {
  Picture picture;
  std::vector<std::string> facts;               ///< a line each, above the picture
  std::vector<std::string> head;                ///< of the table
  std::vector<std::vector<std::string>> lines;  ///< its cells
  std::uint64_t upto = 0;                       ///< the last event that was counted
  std::string note;                             ///< the newest signed checkpoint; empty: none
  std::uint64_t signed_size = 0;                ///< how many events it is of
};
/// HTML without scripts or anything from elsewhere.
[[nodiscard]] std::string html_of(const ReportPage& page);

}  // namespace rollcall::cli
