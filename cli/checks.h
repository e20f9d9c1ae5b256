// What a word on the command line may be: one of some, a number, a moment, a pattern.
//
// Why this file exists: a value that means nothing is refused where it is given, with its choices
// (exit 2), before a store is opened or a server asked; so every command and --url agree.
#pragma once

#include <cstdint>
#include <functional>
#include <limits>
#include <string>
#include <vector>

namespace rollcall::cli {

/// What is wrong with a word, as a sentence's rest after the option's name; empty where nothing is.
using Check = std::function<std::string(const std::string&)>;

[[nodiscard]] Check one_of(std::vector<std::string> choices);
[[nodiscard]] Check a_number(std::uint64_t least = 0,
                             std::uint64_t most = std::numeric_limits<std::uint64_t>::max());
/// Not empty: an empty word would be taken for none, and what it was to choose for everything.
[[nodiscard]] Check a_word();
/// Of replay::parse_time; with seq:N or without.
[[nodiscard]] Check a_moment();
[[nodiscard]] Check a_time();
/// Of replay::parse_duration.
[[nodiscard]] Check a_duration();
/// Of replay::Pattern.
[[nodiscard]] Check a_pattern();
/// A..B or A.. with A not after B.
[[nodiscard]] Check a_range();
/// A key's name, and so a log's.
[[nodiscard]] Check a_key_name();
/// http:// or https:// and a host.
[[nodiscard]] Check a_web_address();
/// A JSON object.
[[nodiscard]] Check a_json_object();

/// Digits alone, in range; nothing where it is no such number.
[[nodiscard]] bool read_number(const std::string& text, std::uint64_t& into);
/// "a, b, c".
[[nodiscard]] std::string listed(const std::vector<std::string>& names);
/// The name that was meant, where one is near: at most two letters off.
[[nodiscard]] std::string nearest(const std::string& word, const std::vector<std::string>& names);

/// The words of a list that commas separate, without blanks around them; empty ones are left out.
[[nodiscard]] std::vector<std::string> split_list(const std::string& list);
/// "; did you mean NAME?", where one is near.
[[nodiscard]] std::string meant(const std::string& word, const std::vector<std::string>& names);

}  // namespace rollcall::cli
