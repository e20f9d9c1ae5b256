// HistoryRead for commands.
#include "cli/reading.h"

#include "cli/writing.h"
#include "replay/read_log.h"
#include "replay/reader.h"

#include <cstdlib>

namespace rollcall::cli {

void log_read(Context& context, const People& users, const std::string& what) {
  // A server that runs us for somebody has logged the read already.
  if (std::getenv("ROLLCALL_READ_LOGGED") != nullptr) return;
  replay::ReadNote note{context.reason, context.ticket, what, 0};
  if ((!context.reason.empty() || !context.ticket.empty()) && users.count() == 1) {
    const auto reader = replay::Reader::open(context.layout()).value();
    note.subject = users.find(reader).front();
  }
  replay::note_read(context.layout(), note, offline(context)).value();
}

}  // namespace rollcall::cli
