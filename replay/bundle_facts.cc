// The list of facts, and the two of what may be there.
#include "replay/bundle_facts.h"

#include <fmt/format.h>

#include <set>
#include <utility>

namespace rollcall::replay {

using store::Errc;
using store::Error;

namespace {

bool known_fact(std::string_view name) {
  static const std::set<std::string_view> known{
      "format", "origin",  "size",  "complete", "user",   "digest", "pages", "page",
      "record", "record0", "asked", "moment",   "listed", "from",   "to",    "keyid"};
  return known.contains(name);
}

}  // namespace

Result<std::map<std::string, std::string>> parse_facts(std::string_view text) {
  std::map<std::string, std::string> out;
  while (!text.empty()) {
    const auto end = text.find('\n');
    const std::string_view line = text.substr(0, end);
    const auto space = line.find(' ');
    if (end == std::string_view::npos || space == std::string_view::npos ||
        !out.emplace(line.substr(0, space), line.substr(space + 1)).second)
      return Error{Errc::Tampered, "the bundle's list of facts is malformed"};
    text.remove_prefix(end + 1);
  }
  const auto format = out.find("format");
  if (format == out.end() || format->second != "rollcall-bundle-1")
    return Error{Errc::BadInput, "not a bundle of format 1"};
  for (const auto& [name, value] : out)
    if (!known_fact(name))
      return Error{Errc::Tampered, "the bundle's facts hold one that nobody knows"};
  return out;
}

std::string shown_name(const std::string& name) { return name.substr(0, 64); }

Result<void> moment_holds(const std::vector<Header>& headers, Seq asked, Seq digest,
                          Micros moment) {
  const auto broken = [](std::string why) { return Error{Errc::Tampered, std::move(why)}; };
  bool next = false, pinned = false;
  for (const Header& h : headers) {
    if (h.seq == asked && h.at > moment)
      return broken("the event asked about is later than the moment");
    if (h.seq == digest && h.at > moment) pinned = true;
    if (h.seq == asked + 1) next = true;
    if (h.seq > asked && h.at <= moment)
      return broken(
          fmt::format("seq {}: not later than the moment, and after the event asked about", h.seq));
  }
  if (!pinned) return broken("the signed state digest is not later than the moment");
  if (!next) return broken("the event after the one asked about is missing");
  return {};
}

Result<void> no_strangers(const BundleFiles& files, const std::string& complete,
                          const std::function<void(const std::string&)>& not_covered) {
  for (const auto& [name, content] : files) {
    if (name.starts_with("bodies/") || name.starts_with("receipts/")) continue;
    if (complete == "chain" && (name.starts_with("state/") || name == "state.proof")) continue;
    static const std::set<std::string_view> known{
        "bundle",        "checkpoint", "log.vkey",   "log.pem",   "policy",    "headers.bin",
        "events.ndjson", "tree.proof", "README.txt", "verify.sh", "answer.txt"};
    if (!known.contains(name))
      return Error{Errc::Tampered, fmt::format("{}: a file that no bundle has", shown_name(name))};
  }
  if (files.contains("policy"))
    not_covered("policy: which witnesses the log's operator asks you to demand");
  for (const auto& [name, own] :
       {std::pair{"README.txt", bundle_readme()}, std::pair{"verify.sh", bundle_script()}}) {
    const auto it = files.find(name);
    if (it != files.end() && it->second != own)
      not_covered(fmt::format("{}: not the one of this version of rollcall", name));
  }
  return {};
}

}  // namespace rollcall::replay
