// Retention: planning and dropping.
#include "store/retention.h"

#include <fmt/format.h>

namespace rollcall::store {
namespace {

using engine::Kind;
constexpr std::size_t kBatch = 1000;

/// Visits the stored bodies of a kind up to a seq; `held` tells whether the user is under a hold.
Result<void> visit_bodies(const EventLog& log, const Ledger& ledger, Kind kind, Seq upto,
                          const std::function<Result<void>(Seq, bool held)>& visit) {
  const auto& holds = ledger.holds;
  std::vector<Seq> stored;
  for (Seq from = 1; from <= upto; from += 65'536) {
    const Seq to = std::min(upto, from + 65'535);
    stored.clear();
    RC_TRY(log.scan_bodies(from, to, [&](Seq seq, ByteView) {
      stored.push_back(seq);
      return true;
    }));
    std::size_t next = 0;
    std::optional<Error> failed;
    RC_TRY(log.scan(from, to, [&](const Header& h, ByteView) {
      if (next == stored.size()) return false;
      if (stored[next] != h.seq) return true;
      ++next;
      if (h.kind != kind) return true;
      if (const auto ok = visit(h.seq, holds.contains(h.user)); !ok) {
        failed = ok.error();
        return false;
      }
      return true;
    }));
    if (failed) return *failed;
  }
  return {};
}

}  // namespace

bool kept_for_ever(Kind kind) {
  return kind == Kind::UserEnrolled || kind == Kind::ActionNamed || kind == Kind::ChannelNamed;
}

Result<Written> set_retention(Writer& writer, Kind kind, std::uint64_t keep_seconds,
                              engine::Micros at) {
  if (kept_for_ever(kind) && keep_seconds != 0) {
    return Error{Errc::BadInput,
                 fmt::format("names are kept: {} takes no rule (`forget` ends a person's name)",
                             engine::name_of(kind))};
  }
  Proposal rule;
  rule.kind = Kind::RetentionApplied;
  engine::write_fields(rule,
                       engine::RetentionFields{kind, keep_seconds, engine::Retention::Rule, 0});
  return writer.write(rule, at);
}

Result<std::vector<RetentionPlanRow>> plan_retention(const EventLog& log, const Ledger& ledger,
                                                     engine::Micros now) {
  std::vector<RetentionPlanRow> out;
  for (const auto& [kind, seconds] : ledger.retention) {
    if (kept_for_ever(static_cast<Kind>(kind))) continue;  // a rule of an earlier version
    RetentionPlanRow row;
    row.kind = static_cast<Kind>(kind);
    row.keep_seconds = seconds;
    const auto upto = log.seq_at(now - static_cast<engine::Micros>(seconds) * 1'000'000);
    if (!upto) return upto.error();
    row.upto = *upto - 1;
    RC_TRY(visit_bodies(log, ledger, row.kind, row.upto, [&](Seq, bool held) -> Result<void> {
      ++(held ? row.held : row.bodies);
      return {};
    }));
    out.push_back(row);
  }
  return out;
}

Result<std::uint64_t> apply_retention(
    Writer& writer, const std::vector<RetentionPlanRow>& plan, engine::Micros now,
    const std::function<void(std::uint64_t, std::uint64_t)>& progress) {
  std::uint64_t all = 0;
  for (const auto& row : plan) all += row.bodies;
  std::uint64_t dropped = 0;
  for (const auto& row : plan) {
    if (row.bodies == 0) continue;
    Proposal applied;
    applied.kind = Kind::RetentionApplied;
    engine::write_fields(applied, engine::RetentionFields{row.kind, row.keep_seconds,
                                                          engine::Retention::Applied, row.upto});
    const auto written = writer.write(applied, now);
    if (!written) return written.error();
    std::vector<Seq> batch;
    const auto flush = [&]() -> Result<void> {
      RC_TRY(writer.log().drop_bodies(batch));
      dropped += batch.size();
      batch.clear();
      if (progress) progress(dropped, all);
      return {};
    };
    RC_TRY(visit_bodies(writer.log(), writer.ledger(), row.kind, row.upto,
                        [&](Seq seq, bool held) -> Result<void> {
                          if (held) return {};
                          batch.push_back(seq);
                          return batch.size() == kBatch ? flush() : Result<void>{};
                        }));
    RC_TRY(flush());
  }
  if (dropped > 0) RC_TRY(writer.log().compact_bodies());
  return dropped;
}

}  // namespace rollcall::store
