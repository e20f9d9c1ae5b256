// audit's filters.
#include "cli/audit_options.h"

#include "cli/moment.h"

#include <fmt/format.h>

namespace rollcall::cli {

void AuditOptions::declare(Command& c) {
  c.positionals("MATCH", matches,
                "FIELD=VALUE (`audit fields` lists them) or a word to find in the texts");
  c.option("-S,--since", since, "from this moment on");
  c.option("-U,--until", until, "before this moment");
  c.option("--seq", seqs, "A..B, only these events");
  c.option("-u,--user", users, "what these did, and what was done to them");
  c.flag("--causer", causer, "with -u: only what they did themselves");
  c.option("--session", sessions, "only these sessions (the seq of their login)");
  c.option("-e,--event", kinds, "only these kinds: login, logout, activity, inactivity, …");
  c.option("--ip", addresses, "only from these addresses; 10.1.* is a prefix");
  c.option("-g,--grep", pattern, "a regular expression over the texts");
}

std::string AuditOptions::describe() const {
  std::string out = "audit";
  if (!since.empty()) out += " -S " + since;
  if (!until.empty()) out += " -U " + until;
  if (!seqs.empty()) out += " --seq " + seqs;
  out += fmt::format(" users:{} kinds:{}", users.size(), fmt::join(kinds, ","));
  if (!pattern.empty()) out += " -g (a pattern)";
  if (!matches.empty()) out += fmt::format(" {} matches", matches.size());
  return out;
}

replay::AuditFilter AuditOptions::filter(const replay::Reader& reader) const {
  using store::Errc;
  using store::Failure;
  replay::AuditFilter f;
  if (!since.empty()) f.from = last_before(reader, since) + 1;
  if (!until.empty()) f.to = last_before(reader, until);
  if (!seqs.empty()) {
    const auto dots = seqs.find("..");
    const auto a = store::parse_decimal(std::string_view(seqs).substr(0, dots));
    const auto b = dots == std::string::npos ? a
                   : seqs.size() == dots + 2
                       ? std::optional<std::uint64_t>(~std::uint64_t{0})
                       : store::parse_decimal(std::string_view(seqs).substr(dots + 2));
    if (!a || !b) throw Failure({Errc::BadInput, "--seq is A..B"});
    f.from = std::max(f.from, *a);
    f.to = std::min(f.to, *b);
  }
  for (const auto& name : users) f.users.insert(reader.find_user(name).value());
  for (const auto& text : sessions) {
    const auto id = store::parse_decimal(text);
    if (!id) throw Failure({Errc::BadInput, "--session is the seq of a login"});
    f.sessions.insert(*id);
  }
  for (const auto& name : kinds) {
    const auto kind = engine::kind_of(name);
    if (!kind) throw Failure({Errc::BadInput, fmt::format("there is no kind '{}'", name)});
    f.kinds.insert(*kind);
  }
  f.addresses = addresses;
  f.pattern = pattern;
  f.causer_only = causer;
  for (const auto& text : matches) replay::add_match(f, reader, text).value();
  return f;
}

}  // namespace rollcall::cli
