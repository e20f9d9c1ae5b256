// Described types as JSON, both ways, and their schema.
//
// Why this file exists: a question, its answer's rows and a request of the API are plain structs
// described by Boost.Describe. How each is read, written and documented follows from its members
// and is said here once.
#pragma once

#include "replay/question/values.h"
#include "store/bytes/errc.h"

#include <boost/describe.hpp>
#include <boost/json.hpp>
#include <boost/mp11.hpp>
#include <fmt/format.h>

#include <charconv>
#include <cmath>
#include <limits>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace rollcall::replay::inline question {

namespace describe = boost::describe;
namespace json = boost::json;

template <class T>
using Members = describe::describe_members<T, describe::mod_public | describe::mod_inherited>;

template <class T>
struct is_optional : std::false_type {};
template <class T>
struct is_optional<std::optional<T>> : std::true_type {};
template <class T>
struct is_list : std::false_type {};
template <class T>
struct is_list<std::vector<T>> : std::true_type {};

/// In a request lists may be left out and what is not known is refused; in an answer every list is
/// there, and members of a later version are passed over.
enum class Of : bool { Request, Answer };

/// From JSON (or, for numbers and booleans, the text of a query). The error says which field. A
/// list that is not there is empty; any other member that is not there and not optional is missing.
template <class T>
store::Result<void> read_value(const json::value& value, T& out, const std::string& where,
                               Of of = Of::Request) {
  const auto bad = [&](std::string_view what) {
    return store::Error{store::Errc::BadInput, fmt::format("{} is not {}", where, what)};
  };
  if constexpr (is_optional<T>::value) {
    if (value.is_null()) return {};
    out.emplace();
    return read_value(value, *out, where, of);
  } else if constexpr (std::is_same_v<T, std::string>) {
    if (!value.is_string()) return bad("a string");
    out = std::string(value.get_string());
    return {};
  } else if constexpr (std::is_same_v<T, bool>) {
    if (value.is_string() && (value.get_string() == "true" || value.get_string() == "1"))
      out = true;
    else if (value.is_string() && (value.get_string() == "false" || value.get_string() == "0"))
      out = false;
    else if (value.is_bool())
      out = value.get_bool();
    else
      return bad("true or false");
    return {};
  } else if constexpr (std::is_integral_v<T>) {
    // What no JSON number of the other side can hold, and no seq or count ever reaches: adding to
    // it must not go around.
    constexpr auto kMost = static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max());
    if (value.is_string()) {
      const std::string_view text = value.get_string();
      const auto [end, ec] = std::from_chars(text.data(), text.data() + text.size(), out);
      if (ec == std::errc::result_out_of_range) return bad("a whole number in its range");
      if (ec != std::errc() || end != text.data() + text.size()) return bad("a whole number");
      if (std::is_unsigned_v<T> && static_cast<std::uint64_t>(out) > kMost)
        return bad("a whole number in its range");
      return {};
    }
    boost::system::error_code ec;
    if (!value.is_number() || value.is_double()) return bad("a whole number");
    out = value.to_number<T>(ec);
    if (ec || (std::is_unsigned_v<T> && static_cast<std::uint64_t>(out) > kMost))
      return bad("a whole number in its range");
    return {};
  } else if constexpr (std::is_same_v<T, json::object>) {
    if (!value.is_object()) return bad("an object");
    out = value.get_object();
    return {};
  } else if constexpr (std::is_same_v<T, Moment>) {
    const auto at = value.is_string() ? parse_rfc3339(value.get_string())
                                      : store::Result<Micros>(store::Error{});
    if (!at) return bad("a time as in RFC 3339");
    out.at = *at;
    return {};
  } else if constexpr (std::is_same_v<T, Seconds>) {
    boost::system::error_code ec;
    const auto seconds = value.is_number() ? value.to_number<double>(ec) : 0;
    if (!value.is_number() || ec) return bad("a number");
    out.length = std::llround(seconds * 1e6);
    return {};
  } else if constexpr (is_list<T>::value) {
    if (!value.is_array()) return bad("a list");
    for (const json::value& entry : value.get_array()) {
      out.emplace_back();
      if (auto read = read_value(entry, out.back(), where + "[]", of); !read) return read;
    }
    return {};
  } else {
    if (!value.is_object()) return bad("an object");
    const json::object& object = value.get_object();
    store::Result<void> result;
    boost::mp11::mp_for_each<Members<T>>([&](auto member) {
      if (!result) return;
      auto& field = out.*member.pointer;
      const std::string name = where.empty() ? member.name : where + "." + member.name;
      const json::value* found = object.if_contains(member.name);
      if (found != nullptr) {
        result = read_value(*found, field, name, of);
      } else if constexpr (!is_optional<std::decay_t<decltype(field)>>::value &&
                           !is_list<std::decay_t<decltype(field)>>::value) {
        result = store::Error{store::Errc::BadInput, fmt::format("{} is missing", name)};
      }
    });
    if (!result || of == Of::Answer) return result;
    for (const auto& entry : object) {
      bool known = false;
      boost::mp11::mp_for_each<Members<T>>(
          [&](auto member) { known = known || entry.key() == member.name; });
      if (!known)
        return store::Error{
            store::Errc::BadInput,
            fmt::format("there is no field '{}'", std::string_view(entry.key()).substr(0, 64))};
    }
    return {};
  }
}

template <class T>
json::value write_value(const T& value) {
  if constexpr (is_optional<T>::value) {
    return value ? write_value(*value) : json::value(nullptr);
  } else if constexpr (is_list<T>::value) {
    json::array out;
    for (const auto& entry : value) out.push_back(write_value(entry));
    return out;
  } else if constexpr (std::is_same_v<T, std::string> || std::is_integral_v<T> ||
                       std::is_same_v<T, json::object>) {
    return json::value(value);
  } else if constexpr (std::is_same_v<T, Moment>) {
    return json::value(rfc3339(value.at));
  } else if constexpr (std::is_same_v<T, Seconds>) {
    constexpr Micros kSecond = 1'000'000;  // whole ones as such: JSON would write 300 as 3E2
    if (value.length % kSecond == 0) return json::value(value.length / kSecond);
    return json::value(static_cast<double>(value.length) / 1e6);
  } else {
    json::object out;
    boost::mp11::mp_for_each<Members<T>>([&](auto member) {
      const auto& field = value.*member.pointer;
      if constexpr (is_optional<std::decay_t<decltype(field)>>::value) {
        if (field) out[member.name] = write_value(*field);
      } else {
        out[member.name] = write_value(field);
      }
    });
    return out;
  }
}

/// JSON Schema of a type, as OpenAPI 3.1 takes it.
template <class T>
json::object schema_of(Of of = Of::Answer) {
  if constexpr (is_optional<T>::value) {
    return schema_of<typename T::value_type>(of);
  } else if constexpr (std::is_same_v<T, std::string>) {
    return {{"type", "string"}};
  } else if constexpr (std::is_same_v<T, bool>) {
    return {{"type", "boolean"}};
  } else if constexpr (std::is_integral_v<T>) {
    return {{"type", "integer"}};
  } else if constexpr (std::is_same_v<T, json::object>) {
    return {{"type", "object"}};
  } else if constexpr (std::is_same_v<T, Moment>) {
    return {{"type", "string"}, {"format", "date-time"}};
  } else if constexpr (std::is_same_v<T, Seconds>) {
    return {{"type", "number"}};
  } else if constexpr (is_list<T>::value) {
    return {{"type", "array"}, {"items", schema_of<typename T::value_type>(of)}};
  } else {
    json::object properties;
    json::array required;
    boost::mp11::mp_for_each<Members<T>>([&](auto member) {
      using Field = std::decay_t<decltype(std::declval<T>().*member.pointer)>;
      properties[member.name] = schema_of<Field>(of);
      const bool needed =
          !is_optional<Field>::value && (of == Of::Answer || !is_list<Field>::value);
      if (needed) required.emplace_back(member.name);
    });
    json::object out{{"type", "object"}, {"properties", std::move(properties)}};
    if (!required.empty()) out["required"] = std::move(required);
    return out;
  }
}

}  // namespace rollcall::replay::inline question
