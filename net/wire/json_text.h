// JSON as strangers write it.
//
// Why this file exists: JavaScript's strings may hold half a surrogate pair, and JSON.stringify
// writes it as an escape ("\ud83d"), which RFC 8259 allows and Boost's parser refuses. Here it
// becomes three bytes as UTF-8 would have them (WTF-8), and an escape again where it is written.
// Such text is not valid UTF-8: what must be, like a user's name, is still checked.
#pragma once

#include "store/bytes/errc.h"
#include "store/bytes/json_keys.h"

#include <boost/json/value.hpp>

#include <optional>
#include <string>
#include <string_view>

namespace rollcall::net::inline wire {

/// Nothing where it is not JSON in UTF-8, or is nested deeper than 32.
[[nodiscard]] std::optional<boost::json::value> parse_json(std::string_view text);
using store::key_twice;
using store::twice_text;
enum class Halves : bool { Refused, Taken };  ///< of surrogate pairs
/// A request's body: BadInput where it is not JSON, or a key stands twice.
[[nodiscard]] store::Result<boost::json::value> read_body(std::string_view text, Halves halves);
/// JSON text in quotes, escaped.
[[nodiscard]] std::string json_string(std::string_view text);
/// The same text with every half of a pair as its escape: JSON that Boost wrote.
[[nodiscard]] std::string escape_halves(std::string json);

}  // namespace rollcall::net::inline wire
