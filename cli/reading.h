// Reads of personal data from the command line: logged where a reason is given or asked for.
#pragma once

#include "cli/command.h"
#include "replay/question/answer.h"

namespace rollcall::cli {

/// Appends HistoryRead for each whose history is asked about (names become numbers in what is
/// kept), if a reason or ticket is given.
void note_read(Context& context, const replay::ReadQuestion& question);
/// A Failure if neither is given and the store demands one.
void check_explained(const Context& context, const replay::Reader& reader);

}  // namespace rollcall::cli
