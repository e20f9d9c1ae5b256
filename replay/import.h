// Importing history from newline-delimited JSON, one event per line:
//   {"at":"…Z","type":"login|activity|logout","user":"…","session":"…","action":"…",
//    "target":{"type":"…","id":"…"},"description":"…","properties":{…},"changes":{…},
//    "batch":"…","context":{"agent":"…","address":"…","host":"…","device":"…"}}
//
// Why this file exists: an import is all or nothing. The whole file is checked before the first
// event is written, so a bad line writes nothing. It is refused if the log is already past the
// file's first event, or contains the same file (by its SHA-256).
#pragma once

#include "store/writer.h"

#include <functional>
#include <optional>

namespace rollcall::replay {

struct ImportReport {
  std::uint64_t lines = 0, logins = 0, activities = 0, logouts = 0;
  std::uint64_t headers = 0;   ///< appended, including enrolments and conclusions of timers
  std::uint64_t unknown = 0;   ///< events whose session was no longer open
  engine::Micros last_at = 0;  ///< of the last line; of the log's last event if there is none
  bool dry_run = false;
};

enum class DryRun { No, Yes };
/// Called from time to time with the lines done and all lines.
using Progress = std::function<void(std::uint64_t done, std::uint64_t all)>;

/// Only the first pass: every line is valid, in order of time, and none before `last_at` (the log's
/// last event) or after `now`.
[[nodiscard]] store::Result<ImportReport> check_import(std::string_view text,
                                                       engine::Micros last_at, engine::Micros now);
/// `policy`: in force from the first line on, logged at its time; only for a log that nothing was
/// written to.
[[nodiscard]] store::Result<ImportReport> import_ndjson(
    store::Writer& writer, std::string_view text, DryRun dry_run, engine::Micros now,
    const Progress& progress, const std::optional<engine::Policy>& policy = {});
/// The bytes of a file, decompressed if its name ends in .zst, or of standard input, which is
/// called -; at most `size_max` bytes.
[[nodiscard]] store::Result<std::string> read_maybe_zst(const std::filesystem::path& path,
                                                        std::size_t size_max);

}  // namespace rollcall::replay
