// What proven bytes say about an event, and whether a text shown beside them says the same.
//
// Why this file exists: a proof covers a header and, by a digest in it, one body. Everything else
// an answer shows (a person's name, an action's, a channel's) is in the body of another event,
// which must be proven, too. Bundles, answers and receipts are checked here in one way: a word
// agrees with proven bytes, or it is refused, or it is listed as not covered.
#pragma once

#include "replay/event_view.h"

#include <set>

namespace rollcall::replay {

/// A body as it travels: "rollcall/body/v1\0" ‖ salt ‖ plain body. Its SHA-256 is in the header.
[[nodiscard]] std::string body_image(const store::OpenedBody& body);
/// The body in an image, if it fits the header.
[[nodiscard]] Result<engine::Body> open_image(const Header& header, std::string_view image);

/// The events whose bodies name what this one mentions by number: its user and action, which is
/// all that a bundle shows; for an answer also its channel and whom it is about. Ascending; only
/// those in the log.
enum class NamesOf { Bundle, Answer };
[[nodiscard]] Result<std::vector<Seq>> naming_events(const Reader& reader, const Header& header,
                                                     NamesOf what);

/// Headers proven to be in a signed log, with the bodies that came with them.
class Proven {
 public:
  void add(const Header& header) { events_[header.seq] = {header, std::nullopt}; }
  /// Call add() for the header first; the body must fit it.
  [[nodiscard]] Result<void> add_body(Seq seq, std::string_view image);
  [[nodiscard]] const Header* find(Seq seq) const;

  /// What is proven about a user's name.
  struct Name {
    enum class State {
      Signed,    ///< `text` is in the signed body of `by`
      Unsigned,  ///< the enrolment was written by a version that signed no names
      Gone,      ///< the enrolment's name is missing here: forgotten, or left out
      Unknown,   ///< the enrolment itself is missing here
    };
    State state = State::Unknown;
    std::string text;
    Seq by = 0;
  };
  [[nodiscard]] Name user(UserNumber number) const;
  /// The name that an ActionNamed or ChannelNamed before `before` gave to a number.
  [[nodiscard]] Name named(engine::Kind kind, std::uint64_t id, Seq before) const;

  /// The event according to the proven bytes.
  [[nodiscard]] EventView view(Seq seq) const;

  /// If `told` agrees with the proven bytes letter for letter, its seq. Adds what they do not cover
  /// to not_covered(). An answer has the form of to_full_json() and comes with every naming event;
  /// a line of a bundle has the form of to_json(), and bundles of earlier versions have no naming
  /// events.
  [[nodiscard]] Result<Seq> judge(std::string_view told, NamesOf what);
  /// "the name of user #4", … in order.
  [[nodiscard]] const std::set<std::string>& not_covered() const { return not_covered_; }

  /// The event in lines for people, with the event that proves each name.
  [[nodiscard]] std::vector<std::string> lines(Seq seq) const;

 private:
  struct Event {
    Header header;
    std::optional<engine::Body> body;
  };
  [[nodiscard]] static Name named_by(const Event* event);
  [[nodiscard]] bool event_has_body(Seq seq) const;

  std::map<Seq, Event> events_;
  std::set<std::string> not_covered_;
};

}  // namespace rollcall::replay
