// A reader: this very program in a process of its own that follows a store's log and answers one
// question after another.
//
// Why this file exists: a question may be heavy, and its failure must be its own. It costs neither
// a start of a process nor an opening of the vault, as a reader stays; it opens no file but the
// store's and what a question names; it has a limit of memory and ends when its server does.
//
// They speak over a socket pair, the reader's descriptor 0, in lines of JSON. First the server says
// what to read: {"data":…,"app":…,"memory_mb":…,"nice":…}. Then for each question
// {"question":NAME,"ask":{…},"entries":bool,"rows_most":N,"cpu_s":N}, which is answered by the
// lines of replay::answer_in_lines(). Of a replay also {"last":SEQ,"now":MICROSECONDS}: where the
// log ends and what time it is, as far as the question goes.
#pragma once

#include <string_view>

namespace rollcall::net::inline readers {

/// The program's name in such a process; with it the program does nothing but run_reader().
inline constexpr std::string_view kReaderName = "rollcall-reader";

/// Until the server's end of the socket closes. The process's exit code.
[[nodiscard]] int run_reader();

}  // namespace rollcall::net::inline readers
