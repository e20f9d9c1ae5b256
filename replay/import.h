// Importing history from newline-delimited JSON, one event a line:
//   {"at":"…Z","type":"login|activity|logout","user":"…","session":"…","action":"…",
//    "target":{"type":"…","id":"…"},"description":"…","properties":{…},"changes":{…},
//    "batch":"…","context":{"agent":"…","address":"…","host":"…","device":"…"}}
//
// Why this file exists: an import is all or nothing. The whole file is checked before the first
// event is written, so a bad line writes nothing; and it is refused where the log has moved past
// its first event or holds the same file already (by its SHA-256).
#pragma once

#include "store/writer.h"

#include <functional>

namespace rollcall::replay {

struct ImportReport {
  std::uint64_t lines = 0, logins = 0, activities = 0, logouts = 0;
  std::uint64_t headers = 0;   ///< appended in all, with enrolments and what timers concluded
  std::uint64_t unknown = 0;   ///< events whose session was no longer open
  engine::Micros last_at = 0;  ///< of the last line; of the log's last event where there is none
  bool dry_run = false;
};

enum class DryRun { No, Yes };
/// Called now and then with lines done and lines in all.
using Progress = std::function<void(std::uint64_t done, std::uint64_t all)>;

/// The first pass alone: every line is sound, in time order, none before `last_at` (the log's last
/// event) or after `now`.
[[nodiscard]] store::Result<ImportReport> check_import(std::string_view text,
                                                       engine::Micros last_at, engine::Micros now);
[[nodiscard]] store::Result<ImportReport> import_ndjson(store::Writer& writer,
                                                        std::string_view text, DryRun dry_run,
                                                        engine::Micros now,
                                                        const Progress& progress);
/// The bytes of a file, decompressed where its name ends in .zst; at most `size_max` bytes.
[[nodiscard]] store::Result<std::string> read_maybe_zst(const std::filesystem::path& path,
                                                        std::size_t size_max);

}  // namespace rollcall::replay
