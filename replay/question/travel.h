// How the rows of an answer travel: a row is a JSON object.
//
// Why this file exists: most rows are described structs and are written as they are. An event is
// shown in many forms, all of which the asker makes: it travels as its entry, its opened body and
// the names that both mention, or, for whoever wants to read it as it is, as `audit -o json`
// prints it.
#pragma once

#include "replay/event_json.h"
#include "replay/question/described.h"

namespace rollcall::replay::inline question {

enum class EventsAs : bool {
  Json,    ///< to_full_json()
  Entries  ///< EntryRow
};

struct EntryRow {
  std::string entry;                ///< base64 of the header's bytes, as they are hashed
  std::optional<std::string> body;  ///< base64 of the plain body; none if it does not open
  std::optional<std::string> salt;  ///< base64; with body
  std::string body_state;
  std::string user, action, channel, subject;
};
BOOST_DESCRIBE_STRUCT(EntryRow, (), (entry, body, salt, body_state, user, action, channel, subject))

[[nodiscard]] EntryRow entry_of(const EventView& event);
[[nodiscard]] Result<EventView> view_of(const EntryRow& row);

/// JSON Schema of the members of an event as JSON.
[[nodiscard]] json::object event_schema();

template <class Row>
json::object row_to_json(const Row& row, EventsAs as) {
  if constexpr (std::is_same_v<Row, EventView>) {
    if (as == EventsAs::Json) return to_full_json(row);
    return write_value(entry_of(row)).as_object();
  } else {
    return write_value(row).as_object();
  }
}

/// Of a row that travelled with EventsAs::Entries.
template <class Row>
Result<Row> row_from_json(const json::value& value) {
  if constexpr (std::is_same_v<Row, EventView>) {
    EntryRow entry;
    RC_TRY(read_value(value, entry, "a row", Of::Answer));
    return view_of(entry);
  } else {
    Row out;
    RC_TRY(read_value(value, out, "a row", Of::Answer));
    return out;
  }
}

}  // namespace rollcall::replay::inline question
