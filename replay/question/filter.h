// Which events a question is about: the filters that audit, its counts, its queries and exports
// share.
#pragma once

#include "replay/audit.h"
#include "replay/question/question.h"

namespace rollcall::replay::inline question {

struct EventFilter : Whose {
  std::optional<std::string> since, until;  ///< moments
  std::optional<std::string> seq;           ///< A..B or A.., inclusive
  std::optional<bool> causer;               ///< only what the users did themselves
  std::vector<std::uint64_t> session;       ///< the seq of its login
  std::vector<std::string> event;           ///< kinds
  std::vector<std::string> ip;              ///< exact, or a prefix that ends in *
  std::vector<std::string> channel;         ///< who joined and left it
  std::vector<std::string> subject;         ///< users whom it is about
  std::vector<std::string> reader;          ///< reads by these
  std::optional<std::string> grep;          ///< a regular expression over the texts
  std::vector<std::string> match;           ///< FIELD=VALUE, or a word to find in the texts
};
BOOST_DESCRIBE_STRUCT(EventFilter, (Whose),
                      (since, until, seq, causer, session, event, ip, channel, subject, reader,
                       grep, match))

struct SeqRange {
  Seq from = 0, to = ~Seq{0};
};
/// A..B or A..; an error says what is wrong.
[[nodiscard]] Result<SeqRange> parse_seqs(std::string_view text);

[[nodiscard]] Result<void> check_filter(const EventFilter& filter);
/// On this log: names become numbers, moments seqs.
[[nodiscard]] Result<AuditFilter> audit_filter(const Desk& desk, const EventFilter& filter);
/// Whose history it is, besides the users that are named: of sessions, and of user=NAME among the
/// matches.
[[nodiscard]] std::vector<UserNumber> whose(const Reader& reader, const EventFilter& filter);

}  // namespace rollcall::replay::inline question
