// HistoryRead for commands.
#include "cli/reading.h"

#include "cli/writing.h"
#include "replay/read_log.h"
#include "replay/reader.h"

#include <fmt/format.h>
#include <pwd.h>
#include <unistd.h>

namespace rollcall::cli {
namespace {

/// Who runs this: a name of the system, or its number.
std::string local_user() {
  const passwd* entry = ::getpwuid(::getuid());
  return entry != nullptr ? fmt::format("local:{}", entry->pw_name)
                          : fmt::format("local:{}", ::getuid());
}

}  // namespace

void note_read(Context& context, const replay::ReadQuestion& question) {
  if (context.reason.empty() && context.ticket.empty()) return;
  replay::ReadNote note{context.reason, context.ticket, question.text, local_user(), {}};
  note.subjects = question.subjects(replay::Reader::open(context.layout()).value());
  replay::note_read(context.layout(), note, offline(context)).value();
}

void check_explained(const Context& context, const replay::Reader& reader) {
  if (!context.reason.empty() || !context.ticket.empty()) return;
  if (replay::reads_need_reason(reader.log()).value())
    throw store::Failure(replay::reason_missing());
}

}  // namespace rollcall::cli
