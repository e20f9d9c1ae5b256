// Parsing and matching.
#include "cli/replay_break.h"

#include "cli/checks.h"
#include "cli/usage_error.h"

#include <fmt/format.h>

#include <algorithm>

namespace rollcall::cli {
namespace {

std::vector<std::string> parts_of(const std::string& text) {
  std::vector<std::string> out(1);
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '\\' && i + 1 < text.size() && (text[i + 1] == ',' || text[i + 1] == '\\'))
      out.back() += text[++i];
    else if (text[i] == ',')
      out.emplace_back();
    else
      out.back() += text[i];
  }
  return out;
}

/// The names of the kinds, or of the states.
std::vector<std::string> values_of(const std::string& name) {
  if (name == "from" || name == "to") return {"online", "away", "offline"};
  std::vector<std::string> out;
  for (std::size_t kind = 1; kind < engine::kKindCount; ++kind)
    out.emplace_back(engine::name_of(static_cast<engine::Kind>(kind)));
  return out;
}

}  // namespace

bool Break::holds(const replay::ReplayQuestion::Row& row) const {
  return std::all_of(conditions.begin(), conditions.end(), [&](const auto& condition) {
    const auto& [name, value] = condition;
    if (name == "user") return row.user == value;
    if (name == "kind") return row.kind == value;
    if (name == "from") return row.from == value;
    if (name == "to") return row.to == value;
    return fmt::format("{}", row.seq) == value;
  });
}

Break parse_break(const std::string& text) {
  Break out;
  for (const std::string& part : parts_of(text)) {
    const auto equals = part.find('=');
    const std::string name = part.substr(0, equals);
    if (equals == std::string::npos || equals + 1 == part.size())
      usage_error(fmt::format("--break: '{}' is not NAME=VALUE", part));
    const std::string value = part.substr(equals + 1);
    if (name == "seq") {
      std::uint64_t seq = 0;
      if (!read_number(value, seq) || seq == 0)
        usage_error(fmt::format("--break: seq: '{}' is not a number from 1", value));
      out.conditions.emplace_back(name, fmt::format("{}", seq));
      continue;
    }
    if (name == "kind" || name == "from" || name == "to") {
      const auto values = values_of(name);
      if (std::find(values.begin(), values.end(), value) == values.end())
        usage_error(fmt::format("--break: {} is one of {}", name, listed(values)));
    } else if (name != "user") {
      usage_error(fmt::format("--break: '{}' is not one of user, kind, from, to, seq", name));
    }
    out.conditions.emplace_back(name, value);
  }
  return out;
}

}  // namespace rollcall::cli
