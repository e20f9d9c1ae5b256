// The contextual activity log: which events match, in which order, from where on.
//
// Why this file exists: an auditor's question is a filter, over headers first (cheap) and over
// opened bodies last (expensive), run forwards, backwards, page by page with a cursor, or for ever.
#pragma once

#include "replay/event_view.h"
#include "replay/pattern.h"

#include <functional>
#include <set>

namespace rollcall::replay {

struct AuditFilter {
  Seq from = 1, to = ~Seq{0};  ///< inclusive
  /// The range as it was worded, if it was: `today` is the same question tomorrow, although it
  /// selects other events. A cursor is bound to these words, or else to `from` and `to`.
  std::string range_asked;
  std::set<UserNumber> users;
  bool causer_only = false;  ///< --causer: only what the user did, not what timers concluded
  std::set<std::uint64_t> sessions;
  std::set<engine::Kind> kinds;
  std::set<engine::Cause> causes;
  std::vector<std::string> addresses;  ///< exact, or a prefix ending in *
  std::set<std::uint64_t> channels;    ///< joins and leaves there
  std::set<UserNumber> subjects;       ///< whom others' events are about
  std::vector<std::string> readers;    ///< HistoryRead: by one of these
  std::string pattern;  ///< regular expression over the event's texts (replay/pattern.h)
  std::vector<std::pair<std::string, std::string>> matches;  ///< FIELD=VALUE, all must hold
  bool any_person = false;                                   ///< leave out the app's own events

  /// Equal for equal questions, whatever the order of their parts: a cursor is bound to it. It
  /// contains no names.
  [[nodiscard]] store::Hash digest() const;
};

/// A moment or span of --since, --until and --seq as a cursor remembers it: by its meaning if it is
/// absolute, by its words if it is relative (today, -2h).
[[nodiscard]] std::string asked_moment(std::string_view text, Micros now);

/// The fields of FIELD=VALUE; properties.x and changes.x are accepted besides.
[[nodiscard]] const std::vector<std::string>& audit_fields();
/// What is wrong with a field's or a kind's name: a sentence that lists them; else empty.
[[nodiscard]] std::string field_fault(const std::string& field);
[[nodiscard]] std::string kind_fault(const std::string& name);
/// The text of a field of an event; nothing if it has none.
[[nodiscard]] std::optional<std::string> field_text(const EventView& event, std::string_view field);
/// What is wrong with a FIELD=VALUE or word that shows without a log; empty if nothing is.
[[nodiscard]] std::string match_fault(const std::string& text);
/// Adds a checked FIELD=VALUE, or a plain word to search for in the texts.
[[nodiscard]] Result<void> add_match(AuditFilter& filter, const Reader& reader,
                                     const std::string& text);

class Audit {
 public:
  static Result<Audit> prepare(const Reader& reader, AuditFilter filter);
  /// Whether an answer shows texts or only counts headers. Filters over texts open bodies in either
  /// case.
  enum class Bodies { Yes, No };
  /// Visits matches in order (or newest first) until `visit` returns false.
  Result<void> run(bool newest_first, const std::function<bool(const EventView&)>& visit,
                   Bodies bodies = Bodies::Yes) const;
  /// False if the header alone excludes the event.
  [[nodiscard]] bool header_matches(const Header& header) const;

 private:
  Audit(const Reader& reader, AuditFilter filter) : reader_(&reader), filter_(std::move(filter)) {}
  [[nodiscard]] bool body_matches(const EventView& event) const;
  Result<void> run_back(const std::function<bool(const EventView&)>& visit) const;
  Result<bool> visit_chunk(Seq from, Seq to, const std::function<bool(const EventView&)>& visit,
                           Bodies bodies) const;

  const Reader* reader_;
  AuditFilter filter_;
  Seq first_ = 1;  ///< nothing before it can match
  std::optional<Pattern> pattern_;
  std::optional<std::uint64_t> action_;  ///< header-level: the interned action asked for
  bool action_unknown_ = false;
  bool needs_body_ = false;
  bool searches_ = false;  ///< for a word or pattern, which an action or a channel may hold, too
};

/// A place in an answer: base64url of {origin hash, seq, filter hash, MAC}. The MAC's key is the
/// log's tag key, so an invented cursor is malformed and never gives a wrong answer.
[[nodiscard]] Result<std::string> make_cursor(const Reader& reader, const AuditFilter& filter,
                                              Seq seq);
/// The cursor's seq; an error if it belongs to another log or filter.
[[nodiscard]] Result<Seq> read_cursor(const Reader& reader, const AuditFilter& filter,
                                      std::string_view cursor);

}  // namespace rollcall::replay
