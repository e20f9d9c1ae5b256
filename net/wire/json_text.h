// JSON as strangers write it.
//
// Why this file exists: JavaScript's strings may hold half a surrogate pair, and JSON.stringify
// writes it as an escape ("\ud83d"), which RFC 8259 allows and Boost's parser refuses. Here it
// becomes three bytes as UTF-8 would have them (WTF-8), and an escape again where it is written.
// Such text is not valid UTF-8: what must be, like a user's name, is still checked. And an object
// may say the same key twice, of which Boost takes the last and others the first: whoever read it
// before us may have checked the other one, so what we act on is refused.
#pragma once

#include "store/bytes/errc.h"

#include <boost/json/value.hpp>

#include <limits>
#include <optional>
#include <string>
#include <string_view>

namespace rollcall::net::inline wire {

/// Nothing where it is not JSON in UTF-8, or is nested deeper than 32.
[[nodiscard]] std::optional<boost::json::value> parse_json(std::string_view text);
/// A key that stands twice in one object, in the first `levels` of nesting; nothing where there is
/// none. Of text that is not JSON, anything.
[[nodiscard]] std::optional<std::string> key_twice(
    std::string_view text, std::size_t levels = std::numeric_limits<std::size_t>::max());
enum class Halves : bool { Refused, Taken };  ///< of surrogate pairs
/// A request's body: BadInput where it is not JSON, or a key stands twice.
[[nodiscard]] store::Result<boost::json::value> read_body(std::string_view text, Halves halves);
/// The sentence for it. `where`: "the body".
[[nodiscard]] std::string twice_text(std::string_view key, std::string_view where);
/// JSON text in quotes, escaped.
[[nodiscard]] std::string json_string(std::string_view text);
/// The same text with every half of a pair as its escape: JSON that Boost wrote.
[[nodiscard]] std::string escape_halves(std::string json);

}  // namespace rollcall::net::inline wire
