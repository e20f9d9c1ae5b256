// audit's filters.
#include "cli/audit_options.h"

#include "cli/moment.h"
#include "replay/attendance.h"
#include "store/log/event_clock.h"

#include <fmt/format.h>

#include <algorithm>

namespace rollcall::cli {

void AuditOptions::declare(Command& c) {
  c.positionals("MATCH", matches,
                "FIELD=VALUE (`audit fields` lists them) or a word to find in the texts",
                replay::match_fault);
  c.option("-S,--since", since, "from this moment on", a_moment());
  c.option("-U,--until", until, "before this moment", a_moment());
  c.option("--seq", seqs, "A..B, only these events", a_range());
  users.declare_option(c, "what this one did, and what was done to them; may be repeated");
  c.flag("--causer", causer, "with -u: only what they did themselves");
  c.list("--session", sessions, "only these sessions (the seq of their login)", a_number(1));
  c.list("-e,--event", kinds, "only these kinds: login, logout, activity, inactivity, …",
         replay::kind_fault);
  c.list("--ip", addresses, "only from these addresses; 10.1.* is a prefix");
  c.option("--channel", channels, "only who joined and left this channel; may be repeated",
           a_word());
  c.option("--subject", subjects.names,
           "only what is about this one: reads, holds, others' acts; may be repeated");
  c.option("--reader", readers, "only reads by this one; may be repeated", a_word());
  c.option("-g,--grep", pattern, "a regular expression over the texts", a_pattern());
  c.check([this](const Context&) { check_range(since, until); });
}

std::string AuditOptions::describe() const {
  std::string out = "audit";
  if (!since.empty()) out += " -S " + since;
  if (!until.empty()) out += " -U " + until;
  if (!seqs.empty()) out += " --seq " + seqs;
  out += fmt::format(" users:{} kinds:{}", users.count(), fmt::join(kinds, ","));
  if (!pattern.empty()) out += " -g (a pattern)";
  if (!matches.empty()) out += fmt::format(" {} matches", matches.size());
  return out;
}

replay::AuditFilter AuditOptions::filter(const replay::Reader& reader) const {
  replay::AuditFilter f;
  const auto now = store::wall_now();
  const auto ask = [&](const char* name, const std::string& words) {
    if (!f.range_asked.empty()) f.range_asked += "; ";
    f.range_asked += fmt::format("{} {}", name, words);
  };
  if (!since.empty()) {
    f.from = last_before(reader, since) + 1;
    ask("since", replay::asked_moment(since, now));
  }
  if (!until.empty()) {
    f.to = last_before(reader, until);
    ask("until", replay::asked_moment(until, now));
  }
  if (!seqs.empty()) {
    const auto dots = seqs.find("..");
    std::uint64_t from = 0, to = ~std::uint64_t{0};
    (void)read_number(seqs.substr(0, dots), from);
    if (seqs.size() > dots + 2) (void)read_number(seqs.substr(dots + 2), to);
    f.from = std::max(f.from, from);
    f.to = std::min(f.to, to);
    ask("seq", fmt::format("{}..{}", from, to));
  }
  for (const auto user : users.find(reader)) f.users.insert(user);
  for (const auto user : subjects.find(reader)) f.subjects.insert(user);
  for (const auto& text : sessions) {
    std::uint64_t id = 0;
    (void)read_number(text, id);
    f.sessions.insert(id);
  }
  for (const auto& name : kinds) f.kinds.insert(*engine::kind_of(name));
  if (!channels.empty()) {
    const auto names = replay::channel_names(reader);
    for (const auto& wanted : channels) {
      const auto it = std::find_if(names.begin(), names.end(),
                                   [&](const auto& named) { return named.second == wanted; });
      if (it == names.end())
        throw store::Failure(
            {store::Errc::NotFound, fmt::format("nobody was ever in '{}'", wanted)});
      f.channels.insert(it->first);
    }
  }
  f.readers = readers;
  f.addresses = addresses;
  f.pattern = pattern;
  f.causer_only = causer;
  for (const auto& text : matches) replay::add_match(f, reader, text).value();
  return f;
}

}  // namespace rollcall::cli
