// An event to a row and back.
#include "replay/question/travel.h"

#include "replay/event_json.h"
#include "store/bytes/crypto.h"
#include "store/log/codec.h"

#include <algorithm>
#include <array>

namespace rollcall::replay::inline question {
namespace {

using store::BodyState;

constexpr std::array<BodyState, 5> kStates{BodyState::None, BodyState::Open, BodyState::Dropped,
                                           BodyState::Shredded, BodyState::Damaged};

}  // namespace

EntryRow entry_of(const EventView& event) {
  EntryRow out;
  out.entry = store::base64(store::encode_header(event.header));
  if (event.body.state == BodyState::Open) {
    out.body = store::base64(event.body.plain);
    out.salt = store::base64(event.body.salt);
  }
  out.body_state = std::string(store::name_of(event.body.state));
  out.user = event.user;
  out.action = event.action;
  out.channel = event.channel;
  out.subject = event.subject;
  return out;
}

Result<EventView> view_of(const EntryRow& row) {
  const Error broken{Errc::BadInput, "the answer holds an event that cannot be read"};
  const auto leaf = store::from_base64(row.entry);
  if (!leaf || leaf->size() != store::kHeaderSize) return broken;
  EventView out;
  out.header = store::decode_header(*leaf);
  const auto state = std::find_if(kStates.begin(), kStates.end(),
                                  [&](BodyState s) { return store::name_of(s) == row.body_state; });
  if (state == kStates.end()) return broken;
  out.body.state = *state;
  if (*state == BodyState::Open) {
    const auto plain = row.body ? store::from_base64(*row.body) : std::nullopt;
    const auto salt = row.salt ? store::from_base64(*row.salt) : std::nullopt;
    if (!plain || !salt || salt->size() != out.body.salt.size()) return broken;
    auto body = store::decode_body(*plain);
    if (!body) return broken;
    out.body.body = std::move(*body);
    out.body.plain = *plain;
    std::copy(salt->begin(), salt->end(), out.body.salt.begin());
  }
  out.user = row.user;
  out.action = row.action;
  out.channel = row.channel;
  out.subject = row.subject;
  return out;
}

json::object event_schema() {
  constexpr std::array<std::string_view, 4> whole{"seq", "user_number", "session",
                                                  "subject_number"};
  constexpr std::array<std::string_view, 14> texts{
      "at",     "kind",   "cause", "user",   "action",  "description", "batch",
      "reason", "ticket", "name",  "reader", "channel", "subject",     "question"};
  json::object out;
  for (const auto& name : event_members()) {
    const auto among = [&](const auto& names) {
      return std::find(names.begin(), names.end(), name) != names.end();
    };
    out[name] = among(whole)   ? json::object{{"type", "integer"}}
                : among(texts) ? json::object{{"type", "string"}}
                               : json::object{};
  }
  return out;
}

}  // namespace rollcall::replay::inline question
