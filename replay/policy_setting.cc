// The names of the settings, and what each may be.
#include "replay/policy_setting.h"

#include "replay/time_text.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <charconv>
#include <limits>

namespace rollcall::replay {

using engine::Policy;
using store::Errc;
using store::Error;
using store::Result;

namespace {

constexpr engine::Micros kSecond = 1'000'000;

/// In whole units of `unit` microseconds, from `least` to the field's largest.
template <class Field>
Result<void> put_length(Field& into, std::string_view name, std::string_view value,
                        engine::Micros unit, engine::Micros least) {
  const auto length = parse_duration(value);
  if (!length) return Error{Errc::BadInput, fmt::format("{}: {}", name, length.error().detail)};
  if (*length % unit != 0)
    return Error{Errc::BadInput, fmt::format("{}: {} is not a whole number of {}", name, value,
                                             unit == kSecond ? "seconds" : "milliseconds")};
  const engine::Micros count = *length / unit;
  if (count < least || count > static_cast<engine::Micros>(std::numeric_limits<Field>::max()))
    return Error{Errc::BadInput, fmt::format("{}: {} is out of range", name, value)};
  into = static_cast<Field>(count);
  return {};
}

}  // namespace

std::vector<std::string> policy_names() {
  return {"idle_after", "ttl",         "grace_clean", "grace_abort",
          "grace_node", "grace_drain", "sessions_max"};
}

Result<void> set_policy(Policy& policy, std::string_view name, std::string_view value) {
  if (name.ends_with("_s")) name.remove_suffix(2);
  if (name == "idle_after") return put_length(policy.idle_after_ms, name, value, 1000, 50);
  if (name == "ttl") {
    if (value == "off") {
      policy.ttl_s = 0;
      return {};
    }
    return put_length(policy.ttl_s, name, value, kSecond, 1);
  }
  if (name == "grace_clean") return put_length(policy.grace_clean_s, name, value, kSecond, 0);
  if (name == "grace_abort") return put_length(policy.grace_abort_s, name, value, kSecond, 0);
  if (name == "grace_node") return put_length(policy.grace_node_s, name, value, kSecond, 0);
  if (name == "grace_drain") return put_length(policy.grace_drain_s, name, value, kSecond, 0);
  if (name == "sessions_max") {
    std::uint32_t most = 0;
    const auto [end, ec] = std::from_chars(value.data(), value.data() + value.size(), most);
    if (ec != std::errc() || end != value.data() + value.size() || most == 0)
      return Error{Errc::BadInput,
                   fmt::format("{}: '{}' is not a whole number from 1", name, value)};
    policy.sessions_max = most;
    return {};
  }
  return Error{Errc::BadInput, fmt::format("'{}' is no setting of the policy: there are {}", name,
                                           fmt::join(policy_names(), ", "))};
}

Result<void> set_policy(Policy& policy, std::string_view setting) {
  const auto equals = setting.find('=');
  if (equals == std::string_view::npos || equals == 0)
    return Error{Errc::BadInput, fmt::format("'{}' is not NAME=VALUE", setting)};
  return set_policy(policy, setting.substr(0, equals), setting.substr(equals + 1));
}

}  // namespace rollcall::replay
