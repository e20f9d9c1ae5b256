// HistoryRead for commands.
#include "cli/reading.h"

#include "cli/writing.h"
#include "net/access/local_caller.h"
#include "replay/read_log.h"
#include "replay/reader.h"

#include <unistd.h>

namespace rollcall::cli {

void note_read(Context& context, const replay::ReadQuestion& question) {
  if (context.reason.empty() && context.ticket.empty()) return;
  replay::ReadNote note{
      context.reason, context.ticket, question.text, net::local_name(::getuid()), {}};
  note.subjects = question.subjects(replay::Reader::open(context.layout()).value());
  replay::note_read(context.layout(), note, offline(context)).value();
}

void check_explained(const Context& context, const replay::Reader& reader) {
  if (!context.reason.empty() || !context.ticket.empty()) return;
  if (replay::reads_need_reason(reader.log()).value())
    throw store::Failure(replay::reason_missing());
}

}  // namespace rollcall::cli
