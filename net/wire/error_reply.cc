// Statuses, and which sentences travel.
#include "net/wire/error_reply.h"

#include "net/wire/refusals.h"

#include <spdlog/spdlog.h>

#include <array>

namespace rollcall::net::inline wire {
namespace {
using store::Errc;
}

unsigned status_of(Errc code) {
  switch (code) {
    case Errc::NotFound:
      return 404;
    case Errc::BadInput:
    case Errc::CursorMalformed:
    case Errc::CursorForeign:
      return 422;
    case Errc::Conflict:
    case Errc::Refused:
    case Errc::Incomplete:
      return 409;
    case Errc::NotPermitted:
      return 403;
    case Errc::CursorGone:
      return 410;
    case Errc::TooMany:
      return 429;
    case Errc::Io:
      return 503;
    case Errc::Tampered:
    case Errc::Diverged:
      return 500;
  }
  return 500;
}

namespace {

/// Our own sentences of what goes wrong in a server, which name nothing of it.
constexpr std::array<std::string_view, 4> kOwn{
    "the log is being opened anew", "nothing is being recorded just now",
    "the server has as much to do as it may have",
    "the writer stopped meanwhile: whether it was done, the log decides"};
constexpr std::string_view kUnknown = "outcome-unknown";

}  // namespace

std::string public_detail(const store::Error& error, std::string_view folder, bool of_admin) {
  if (of_admin) return error.detail;
  const bool names_it = !folder.empty() && error.detail.find(folder) != std::string::npos;
  if (status_of(error.code) < 500 && !names_it) return error.detail;
  if (!names_it)
    for (const std::string_view own : kOwn)
      if (error.detail.starts_with(own)) return error.detail;
  static LogLimit limit(1, 0.1);
  if (const auto passed = limit.admit())
    spdlog::error("a request failed: {}; {} more did since the last such line", error.detail,
                  *passed);
  if (error.detail.starts_with(kUnknown))
    return std::string(kUnknown) +
           ": the log decides whether it was done; ask again under the same Idempotency-Key";
  return "the server cannot do that just now; its log says why";
}

HttpReply error_reply(const store::Error& error, std::string_view folder, bool of_admin) {
  HttpReply out = problem(status_of(error.code), public_detail(error, folder, of_admin),
                          store::name_of(error.code));
  if (out.status == 503 || out.status == 429) out.headers.emplace_back("Retry-After", "1");
  return out;
}

}  // namespace rollcall::net::inline wire
