// What one caller may have at a time and in a time ([callers] in docs/server.md).
#pragma once

#include "net/access/quota.h"
#include "net/loop/chunks.h"
#include "net/v1/call.h"

namespace rollcall::net::inline http {

/// Whose share it is: a person's, a token's or an app's, in this app; else an address's.
[[nodiscard]] std::string share_key(const App& app, const Caller& caller, std::string_view address);

/// 429 where the caller had as much of this as it may have. `who`: whose share it is.
[[nodiscard]] std::optional<HttpReply> over_rate(Quotas& quotas, const std::string& who,
                                                 const Caller& caller, const Attributes& is,
                                                 std::size_t bytes);

/// A place for a question, to be held until its answer is there; 429 where there is none.
[[nodiscard]] std::optional<HttpReply> question_place(Quotas& quotas, const std::string& who,
                                                      Places::Place& place);

/// Takes a place for a stream, which `chunks` holds; or says why there is none.
[[nodiscard]] std::optional<HttpReply> stream_place(Quotas& quotas, const std::string& who,
                                                    const Caller& caller, Chunks& chunks);

}  // namespace rollcall::net::inline http
