// POST /v1/command: a reading command of the command line, run beside the server.
//
// Why this file exists: with --url, every reading command must answer just as on the store itself.
// It is the same program that answers, in a process of its own that reads as a secondary: a heavy
// question costs the server nothing and its failure is its own. Which words may be asked, and as
// what, says net/v1/question.h.
#pragma once

#include "net/loop/chunks.h"
#include "net/v1/endpoints.h"

namespace rollcall::net::inline v1 {

/// Body: {"arguments":[…], "reason":…, "ticket":…}. Answers lines of JSON: {"out":…}, {"err":…} (or
/// "out64", base64, where the bytes are no UTF-8) and at last {"exit":code}. Needs audit:read, what
/// governs the scope admin or server:admin; every call is logged as HistoryRead.
[[nodiscard]] HttpReply run_command(App& app, const Settings& settings, const Caller& caller,
                                    const HttpRequest& request, Chunks& chunks);

}  // namespace rollcall::net::inline v1
