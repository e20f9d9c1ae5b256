// Files that the server hands out as they are: the page, compressed when it was built.
#pragma once

#include <span>
#include <string_view>

namespace rollcall::net::inline wire {

struct Asset {
  std::string_view path;  ///< as it is asked for, like /assets/index-x.js
  std::string_view type;
  std::string_view etag;                 ///< in quotes, of the plain bytes
  bool immutable = false;                ///< its name holds a hash: it may be kept for ever
  std::string_view plain, gzip, brotli;  ///< the latter two may be empty
};
using Assets = std::span<const Asset>;

}  // namespace rollcall::net::inline wire
