// Which exit code an error becomes (docs/cli.md), and what the API calls it (docs/http.md).
#include "store/bytes/errc.h"

#include <algorithm>
#include <array>

namespace rollcall::store::inline bytes {
namespace {

/// In the order of Errc.
constexpr std::array<std::string_view, 13> kNames{
    "io",       "not-found",  "refused",  "bad-input",        "conflict",       "not-permitted",
    "tampered", "incomplete", "diverged", "cursor-malformed", "cursor-foreign", "cursor-gone",
    "too-many"};
static_assert(kNames.size() == static_cast<std::size_t>(Errc::TooMany) + 1);

}  // namespace

std::string_view name_of(Errc code) { return kNames.at(static_cast<std::size_t>(code)); }

std::optional<Errc> errc_named(std::string_view name) {
  const auto found = std::find(kNames.begin(), kNames.end(), name);
  if (found == kNames.end()) return std::nullopt;
  return static_cast<Errc>(found - kNames.begin());
}

int exit_code(Errc code) {
  switch (code) {
    case Errc::Io:
    case Errc::NotFound:
    case Errc::BadInput:
    case Errc::TooMany:
      return 1;
    case Errc::Refused:
      return 3;
    case Errc::Conflict:
      return 5;
    case Errc::NotPermitted:
      return 6;
    case Errc::CursorMalformed:
      return 10;
    case Errc::CursorForeign:
      return 11;
    case Errc::CursorGone:
      return 12;
    case Errc::Tampered:
      return 20;
    case Errc::Incomplete:
      return 21;
    case Errc::Diverged:
      return 22;
  }
  return 1;
}

}  // namespace rollcall::store::inline bytes
