// What a scope covers: net/access/tokens.h.
#include "net/v1/call.h"

#include "net/access/tokens.h"

#include <algorithm>

namespace rollcall::net::inline v1 {

bool Caller::may(std::string_view scope) const {
  return std::any_of(scopes.begin(), scopes.end(),
                     [&](const std::string& s) { return scope_covers(s, scope); });
}

}  // namespace rollcall::net::inline v1
