// What proven bytes say of an event, and whether a text that was shown beside them says the same.
//
// Why this file exists: a proof covers a header and, by a digest in it, one body. Everything else
// an answer shows (a person's name, an action's, a channel's) is in the body of another event,
// which has to be proven, too. Bundles, answers and receipts are judged here in one way: a word is
// what proven bytes say, or it is refused, or it is listed as not covered.
#pragma once

#include "replay/event_view.h"

#include <set>

namespace rollcall::replay {

/// A body as it travels: "rollcall/body/v1\0" ‖ salt ‖ plain body. Its SHA-256 is in the header.
[[nodiscard]] std::string body_image(const store::OpenedBody& body);
/// The body that an image holds, where it fits the header.
[[nodiscard]] Result<engine::Body> open_image(const Header& header, std::string_view image);

/// The events whose bodies name what this one mentions by number: whose it is and which action,
/// which is all that a bundle shows; for an answer also which channel, and whom it is about.
/// Ascending; only those that the log has.
enum class NamesOf { Bundle, Answer };
[[nodiscard]] Result<std::vector<Seq>> naming_events(const Reader& reader, const Header& header,
                                                     NamesOf what);

/// Headers that were proven to be in a signed log, with the bodies that came with them.
class Proven {
 public:
  void add(const Header& header) { events_[header.seq] = {header, std::nullopt}; }
  /// The header was added; the body must fit it.
  [[nodiscard]] Result<void> add_body(Seq seq, std::string_view image);
  [[nodiscard]] const Header* find(Seq seq) const;

  /// What is proven of a user's name.
  struct Name {
    enum class State {
      Signed,    ///< `text` is in the signed body of `by`
      Unsigned,  ///< the enrolment was written by a version that signed no names
      Gone,      ///< the enrolment has a name that is not here: forgotten, or left out
      Unknown,   ///< the enrolment itself is not here
    };
    State state = State::Unknown;
    std::string text;
    Seq by = 0;
  };
  [[nodiscard]] Name user(UserNumber number) const;
  /// The name that an ActionNamed or ChannelNamed before `before` gave a number.
  [[nodiscard]] Name named(engine::Kind kind, std::uint64_t id, Seq before) const;

  /// The event as the proven bytes tell it.
  [[nodiscard]] EventView view(Seq seq) const;

  /// Whether `told` is what the proven bytes say, letter for letter: its seq. What they do not
  /// cover is put into not_covered(). An answer is as to_full_json() writes it, and has every
  /// naming event with it; a line of a bundle as to_json() does, and one of an earlier version has
  /// none.
  [[nodiscard]] Result<Seq> judge(std::string_view told, NamesOf what);
  /// "the name of user #4", … in order.
  [[nodiscard]] const std::set<std::string>& not_covered() const { return not_covered_; }

  /// The event in lines for people, with where each name is proven.
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
