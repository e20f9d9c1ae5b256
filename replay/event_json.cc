// What each member is made from.
#include "replay/event_json.h"

#include "replay/particulars.h"
#include "replay/time_text.h"

#include <boost/json.hpp>
#include <fmt/format.h>

#include <set>

namespace rollcall::replay {
namespace json = boost::json;
namespace {

using engine::Kind;

json::value parsed(const std::string& text) {
  boost::system::error_code ec;
  json::value value = json::parse(text, ec);
  return ec ? json::value(text) : value;
}

void put(json::object& o, const char* key, const std::string& text) {
  if (!text.empty()) o[key] = text;
}

/// {"attributes":{…},"old":{…}} of a body; empty where it has none.
json::object changes_of(const EventView& e) {
  if (e.body.body.changes.empty()) return {};
  json::value value = parsed(e.body.body.changes);
  return value.is_object() ? value.get_object() : json::object{};
}

const json::object* part(const json::object& changes, std::string_view key) {
  const json::value* v = changes.if_contains(key);
  return v != nullptr && v->is_object() ? &v->get_object() : nullptr;
}

std::string event_word(const EventView& e) {
  // order.updated → updated: what the others call the event.
  const auto dot = e.action.rfind('.');
  return e.action.empty() ? std::string(engine::name_of(e.header.kind))
                          : e.action.substr(dot == std::string::npos ? 0 : dot + 1);
}

/// Those of an entry; of the other kinds, which those tools do not know, their particulars.
json::object properties_of(const EventView& e) {
  if (e.header.kind != Kind::Activity) return particulars(e);
  if (e.body.body.properties.empty()) return {};
  json::value p = parsed(e.body.body.properties);
  return p.is_object() ? std::move(p.get_object()) : json::object{};
}

std::string sql_time(Micros at) { return short_time(at); }

json::object activitylog_base(const EventView& e) {
  json::object o;
  o["id"] = e.header.seq;
  o["log_name"] = e.body.body.log_name.empty() ? "default" : e.body.body.log_name;
  o["description"] =
      e.body.body.description.empty()
          ? (e.action.empty() ? std::string(engine::name_of(e.header.kind)) : e.action)
          : e.body.body.description;
  o["subject_type"] =
      e.body.body.target_type.empty() ? json::value(nullptr) : json::value(e.body.body.target_type);
  o["subject_id"] =
      e.body.body.target_id.empty() ? json::value(nullptr) : json::value(e.body.body.target_id);
  o["event"] = event_word(e);
  o["causer_type"] = e.user.empty() ? json::value(nullptr) : json::value("user");
  o["causer_id"] = e.user.empty() ? json::value(nullptr) : json::value(e.user);
  return o;
}

}  // namespace

json::object to_json(const EventView& e) {
  const Header& h = e.header;
  const engine::Body& b = e.body.body;
  json::object o;
  o["seq"] = h.seq;
  o["at"] = rfc3339(h.at);
  o["kind"] = engine::name_of(h.kind);
  if (h.cause != engine::Cause::None) o["cause"] = engine::name_of(h.cause);
  if (h.user != 0) {
    o["user"] = e.user;
    o["user_number"] = h.user;
  }
  if (h.session != 0 && h.session != ~std::uint64_t{0}) o["session"] = h.session;
  put(o, "action", e.action);
  if (!b.target_type.empty() || !b.target_id.empty())
    o["target"] = json::object{{"type", b.target_type}, {"id", b.target_id}};
  put(o, "description", b.description);
  put(o, "log_name", b.log_name);
  if (!b.properties.empty()) o["properties"] = parsed(b.properties);
  if (!b.changes.empty()) o["attribute_changes"] = parsed(b.changes);
  put(o, "batch", b.batch);
  put(o, "request_id", b.request_id);
  json::object context;
  put(context, "address", b.address);
  put(context, "agent", b.agent);
  put(context, "device", b.device);
  put(context, "session", b.external_key);
  if (!context.empty()) o["context"] = std::move(context);
  put(o, "status_text", b.status_text);
  put(o, "emoji", b.emoji);
  put(o, "name", b.name);
  put(o, "reason", b.reason);
  put(o, "ticket", b.ticket);
  if (!b.detail.empty()) o["detail"] = parsed(b.detail);
  if (b.occurred_at != 0) o["occurred_at"] = rfc3339(b.occurred_at);
  switch (h.kind) {
    case Kind::EraseRequested:
    case Kind::HoldSet:
    case Kind::HoldReleased:
    case Kind::HistoryRead:
      if (const auto subject = subject_of(h)) o["subject_number"] = *subject;
      break;
    case Kind::StateDigest:
      o["digest"] = store::hex(h.digest);
      break;
    default:
      break;
  }
  if (h.body_len != 0 && e.body.state != store::BodyState::Open)
    o["body"] = store::name_of(e.body.state);
  return o;
}

json::object to_full_json(const EventView& e) {
  json::object o = to_json(e);
  for (auto& [key, value] : particulars(e)) o[key] = std::move(value);
  return o;
}

const std::vector<std::string>& event_members() {
  static const std::vector<std::string> names = [] {
    std::vector<std::string> out{"seq",         "at",
                                 "kind",        "cause",
                                 "user",        "user_number",
                                 "session",     "action",
                                 "target",      "description",
                                 "log_name",    "properties",
                                 "batch",       "attribute_changes",
                                 "request_id",  "context",
                                 "status_text", "emoji",
                                 "name",        "reason",
                                 "ticket",      "detail",
                                 "occurred_at", "digest",
                                 "body"};
    const auto& more = particular_names();
    out.insert(out.end(), more.begin(), more.end());
    return out;
  }();
  return names;
}

json::object to_activitylog4(const EventView& e) {
  // Version 4 keeps changes inside properties and has batch_uuid.
  json::object o = activitylog_base(e);
  json::object properties = properties_of(e);
  for (const auto& [key, value] : changes_of(e)) properties[key] = value;
  o["properties"] = std::move(properties);
  o["batch_uuid"] =
      e.body.body.batch.empty() ? json::value(nullptr) : json::value(e.body.body.batch);
  o["created_at"] = sql_time(e.header.at);
  o["updated_at"] = sql_time(e.header.at);
  return o;
}

json::object to_activitylog5(const EventView& e) {
  // Version 5 moved changes to a column of their own, attribute_changes, and dropped batches.
  json::object o = activitylog_base(e);
  const json::object changes = changes_of(e);
  o["attribute_changes"] = changes.empty() ? json::value(nullptr) : json::value(changes);
  json::object properties = properties_of(e);
  if (!e.body.body.batch.empty()) properties["batch"] = e.body.body.batch;
  o["properties"] = std::move(properties);
  o["created_at"] = sql_time(e.header.at);
  o["updated_at"] = sql_time(e.header.at);
  return o;
}

json::object to_owenit(const EventView& e) {
  json::object o;
  const json::object changes = changes_of(e);
  const json::object* old = part(changes, "old");
  const json::object* fresh = part(changes, "attributes");
  o["id"] = e.header.seq;
  o["user_type"] = e.user.empty() ? json::value(nullptr) : json::value("user");
  o["user_id"] = e.user.empty() ? json::value(nullptr) : json::value(e.user);
  o["event"] = event_word(e);
  o["auditable_type"] = e.body.body.target_type;
  o["auditable_id"] = e.body.body.target_id;
  o["old_values"] = old != nullptr ? *old : json::object{};
  o["new_values"] = fresh != nullptr                  ? *fresh
                    : e.header.kind != Kind::Activity ? particulars(e)
                                                      : json::object{};
  o["url"] = nullptr;
  o["ip_address"] =
      e.body.body.address.empty() ? json::value(nullptr) : json::value(e.body.body.address);
  o["user_agent"] =
      e.body.body.agent.empty() ? json::value(nullptr) : json::value(e.body.body.agent);
  o["tags"] =
      e.body.body.log_name.empty() ? json::value(nullptr) : json::value(e.body.body.log_name);
  o["created_at"] = sql_time(e.header.at);
  o["updated_at"] = sql_time(e.header.at);
  return o;
}

std::vector<std::string> diff_lines(const EventView& e) {
  const json::object changes = changes_of(e);
  const json::object* old = part(changes, "old");
  const json::object* fresh = part(changes, "attributes");
  std::set<std::string> keys;
  for (const auto* side : {old, fresh}) {
    if (side != nullptr)
      for (const auto& [key, value] : *side) keys.emplace(key);
  }
  std::vector<std::string> out;
  for (const auto& key : keys) {
    const auto text = [&](const json::object* side) {
      const json::value* v = side != nullptr ? side->if_contains(key) : nullptr;
      return v == nullptr     ? std::string("(none)")
             : v->is_string() ? std::string(v->get_string())
                              : json::serialize(*v);
    };
    out.push_back(fmt::format("{}: {} \xE2\x86\x92 {}", key, text(old), text(fresh)));
  }
  return out;
}

}  // namespace rollcall::replay
