// Which exit code an error becomes (docs/cli.md).
#include "store/errc.h"

namespace rollcall::store {

int exit_code(Errc code) {
  switch (code) {
    case Errc::Io:
    case Errc::NotFound:
    case Errc::BadInput:
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

}  // namespace rollcall::store
