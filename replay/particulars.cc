// Kind by kind.
#include "replay/particulars.h"

#include "replay/time_text.h"

#include <boost/json.hpp>
#include <fmt/format.h>

namespace rollcall::replay {
namespace {

namespace json = boost::json;
using engine::Cause;
using engine::Kind;

/// Whole ones as whole numbers: JSON would write the others' 300 as 3E2.
json::value seconds(Micros span) {
  constexpr Micros kSecond = 1'000'000;
  if (span % kSecond == 0) return span / kSecond;
  return static_cast<double>(span) / 1e6;
}

/// A moment in a header's field; 0 is none.
void put_time(json::object& o, const char* key, std::uint64_t micros) {
  const auto at = static_cast<Micros>(micros);
  constexpr Micros kYear9999 = 253'402'300'800'000'000;  // what RFC 3339 can write
  if (at > 0 && at < kYear9999) o[key] = rfc3339(at);
}

void put_node(json::object& o, std::uint64_t word) {
  if (word == 0) return;
  o["node"] = engine::node_of(word);
  o["node_epoch"] = engine::epoch_of(word);
}

/// A text of the operator's particulars (Body::detail), by the first of its names that is there.
std::string of_detail(const engine::Body& body, std::initializer_list<const char*> names) {
  if (body.detail.empty()) return {};
  boost::system::error_code ec;
  const json::value detail = json::parse(body.detail, ec);
  if (ec || !detail.is_object()) return {};
  for (const char* name : names) {
    const auto* v = detail.get_object().if_contains(name);
    if (v != nullptr && v->is_string() && !v->get_string().empty())
      return std::string(v->get_string());
  }
  return {};
}

void put(json::object& o, const char* key, const std::string& text) {
  if (!text.empty()) o[key] = text;
}

void put_subject(json::object& o, const EventView& e) {
  const auto subject = subject_of(e.header);
  if (!subject) return;
  put(o, "subject", e.subject);
  o["subject_number"] = *subject;
}

void put_policy(json::object& o, const Header& h) {
  const auto fields = engine::policy_of(h);
  const engine::Policy p = fields.policy();
  o["idle_after_s"] = seconds(Micros{p.idle_after_ms} * 1000);
  o["ttl_s"] = p.ttl_s;
  o["grace_clean_s"] = p.grace_clean_s;
  o["grace_abort_s"] = p.grace_abort_s;
  o["grace_node_s"] = p.grace_node_s;
  o["grace_drain_s"] = p.grace_drain_s;
  o["sessions_max"] = p.sessions_max;
  if (fields.reads_need_reason) o["reads_need_reason"] = true;
}

void put_status(json::object& o, const Header& h) {
  const auto set = engine::status_of(h);
  using engine::Override;
  o["shown_as"] = set.manual == Override::Away        ? "away"
                  : set.manual == Override::Invisible ? "invisible"
                                                      : "none";
  if (set.do_not_disturb) o["do_not_disturb"] = true;
  put_time(o, "until", set.until);
}

void put_retention(json::object& o, const Header& h) {
  const auto said = engine::retention_of(h);
  o["of_kind"] = engine::name_of(said.of_kind);
  switch (said.form) {
    case engine::Retention::Rule:
      o["retention"] = "rule";
      o["keep_s"] = said.keep_s;
      break;
    case engine::Retention::One:
      o["retention"] = "one";
      o["of_seq"] = said.event;
      break;
    default:
      o["retention"] = "applied";
      o["keep_s"] = said.keep_s;
      o["up_to_seq"] = said.event;
      break;
  }
}

std::string file_digest(const Header& h) {
  const auto words = engine::import_of(h).sha256;
  return fmt::format("{:016x}{:016x}{:016x}{:016x}", words[0], words[1], words[2], words[3]);
}

}  // namespace

json::object particulars(const EventView& e) {
  const Header& h = e.header;
  json::object o;
  switch (h.kind) {
    case Kind::None:
    case Kind::UserEnrolled:
    case Kind::Login:  // the tag is of the caller's own key, which the body has in words
    case Kind::AliveMark:
      break;
    case Kind::Logout:
      if (h.cause == Cause::GraceExpired || h.cause == Cause::TtlExpired)
        o["basis"] = engine::logout_of(h).basis;
      break;
    case Kind::Activity: {
      put_subject(o, e);
      const auto activity = engine::activity_of(h);
      if (activity.touch) o["touch"] = true;
      if (activity.producer_no != 0) o["producer_no"] = activity.producer_no;
      put_time(o, "active_at", activity.active_until);
      break;
    }
    case Kind::Inactivity:
      put_time(o, "last_activity", engine::idle_of(h).idle_since);
      break;
    case Kind::LinkUp:
    case Kind::LinkDown:
      o["connection"] = engine::link_of(h).connection;
      put_node(o, engine::link_of(h).node);
      break;
    case Kind::NodeUp:
    case Kind::NodeDown:
      put_node(o, engine::node_change_of(h).node);
      put_time(o, "last_heard", engine::node_change_of(h).last_heard);
      break;
    case Kind::StatusSet:
      put_status(o, h);
      break;
    case Kind::StatusCleared:
      if (h.cause == Cause::Expired) o["basis"] = engine::cleared_of(h).basis;
      break;
    case Kind::Joined:
    case Kind::Left:
      put(o, "channel", e.channel);
      o["channel_number"] = engine::member_of(h).channel;
      put_node(o, engine::member_of(h).node);
      break;
    case Kind::PolicySet:
      put_policy(o, h);
      break;
    case Kind::ActionNamed:
      o["action_number"] = engine::name_fields_of(h).number;
      break;
    case Kind::ChannelNamed:
      put(o, "channel", e.channel);
      o["channel_number"] = engine::name_fields_of(h).number;
      break;
    case Kind::StateDigest:
      o["covers_seq"] = engine::digest_of(h).covers;
      o["reducer"] = engine::digest_of(h).reducer;
      break;
    case Kind::ClockStep: {
      const auto clock = engine::clock_of(h);
      o["step_s"] = seconds(clock.step());
      o["offset_before_s"] = seconds(clock.before);
      o["offset_after_s"] = seconds(clock.after);
      break;
    }
    case Kind::EraseRequested:
      put_subject(o, e);
      o["events"] = engine::erase_request_of(h).events;
      if (engine::erase_request_of(h).with_mentions) o["with_mentions"] = true;
      break;
    case Kind::UserErased:
      o["events"] = engine::erased_of(h).events;
      o["request_seq"] = engine::erased_of(h).request;
      break;
    case Kind::HoldSet:
    case Kind::HoldReleased:
      put_subject(o, e);
      break;
    case Kind::HistoryRead:
      put_subject(o, e);
      put(o, "reader", of_detail(e.body.body, {"reader", "by"}));
      put(o, "question", of_detail(e.body.body, {"question", "what"}));
      break;
    case Kind::RetentionApplied:
      put_retention(o, h);
      break;
    case Kind::ImportBegan:
      o["file_sha256"] = file_digest(h);
      break;
    case Kind::ImportEnded:
      o["lines"] = engine::imported_of(h).lines;
      break;
    case Kind::LogContinued:
      o["former_size"] = engine::continued_of(h).former_size;
      put(o, "former_origin", of_detail(e.body.body, {"origin"}));
      break;
  }
  return o;
}

const std::vector<std::string>& particular_names() {
  static const std::vector<std::string> names{"channel",
                                              "channel_number",
                                              "reader",
                                              "subject",
                                              "subject_number",
                                              "question",
                                              "shown_as",
                                              "do_not_disturb",
                                              "until",
                                              "last_activity",
                                              "active_at",
                                              "touch",
                                              "producer_no",
                                              "connection",
                                              "node",
                                              "node_epoch",
                                              "last_heard",
                                              "basis",
                                              "action_number",
                                              "covers_seq",
                                              "reducer",
                                              "step_s",
                                              "offset_before_s",
                                              "offset_after_s",
                                              "idle_after_s",
                                              "ttl_s",
                                              "grace_clean_s",
                                              "grace_abort_s",
                                              "grace_node_s",
                                              "grace_drain_s",
                                              "sessions_max",
                                              "reads_need_reason",
                                              "events",
                                              "with_mentions",
                                              "request_seq",
                                              "retention",
                                              "of_kind",
                                              "of_seq",
                                              "keep_s",
                                              "up_to_seq",
                                              "file_sha256",
                                              "lines",
                                              "former_size",
                                              "former_origin"};
  return names;
}

}  // namespace rollcall::replay
