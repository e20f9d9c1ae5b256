// What an action may be called, and which kinds are somebody's.
#include "store/proposal.h"

#include <algorithm>

namespace rollcall::store {

using engine::Kind;

bool valid_action(std::string_view action) {
  return !action.empty() && action.size() <= 64 &&
         std::all_of(action.begin(), action.end(), [](char c) {
           return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '.' || c == '_' ||
                  c == '-';
         });
}

bool of_a_user(Kind kind) {
  switch (kind) {
    case Kind::Login:
    case Kind::Logout:
    case Kind::Inactivity:
    case Kind::LinkUp:
    case Kind::LinkDown:
    case Kind::StatusSet:
    case Kind::StatusCleared:
    case Kind::Joined:
    case Kind::Left:
    case Kind::UserErased:
      return true;
    default:
      return false;
  }
}

}  // namespace rollcall::store
