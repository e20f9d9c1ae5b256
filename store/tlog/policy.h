// The trust file: which log and which witnesses to trust, in C2SP's tlog-policy format.
//
//   log <vkey> [url]
//   witness <name> <vkey> [url]
//   group <name> all|any|<k> <member>…
//   quorum <name>|none            exactly one; names are defined before they are used
#pragma once

#include "store/tlog/note.h"

#include <map>

namespace rollcall::store::inline tlog {

struct PolicyFile {
  struct Log {
    note::Verifier key;
    std::string url;
  };
  struct Witness {
    std::string name;
    note::Verifier key;
    std::string url;
  };
  struct Group {
    std::size_t needed = 0;
    std::vector<std::string> members;
  };
  std::vector<Log> logs;
  std::vector<Witness> witnesses;
  std::map<std::string, Group> groups;
  std::string quorum = "none";

  /// Whether a checkpoint's cosignatures meet the quorum.
  struct Verdict {
    bool met = false;
    std::size_t good = 0;              ///< witnesses whose cosignature verifies
    std::uint64_t newest_seconds = 0;  ///< newest good cosignature, Unix seconds
    std::vector<std::string> bad;      ///< witnesses whose cosignature is present but wrong
  };
  [[nodiscard]] Verdict judge(const note::Note& checkpoint) const;
  [[nodiscard]] std::vector<note::Verifier> log_keys() const;
};

/// An error names the line.
[[nodiscard]] Result<PolicyFile> parse_policy_file(std::string_view text);
[[nodiscard]] std::string render(const PolicyFile& policy);

}  // namespace rollcall::store::inline tlog
