// The contextual activity log: which events match, in which order, from where on.
//
// Why this file exists: an auditor's question is a filter over headers first (free) and over opened
// bodies last (dear), asked forwards, backwards, page by page with a cursor, or for ever.
#pragma once

#include "replay/event_view.h"

#include <functional>
#include <regex>
#include <set>

namespace rollcall::replay {

struct AuditFilter {
  Seq from = 1, to = ~Seq{0};  ///< inclusive
  /// The range in the words it was asked in, where it was: `today` is the same question tomorrow,
  /// though its events are others. A cursor is bound to this, else to `from` and `to`.
  std::string range_asked;
  std::set<UserNumber> users;
  bool causer_only = false;  ///< --causer: only what the user did, not what timers concluded
  std::set<std::uint64_t> sessions;
  std::set<engine::Kind> kinds;
  std::set<engine::Cause> causes;
  std::vector<std::string> addresses;  ///< exact, or a prefix ending in *
  std::set<std::uint64_t> channels;    ///< who came and went there
  std::set<UserNumber> subjects;       ///< whom others' events are about
  std::vector<std::string> readers;    ///< HistoryRead: by one of these
  std::string pattern;                 ///< ECMAScript regular expression over the event's texts
  std::vector<std::pair<std::string, std::string>> matches;  ///< FIELD=VALUE, all must hold
  bool any_person = false;                                   ///< leave out the app's own events

  /// The same for equal questions, whatever their order: what a cursor is bound to. Names are not
  /// in it.
  [[nodiscard]] store::Hash digest() const;
};

/// A moment or span of --since, --until and --seq as a cursor remembers it: what is absolute as
/// what it means, what is relative (today, -2h) as its words.
[[nodiscard]] std::string asked_moment(std::string_view text, Micros now);

/// Fields that FIELD=VALUE knows; properties.x and changes.x besides.
[[nodiscard]] const std::vector<std::string>& audit_fields();
/// What is wrong with a field's or a kind's name: a sentence that lists them; empty where nothing.
[[nodiscard]] std::string field_fault(const std::string& field);
[[nodiscard]] std::string kind_fault(const std::string& name);
/// The text of a field of an event; nothing where it has none.
[[nodiscard]] std::optional<std::string> field_text(const EventView& event, std::string_view field);
/// What is wrong with a FIELD=VALUE or word that can be told without a log; empty where nothing is.
[[nodiscard]] std::string match_fault(const std::string& text);
/// FIELD=VALUE checked; a plain word is searched for in the texts.
[[nodiscard]] Result<void> add_match(AuditFilter& filter, const Reader& reader,
                                     const std::string& text);

class Audit {
 public:
  static Result<Audit> prepare(const Reader& reader, AuditFilter filter);
  /// Whether an answer shows texts, or only counts what headers say. Filters over texts open them
  /// anyway.
  enum class Bodies { Yes, No };
  /// Visits matches in order (or newest first); false stops.
  Result<void> run(bool newest_first, const std::function<bool(const EventView&)>& visit,
                   Bodies bodies = Bodies::Yes) const;
  /// Whether the header alone refuses.
  [[nodiscard]] bool header_matches(const Header& header) const;

 private:
  Audit(const Reader& reader, AuditFilter filter) : reader_(&reader), filter_(std::move(filter)) {}
  [[nodiscard]] bool body_matches(const EventView& event) const;
  Result<bool> visit_chunk(Seq from, Seq to, const std::function<bool(const EventView&)>& visit,
                           Bodies bodies) const;

  const Reader* reader_;
  AuditFilter filter_;
  std::optional<std::regex> regex_;
  std::optional<std::uint64_t> action_;  ///< header-level: the interned action asked for
  bool action_unknown_ = false;
  bool needs_body_ = false;
  bool searches_ = false;  ///< for a word or pattern, which an action or a channel may hold, too
};

/// A place in an answer: base64url of {origin hash, seq, filter hash, MAC}. The MAC's key is the
/// log's tag key, so a cursor made up by somebody else is malformed, not a wrong answer.
[[nodiscard]] Result<std::string> make_cursor(const Reader& reader, const AuditFilter& filter,
                                              Seq seq);
/// The seq it stands at; an error where it belongs to another log or filter.
[[nodiscard]] Result<Seq> read_cursor(const Reader& reader, const AuditFilter& filter,
                                      std::string_view cursor);

}  // namespace rollcall::replay
