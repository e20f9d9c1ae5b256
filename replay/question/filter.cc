// From words to what Audit takes.
#include "replay/question/filter.h"

#include "replay/attendance.h"
#include "replay/pattern.h"
#include "store/bytes/bytes.h"

#include <algorithm>

namespace rollcall::replay::inline question {

Result<SeqRange> parse_seqs(std::string_view text) {
  const auto dots = text.find("..");
  SeqRange out;
  const auto first =
      dots == std::string_view::npos ? std::nullopt : store::parse_decimal(text.substr(0, dots));
  if (!first)
    return Error{Errc::BadInput,
                 fmt::format("'{}' is no range: A..B or A.., numbers of events", text)};
  out.from = *first;
  if (dots + 2 < text.size()) {
    const auto last = store::parse_decimal(text.substr(dots + 2));
    if (!last)
      return Error{Errc::BadInput,
                   fmt::format("'{}' is no range: A..B or A.., numbers of events", text)};
    out.to = *last;
  }
  if (out.from > out.to)
    return Error{Errc::BadInput,
                 fmt::format("'{}' ends before it begins: A..B with A not after B", text)};
  return out;
}

Result<void> check_filter(const EventFilter& f) {
  const auto fault = [](std::string_view member, const std::string& text) -> Result<void> {
    if (text.empty()) return {};
    return Error{Errc::BadInput, fmt::format("{}: {}", member, text)};
  };
  RC_TRY(check_whose(f));
  RC_TRY(check_range(f.since, f.until));
  if (f.seq) {
    const auto range = parse_seqs(*f.seq);
    if (!range) return Error{Errc::BadInput, "seq: " + range.error().detail};
  }
  for (const auto& kind : f.event) RC_TRY(fault("event", kind_fault(kind)));
  for (const auto& text : f.ip) RC_TRY(check_text("ip", text));
  for (const auto& text : f.channel) RC_TRY(check_text("channel", text));
  RC_TRY(check_whose({f.subject, {}}));
  for (const auto& text : f.reader) RC_TRY(check_text("reader", text));
  if (f.grep) {
    if (const auto pattern = Pattern::compile(*f.grep); !pattern || f.grep->empty())
      return fault("grep", pattern ? "an empty pattern finds everything" : pattern.error().detail);
  }
  for (const auto& text : f.match) {
    RC_TRY(check_text("match", text, 4096));
    RC_TRY(fault("match", match_fault(text)));
  }
  return {};
}

Result<AuditFilter> audit_filter(const Desk& desk, const EventFilter& asked) {
  const Reader& reader = *desk.reader;
  AuditFilter f;
  const auto note = [&](const char* name, const std::string& words) {
    if (!f.range_asked.empty()) f.range_asked += "; ";
    f.range_asked += fmt::format("{} {}", name, words);
  };
  if (asked.since) {
    const auto before = last_before(reader, *asked.since, desk.now);
    if (!before) return before.error();
    f.from = *before + 1;
    note("since", asked_moment(*asked.since, desk.now));
  }
  if (asked.until) {
    const auto before = last_before(reader, *asked.until, desk.now);
    if (!before) return before.error();
    f.to = *before;
    note("until", asked_moment(*asked.until, desk.now));
  }
  if (asked.seq) {
    const auto range = parse_seqs(*asked.seq);
    if (!range) return range.error();
    f.from = std::max(f.from, range->from);
    f.to = std::min(f.to, range->to);
    note("seq", fmt::format("{}..{}", range->from, range->to));
  }
  const auto users = find_users(reader, asked);
  if (!users) return users.error();
  f.users.insert(users->begin(), users->end());
  const auto subjects = find_users(reader, {asked.subject, {}});
  if (!subjects) return subjects.error();
  f.subjects.insert(subjects->begin(), subjects->end());
  f.sessions.insert(asked.session.begin(), asked.session.end());
  for (const auto& name : asked.event) {
    const auto kind = engine::kind_of(name);
    if (!kind) return Error{Errc::BadInput, kind_fault(name)};
    f.kinds.insert(*kind);
  }
  if (!asked.channel.empty()) {
    const auto names = channel_names(reader);
    for (const auto& wanted : asked.channel) {
      const auto it = std::find_if(names.begin(), names.end(),
                                   [&](const auto& named) { return named.second == wanted; });
      if (it == names.end())
        return Error{Errc::NotFound, fmt::format("nobody was ever in '{}'", wanted)};
      f.channels.insert(it->first);
    }
  }
  f.readers = asked.reader;
  f.addresses = asked.ip;
  f.pattern = asked.grep.value_or("");
  f.causer_only = asked.causer.value_or(false);
  for (const auto& text : asked.match) RC_TRY(add_match(f, reader, text));
  return f;
}

std::vector<UserNumber> whose(const Reader& reader, const EventFilter& filter) {
  Whose named = filter;
  named.user.insert(named.user.end(), filter.subject.begin(), filter.subject.end());
  constexpr std::string_view kUser = "user=", kSubject = "subject=", kNumber = "user_number=";
  for (const std::string_view text : filter.match) {
    if (text.starts_with(kUser) || text.starts_with(kSubject))
      named.user.emplace_back(text.substr(text.find('=') + 1));
    if (text.starts_with(kNumber))
      if (const auto number = store::parse_decimal(text.substr(kNumber.size())))
        named.number.push_back(*number);
  }
  auto out = known_users(reader, named);
  for (const Seq id : filter.session)
    if (const auto header = reader.log().header(id); header && *header && (*header)->user != 0)
      out.push_back((*header)->user);
  std::sort(out.begin(), out.end());
  out.erase(std::unique(out.begin(), out.end()), out.end());
  return out;
}

}  // namespace rollcall::replay::inline question
