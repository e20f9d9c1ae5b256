// How things fail below the command line: a code that decides what to do, a sentence for a person.
#pragma once

#include <boost/system/result.hpp>

#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>

namespace rollcall::store::inline bytes {

enum class Errc {
  Io,            ///< the disk or the system failed
  NotFound,      ///< no such store, event, user or file
  Refused,       ///< policy, a hold or a missing confirmation forbids it
  BadInput,      ///< the input cannot be understood
  Conflict,      ///< another process holds the writer's lock, or the store is not as expected
  NotPermitted,  ///< no key for this
  Tampered,      ///< evidence contradicts itself: a hash, a root or a signature
  Incomplete,    ///< reading cannot continue, or something needed for a verdict is missing
  Diverged,      ///< a replay gives another state than the log states
  CursorMalformed,
  CursorForeign,
  CursorGone,
  TooMany,  ///< more than a caller may have at the moment
};

struct Error {
  Errc code = Errc::Io;
  std::string detail;  ///< one sentence: what, where, what was expected and found

  // Not an aggregate: g++ 12 frees an aggregate temporary in a coroutine twice.
  Error() = default;
  Error(Errc what, std::string sentence) : code(what), detail(std::move(sentence)) {}
};

/// Thrown by Result::value(); only main and tests catch it.
class Failure : public std::runtime_error {
 public:
  explicit Failure(Error error) : std::runtime_error(error.detail), error_(std::move(error)) {}
  [[nodiscard]] const Error& error() const { return error_; }

 private:
  Error error_;
};

[[noreturn]] inline void throw_exception_from_error(const Error& error,
                                                    const boost::source_location& /*where*/) {
  throw Failure(error);
}

template <class T>
using Result = boost::system::result<T, Error>;

/// The exit code of docs/cli.md for an error.
[[nodiscard]] int exit_code(Errc code);
/// Its name in the API's problem details, like "refused", and back.
[[nodiscard]] std::string_view name_of(Errc code);
[[nodiscard]] std::optional<Errc> errc_named(std::string_view name);

}  // namespace rollcall::store::inline bytes

/// Returns the error from the calling function, if there is one.
#define RC_TRY(expr)                                             \
  do {                                                           \
    if (auto rc_try_ = (expr); !rc_try_) return rc_try_.error(); \
  } while (false)
