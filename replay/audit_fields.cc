// FIELD=VALUE: which fields there are, what a value may be, what an event has in one.
#include "replay/audit.h"
#include "replay/particulars.h"

#include <boost/json.hpp>
#include <fmt/format.h>

#include <algorithm>

namespace rollcall::replay {
namespace {

using engine::Kind;
namespace json = boost::json;

/// Every name of a list that people may choose from.
template <class Names>
std::string listed(const Names& names) {
  return fmt::format("{}", fmt::join(names, ", "));
}

std::vector<std::string_view> kind_names() {
  std::vector<std::string_view> out;
  for (std::uint8_t k = 1; k < engine::kKindCount; ++k)
    out.push_back(engine::name_of(static_cast<Kind>(k)));
  return out;
}

std::optional<engine::Cause> cause_of(std::string_view name) {
  for (std::uint8_t c = 1; c < engine::kCauseCount; ++c)
    if (engine::name_of(static_cast<engine::Cause>(c)) == name)
      return static_cast<engine::Cause>(c);
  return std::nullopt;
}

std::vector<std::string_view> cause_names() {
  std::vector<std::string_view> out;
  for (std::uint8_t c = 1; c < engine::kCauseCount; ++c)
    out.push_back(engine::name_of(static_cast<engine::Cause>(c)));
  return out;
}

}  // namespace

std::optional<std::string> field_text(const EventView& e, std::string_view field) {
  const engine::Body& b = e.body.body;
  if (field == "user") return e.user;
  if (field == "kind") return std::string(engine::name_of(e.header.kind));
  if (field == "cause") return std::string(engine::name_of(e.header.cause));
  if (field == "action") return e.action;
  if (field == "session") return fmt::format("{}", e.header.session);
  if (field == "target") return b.target_type + ":" + b.target_id;
  if (field == "target_type") return b.target_type;
  if (field == "target_id") return b.target_id;
  if (field == "address") return b.address;
  if (field == "agent") return b.agent;
  if (field == "device") return b.device;
  if (field == "batch") return b.batch;
  if (field == "request_id") return b.request_id;
  if (field == "log_name") return b.log_name;
  if (field == "description") return b.description;
  if (field == "reason") return b.reason;
  if (field == "ticket") return b.ticket;
  if (field == "name") return b.name;
  if (field == "status_text") return b.status_text;
  if (field == "emoji") return b.emoji;
  if (field == "user_number") return fmt::format("{}", e.header.user);
  for (const auto& [prefix, text] :
       {std::pair<std::string_view, const std::string*>{"properties.", &b.properties},
        {"changes.", &b.changes}}) {
    if (!field.starts_with(prefix)) continue;
    boost::system::error_code ec;
    const json::value root = json::parse(text->empty() ? "{}" : *text, ec);
    if (ec) return std::nullopt;
    std::string pointer = "/" + std::string(field.substr(prefix.size()));
    std::replace(pointer.begin(), pointer.end(), '.', '/');
    const json::value* v = root.find_pointer(pointer, ec);
    if (v == nullptr) return std::nullopt;
    return v->is_string() ? std::string(v->get_string()) : json::serialize(*v);
  }
  const json::object own = particulars(e);
  const json::value* v = own.if_contains(field);
  if (v == nullptr) return std::nullopt;
  return v->is_string() ? std::string(v->get_string()) : json::serialize(*v);
}

const std::vector<std::string>& audit_fields() {
  static const std::vector<std::string> fields = [] {
    std::vector<std::string> out{
        "user",        "user_number", "kind",    "cause",  "action", "session",     "target",
        "target_type", "target_id",   "address", "agent",  "device", "batch",       "request_id",
        "log_name",    "description", "reason",  "ticket", "name",   "status_text", "emoji"};
    const auto& more = particular_names();
    out.insert(out.end(), more.begin(), more.end());
    return out;
  }();
  return fields;
}

std::string field_fault(const std::string& field) {
  const auto& known = audit_fields();
  if (std::find(known.begin(), known.end(), field) != known.end()) return {};
  for (const std::string_view nested : {"properties.", "changes."})
    if (field.starts_with(nested) && field.size() > nested.size()) return {};
  return fmt::format("there is no field '{}': {}, properties.PATH, changes.PATH", field,
                     listed(known));
}

std::string kind_fault(const std::string& name) {
  if (engine::kind_of(name)) return {};
  return fmt::format("there is no kind '{}': {}", name, listed(kind_names()));
}

std::string match_fault(const std::string& text) {
  const auto equals = text.find('=');
  if (equals == std::string::npos) return text.empty() ? "an empty word finds nothing" : "";
  const std::string field = text.substr(0, equals), value = text.substr(equals + 1);
  if (const std::string wrong = field_fault(field); !wrong.empty()) return wrong;
  if (field == "kind") return kind_fault(value);
  if (field == "cause" && !value.empty() && !cause_of(value))
    return fmt::format("there is no cause '{}': {}", value, listed(cause_names()));
  if ((field == "session" || field == "user_number") && !store::parse_decimal(value))
    return fmt::format("{} is a number, not '{}'", field, value);
  return {};
}

Result<void> add_match(AuditFilter& filter, const Reader& reader, const std::string& text) {
  if (const std::string wrong = match_fault(text); !wrong.empty())
    return Error{Errc::BadInput, wrong};
  const auto equals = text.find('=');
  if (equals == std::string::npos) {
    filter.matches.emplace_back("", text);
    return {};
  }
  const std::string field = text.substr(0, equals);
  const std::string value = text.substr(equals + 1);
  if (field == "user") {
    const auto number = reader.find_user(value);
    if (!number) return number.error();
    filter.users.insert(*number);
    return {};
  }
  if (field == "user_number" && value != "0") {
    const auto number = reader.find_number(*store::parse_decimal(value));
    if (!number) return number.error();
    filter.users.insert(*number);
    return {};
  }
  if (field == "kind") {
    filter.kinds.insert(*engine::kind_of(value));
    return {};
  }
  filter.matches.emplace_back(field, value);
  return {};
}

}  // namespace rollcall::replay
