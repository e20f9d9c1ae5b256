// Lines for people, objects for machines.
#include "cli/event_rows.h"

#include "cli/columns.h"
#include "replay/event_json.h"
#include "replay/particulars.h"
#include "replay/time_text.h"

#include <boost/json.hpp>
#include <fmt/format.h>

#include <algorithm>
#include <set>

namespace rollcall::cli {
namespace {

namespace json = boost::json;
using replay::EventView;

/// The columns of CSV, and of a table: all that an event may have stands in one of them.
const std::vector<std::string>& csv_columns() {
  static const std::vector<std::string> names{
      "seq",     "at",       "kind",        "cause",   "user",    "session",
      "action",  "target",   "description", "address", "channel", "reader",
      "subject", "question", "reason",      "ticket",  "more"};
  return names;
}

std::string told(const json::value& value) {
  return value.is_string() ? std::string(value.get_string()) : json::serialize(value);
}

/// The row with a target and an address on their own, and what has no column in `more`.
json::object csv_row(const EventView& e) {
  json::object all = replay::to_full_json(e);
  const engine::Body& b = e.body.body;
  if (all.contains("target")) all["target"] = b.target_type + ":" + b.target_id;
  if (!b.address.empty()) all["address"] = b.address;
  json::object more;
  for (const auto& [key, value] : all)
    if (std::find(csv_columns().begin(), csv_columns().end(), key) == csv_columns().end())
      more[key] = value;
  if (!more.empty()) all["more"] = std::move(more);
  return all;
}

/// Particulars that a line for people leaves out: numbers that matter to a machine, or to `wide`.
bool for_machines(std::string_view name) {
  static const std::set<std::string_view> names{
      "subject_number", "channel_number", "action_number", "node_epoch",      "connection",
      "producer_no",    "basis",          "touch",         "offset_before_s", "offset_after_s",
      "last_activity",  "active_at",      "request_seq",   "file_sha256"};
  return names.contains(name);
}

/// Joined: the channel; a read: of whom, by whom; else name and value.
std::string own_words(const EventView& e) {
  std::string out, rest;
  for (const auto& [key, value] : replay::particulars(e)) {
    const std::string text = told(value);
    const std::string_view name = key;
    if (for_machines(name) || (name == "node" && e.header.kind != engine::Kind::NodeUp &&
                               e.header.kind != engine::Kind::NodeDown))
      continue;
    if (name == "channel" && e.header.kind == engine::Kind::ChannelNamed) continue;  // its name
    if (name == "channel" || name == "question")
      out += "  " + text;
    else if (name == "subject")
      out += e.header.kind == engine::Kind::Activity ? "" : "  of " + text;
    else if (name == "reader")
      out += "  by " + text;
    else
      rest += fmt::format("{}{} {}", rest.empty() ? "  " : ", ", std::string(name), text);
  }
  return out + rest;
}

}  // namespace

const std::vector<std::string>& event_formats() {
  static const std::vector<std::string> names{"short",        "wide",  "json", "ndjson",
                                              "csv",          "cat",   "raw",  "activitylog4",
                                              "activitylog5", "owenit"};
  return names;
}

std::vector<std::string> event_fields(const std::string& format) {
  if (format == "raw") return {};
  std::vector<std::string> out{"id"};
  const auto add = [&](std::initializer_list<const char*> names) {
    out.insert(out.end(), names.begin(), names.end());
    return out;
  };
  if (format == "owenit")
    return add({"user_type", "user_id", "event", "auditable_type", "auditable_id", "old_values",
                "new_values", "url", "ip_address", "user_agent", "tags", "created_at",
                "updated_at"});
  if (format == "activitylog4" || format == "activitylog5") {
    add({"log_name", "description", "subject_type", "subject_id", "event", "causer_type",
         "causer_id", "properties", "created_at", "updated_at"});
    out.emplace_back(format == "activitylog4" ? "batch_uuid" : "attribute_changes");
    return out;
  }
  out = replay::event_members();
  if (format == "json" || format == "ndjson") return out;
  out.emplace_back("address");
  out.emplace_back("more");
  return out;
}

json::object machine_row(const std::string& format, const EventView& e) {
  if (format == "activitylog4") return replay::to_activitylog4(e);
  if (format == "activitylog5") return replay::to_activitylog5(e);
  if (format == "owenit") return replay::to_owenit(e);
  return format == "json" || format == "ndjson" ? replay::to_full_json(e) : csv_row(e);
}

std::string sentence(const EventView& e) {
  const engine::Body& b = e.body.body;
  std::string out = e.action.empty() ? std::string(engine::name_of(e.header.kind)) : e.action;
  if (e.header.cause != engine::Cause::None && e.action.empty() &&
      engine::name_of(e.header.cause) != out)
    out += fmt::format(" ({})", engine::name_of(e.header.cause));
  if (!b.target_type.empty() || !b.target_id.empty())
    out += fmt::format("  {} {}", b.target_type, b.target_id);
  for (const auto* text : {&b.description, &b.name, &b.emoji, &b.status_text})
    if (!text->empty()) out += "  " + *text;
  out += own_words(e);
  if (!b.reason.empty()) out += "  " + b.reason;
  if (!b.ticket.empty()) out += "  [" + b.ticket + "]";
  if (e.header.body_len != 0 && e.body.state != store::BodyState::Open)
    out += fmt::format("  [text {}]", store::name_of(e.body.state));
  return out;
}

EventPrinter::EventPrinter(const Context& context, std::FILE* out)
    : context_(context), out_(out), rows_(context, csv_columns(), out) {}

void EventPrinter::print(const EventView& e) {
  if (context_.output == "raw") {  // the entry's bytes, as they are hashed
    const store::Bytes bytes = store::encode_header(e.header);
    std::fwrite(bytes.data(), 1, bytes.size(), out_);
    return;
  }
  // With --fields, people get a table of them.
  if (machine_output(context_) || !context_.fields.empty()) {
    rows_.add(machine_row(context_.output, e));
    return;
  }
  if (context_.output == "cat") {
    fmt::print(out_, "{}\n", printable(sentence(e)));
    return;
  }
  // Events of one request stand together under its batch.
  const std::string& batch = e.body.body.batch;
  if (batch != batch_ && !batch.empty()) fmt::print(out_, "batch {}\n", printable(batch));
  batch_ = batch;
  const char* indent = batch.empty() ? "" : "  ";
  fmt::print(out_, "{}#{}  {}  {}  {}\n", indent, e.header.seq, replay::short_time(e.header.at),
             padded(printable(e.user.empty() ? "-" : e.user), 16), printable(sentence(e)));
  for (const auto& line : replay::diff_lines(e))
    fmt::print(out_, "{}        {}\n", indent, printable(line));
  if (context_.output != "wide") return;
  const engine::Body& b = e.body.body;
  const auto line = [&](std::string_view name, const std::string& text) {
    if (!text.empty()) fmt::print(out_, "{}        {}: {}\n", indent, name, printable(text));
  };
  line("from", b.address);
  line("agent", b.agent);
  line("device", b.device);
  line("session", e.header.session == 0 || e.header.session == ~std::uint64_t{0}
                      ? ""
                      : fmt::format("{}", e.header.session));
  line("session's key", b.external_key);
  line("properties", b.properties);
  line("request", b.request_id);
  line("log", b.log_name);
  line("occurred at", b.occurred_at == 0 ? "" : replay::rfc3339(b.occurred_at));
  line("detail", b.detail);
  for (const auto& [key, value] : replay::particulars(e)) line(std::string_view(key), told(value));
}

void EventPrinter::flush() {
  rows_.flush();
  std::fflush(out_);
}

}  // namespace rollcall::cli
