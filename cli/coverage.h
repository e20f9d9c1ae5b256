// What an answer about the past says of itself, for people and for machines.
//
// Why this file exists: every command that tells of a moment or a range says for which times its
// log speaks, in the same words and under the same names.
#pragma once

#include "cli/output.h"
#include "replay/question/coverage.h"

namespace rollcall::cli {

/// The members of the row that ends an answer in json and ndjson: log_begins, log_ends, known,
/// gaps.
[[nodiscard]] boost::json::object coverage_row(const replay::Coverage& coverage,
                                               const std::vector<replay::GapRow>& gaps);
/// The same of a moment: at, seq and root before them.
[[nodiscard]] boost::json::object moment_row(replay::Moment at, std::uint64_t seq,
                                             const std::optional<std::string>& root,
                                             const replay::Coverage& coverage,
                                             const std::vector<replay::GapRow>& gaps);
/// CSV has no such row: coverage and gaps are columns there.
void add_coverage_columns(boost::json::object& row, const replay::Coverage& coverage,
                          const std::vector<replay::GapRow>& gaps);
/// On stderr, unless it is to be quiet: why the answer says unknown, if it does.
void warn_of_unknown(const Context& context, const replay::Coverage& coverage,
                     const std::vector<replay::GapRow>& gaps);
/// On stderr of a table, unless it is to be quiet: that a moment that was not asked for is the
/// log's end.
void say_log_end(const Context& context, replay::Moment at, std::uint64_t seq);

}  // namespace rollcall::cli
