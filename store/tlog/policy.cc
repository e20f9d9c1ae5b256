// tlog-policy: parsing, rendering, judging a quorum.
#include "store/tlog/policy.h"

#include <fmt/format.h>

#include <algorithm>
#include <set>

namespace rollcall::store::inline tlog {
namespace {

std::vector<std::string> words(std::string_view line) {
  std::vector<std::string> out;
  std::string word;
  for (const char c : line) {
    if (c == ' ' || c == '\t') {
      if (!word.empty()) out.push_back(std::exchange(word, {}));
    } else {
      word += c;
    }
  }
  if (!word.empty()) out.push_back(word);
  return out;
}

bool holds(const PolicyFile& policy, const std::string& name, const std::set<std::string>& good) {
  if (good.contains(name)) return true;
  const auto it = policy.groups.find(name);
  if (it == policy.groups.end()) return false;
  const auto met =
      std::count_if(it->second.members.begin(), it->second.members.end(),
                    [&](const std::string& member) { return holds(policy, member, good); });
  return static_cast<std::size_t>(met) >= it->second.needed;
}

}  // namespace

std::vector<note::Verifier> PolicyFile::log_keys() const {
  std::vector<note::Verifier> out;
  for (const Log& log : logs) out.push_back(log.key);
  return out;
}

PolicyFile::Verdict PolicyFile::judge(const note::Note& checkpoint) const {
  Verdict verdict;
  std::set<std::string> good;
  for (const Witness& witness : witnesses) {
    for (const note::SignatureLine& line : checkpoint.signatures) {
      if (!note::is_by(line, witness.key)) continue;
      if (!note::verify(checkpoint.text, line, witness.key)) {
        verdict.bad.push_back(witness.name);
        continue;
      }
      good.insert(witness.name);
      verdict.newest_seconds = std::max(verdict.newest_seconds, note::cosigned_at(line));
    }
  }
  verdict.good = good.size();
  verdict.met = quorum == "none" || holds(*this, quorum, good);
  return verdict;
}

Result<PolicyFile> parse_policy_file(std::string_view text) {
  PolicyFile policy;
  std::set<std::string> names;
  bool quorum_seen = false;
  std::size_t number = 0;
  const auto bad = [&](std::string why) {
    return Error{Errc::BadInput, fmt::format("policy line {}: {}", number, why)};
  };
  while (!text.empty()) {
    ++number;
    const auto end = text.find('\n');
    std::string_view line = text.substr(0, end);
    text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
    if (const auto hash = line.find('#'); hash != std::string_view::npos)
      line = line.substr(0, hash);
    const auto w = words(line);
    if (w.empty()) continue;
    if (w[0] == "log" && (w.size() == 2 || w.size() == 3)) {
      const auto key = note::Verifier::parse(w[1]);
      if (!key) return bad(key.error().detail);
      policy.logs.push_back({*key, w.size() == 3 ? w[2] : ""});
    } else if (w[0] == "witness" && (w.size() == 3 || w.size() == 4)) {
      const auto key = note::Verifier::parse(w[2]);
      if (!key) return bad(key.error().detail);
      if (w[1] == "none" || !names.insert(w[1]).second)
        return bad(fmt::format("the name {} is taken", w[1]));
      policy.witnesses.push_back({w[1], *key, w.size() == 4 ? w[3] : ""});
    } else if (w[0] == "group" && w.size() >= 4) {
      PolicyFile::Group group;
      group.members.assign(w.begin() + 3, w.end());
      for (const std::string& member : group.members) {
        if (!names.contains(member)) return bad(fmt::format("{} is not defined above", member));
      }
      const auto k = parse_decimal(w[2]);
      group.needed = w[2] == "all" ? group.members.size() : w[2] == "any" ? 1 : k.value_or(0);
      if (group.needed == 0 || group.needed > group.members.size())
        return bad("a group needs all, any or a number of its members");
      if (w[1] == "none" || !names.insert(w[1]).second)
        return bad(fmt::format("the name {} is taken", w[1]));
      policy.groups[w[1]] = std::move(group);
    } else if (w[0] == "quorum" && w.size() == 2) {
      if (quorum_seen) return bad("a second quorum");
      if (w[1] != "none" && !names.contains(w[1]))
        return bad(fmt::format("{} is not defined above", w[1]));
      policy.quorum = w[1];
      quorum_seen = true;
    } else {
      return bad("expected log, witness, group or quorum with its arguments");
    }
  }
  if (!quorum_seen)
    return Error{Errc::BadInput,
                 "policy: exactly one quorum line is needed (quorum none demands nothing)"};
  return policy;
}

std::string render(const PolicyFile& policy) {
  std::string out;
  const auto url = [](const std::string& u) { return u.empty() ? "" : " " + u; };
  for (const auto& log : policy.logs)
    out += fmt::format("log {}{}\n", log.key.vkey(), url(log.url));
  for (const auto& w : policy.witnesses)
    out += fmt::format("witness {} {}{}\n", w.name, w.key.vkey(), url(w.url));
  // Groups may name groups: write those whose members are written first.
  std::set<std::string> written;
  for (const auto& w : policy.witnesses) written.insert(w.name);
  while (written.size() < policy.witnesses.size() + policy.groups.size()) {
    for (const auto& [name, group] : policy.groups) {
      if (written.contains(name)) continue;
      if (!std::all_of(group.members.begin(), group.members.end(),
                       [&](const auto& m) { return written.contains(m); }))
        continue;
      out += fmt::format("group {} {} {}\n", name, group.needed, fmt::join(group.members, " "));
      written.insert(name);
    }
  }
  return out + fmt::format("quorum {}\n", policy.quorum);
}

}  // namespace rollcall::store::inline tlog
