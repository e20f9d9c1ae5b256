// Events of the log as audit, show and export print them, in every format there is for events.
#pragma once

#include "cli/output.h"
#include "replay/event_view.h"

namespace rollcall::cli {

/// -o of a command that prints events, and the fields of each.
[[nodiscard]] const std::vector<std::string>& event_formats();
[[nodiscard]] std::vector<std::string> event_fields(const std::string& format);

/// What an event says, in one line.
[[nodiscard]] std::string sentence(const replay::EventView& event);
/// The object of a machine's format.
[[nodiscard]] boost::json::object machine_row(const std::string& format,
                                              const replay::EventView& event);

class EventPrinter {
 public:
  explicit EventPrinter(const Context& context, std::FILE* out = stdout);
  void print(const replay::EventView& event);
  void flush();
  /// Writes what remains; call once.
  void finish() { rows_.finish(); }

 private:
  const Context& context_;
  std::FILE* out_;
  Rows rows_;
  std::string batch_;  ///< under which the events before stand
};

}  // namespace rollcall::cli
