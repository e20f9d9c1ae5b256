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

replay::Reader open_read(Context& context, const People& users, const std::string& what) {
  const bool explained = !context.reason.empty() || !context.ticket.empty();
  const bool errand = context.errand && context.errand->read != 0;
  if (errand || !explained) {
    auto reader = replay::Reader::open(context.layout()).value();
    // On somebody else's errand: the log says that this very question was asked, or it is as if no
    // reason had been given.
    if (errand) {
      const auto proof = replay::proof_of(context.errand->secret, context.asked);
      if (!replay::is_logged_read(reader, context.errand->read, proof).value())
        throw store::Failure({store::Errc::Refused, "the log does not hold this read"});
    } else if (replay::reads_need_reason(reader.log()).value()) {
      throw store::Failure(replay::reason_missing());
    }
    return reader;
  }
  replay::ReadNote note{context.reason, context.ticket, what, local_user(), {}, {}};
  if (users.given()) note.subjects = users.find(replay::Reader::open(context.layout()).value());
  replay::note_read(context.layout(), note, offline(context)).value();
  return replay::Reader::open(context.layout()).value();
}

}  // namespace rollcall::cli
