// Events of the log as audit, show and export print them, in every format for events.
#pragma once

#include "cli/output.h"
#include "replay/event_view.h"

namespace rollcall::cli {

/// The values of -o for commands that print events, and the fields of each.
[[nodiscard]] const std::vector<std::string>& event_formats();
[[nodiscard]] std::vector<std::string> event_fields(const std::string& format);

/// An event in one line.
[[nodiscard]] std::string sentence(const replay::EventView& event);
/// An event as an object, for machine formats.
[[nodiscard]] boost::json::object machine_row(const std::string& format,
                                              const replay::EventView& event);

class EventPrinter {
 public:
  explicit EventPrinter(const Context& context, std::FILE* out = stdout);
  void print(const replay::EventView& event);
  void flush();
  /// Writes the rest; call it once.
  void finish() { rows_.finish(); }

 private:
  const Context& context_;
  std::FILE* out_;
  Rows rows_;
  std::string batch_;  ///< the batch of the previous events
};

}  // namespace rollcall::cli
