// The log itself.
#include "replay/question/store.h"

#include "replay/attendance.h"
#include "store/bytes/crypto.h"
#include "store/retention.h"

namespace rollcall::replay::inline question {
namespace {

Seconds seconds_of(std::uint64_t seconds) { return {static_cast<Micros>(seconds) * 1'000'000}; }

}  // namespace

Result<StoreQuestion::Summary> answer(const Desk& desk, const StoreQuestion&,
                                      const RowSink<NoRow>&) {
  const Reader& reader = *desk.reader;
  const auto newest = store::newest_checkpoint(reader.log(), desk.layout);
  if (!newest) return newest.error();
  StoreQuestion::Summary out;
  out.origin = reader.log().origin();
  out.events = reader.last();
  if (reader.vault() != nullptr) {
    out.users = reader.vault()->users() - 1;
    out.erased = reader.vault()->erased().size();
  }
  if (reader.last() != 0) {
    const auto last = reader.log().header(reader.last());
    if (!last) return last.error();
    if (*last) out.last_at = Moment{(*last)->at};
  }
  out.signed_size = newest->newest ? newest->newest->checkpoint.size : 0;
  return out;
}

Result<NoSummary> answer(const Desk& desk, const GapsQuestion&,
                         const RowSink<GapsQuestion::Row>& row) {
  const auto gaps = coverage_gaps(*desk.reader);
  if (!gaps) return gaps.error();
  for (const auto& gap : *gaps)
    if (!row({gap.seq, {gap.from}, {gap.to}, {gap.to - gap.from}})) break;
  return NoSummary{};
}

Result<NoSummary> answer(const Desk& desk, const CheckpointsQuestion& q,
                         const RowSink<CheckpointsQuestion::Row>& row) {
  const auto put = [&](const store::SignedCheckpoint& made) {
    return row({made.checkpoint.size, store::base64(made.checkpoint.root),
                made.note.signatures.size(), store::note::render(made.note)});
  };
  if (q.newest.value_or(false)) {
    const auto found = store::newest_checkpoint(desk.reader->log(), desk.layout);
    if (!found) return found.error();
    if (!found->newest)
      return Error{Errc::Incomplete, "nothing was ever signed: `rollcall checkpoint sign` signs"};
    (void)put(*found->newest);
    return NoSummary{};
  }
  const auto all = store::checkpoint_history(desk.reader->log());
  if (!all) return all.error();
  for (const auto& made : *all)
    if (!put(made)) break;
  return NoSummary{};
}

Result<NoSummary> answer(const Desk& desk, const KeysQuestion&,
                         const RowSink<KeysQuestion::Row>& row) {
  const auto keys = store::trusted_keys(desk.layout);
  if (!keys) return keys.error();
  for (const auto& key : *keys)
    if (!row({key.vkey()})) break;
  return NoSummary{};
}

PolicyQuestion::Summary summary_of(const engine::Policy& policy) {
  PolicyQuestion::Summary out;
  out.idle_after_s = {static_cast<Micros>(policy.idle_after_ms) * 1000};
  if (policy.ttl_s != 0) out.ttl_s = policy.ttl_s;
  out.grace_clean_s = policy.grace_clean_s;
  out.grace_abort_s = policy.grace_abort_s;
  out.grace_node_s = policy.grace_node_s;
  out.grace_drain_s = policy.grace_drain_s;
  out.sessions_max = policy.sessions_max;
  return out;
}

Result<PolicyQuestion::Summary> answer(const Desk& desk, const PolicyQuestion&,
                                       const RowSink<NoRow>&) {
  const auto fold = state_at(*desk.reader, desk.reader->last());
  if (!fold) return fold.error();
  return summary_of(fold->state.policy);
}

Result<NoSummary> answer(const Desk& desk, const HoldsQuestion&,
                         const RowSink<HoldsQuestion::Row>& row) {
  const Reader& reader = *desk.reader;
  const auto fold = state_at(reader, reader.last());
  if (!fold) return fold.error();
  for (const auto& [user, seq] : fold->ledger.holds) {
    const auto header = reader.log().header(seq);
    if (!header) return header.error();
    if (!*header) return Error{Errc::Incomplete, fmt::format("event {} is missing", seq)};
    const auto opened = reader.open_body(**header);
    if (!row({reader.user_text(user),
              user,
              {(*header)->at},
              seq,
              opened.body.reason,
              opened.body.ticket}))
      break;
  }
  return NoSummary{};
}

Result<NoSummary> answer(const Desk& desk, const RetentionQuestion&,
                         const RowSink<RetentionQuestion::Row>& row) {
  const auto fold = state_at(*desk.reader, desk.reader->last());
  if (!fold) return fold.error();
  for (const auto& [kind, seconds] : fold->ledger.retention)
    if (!row({std::string(engine::name_of(static_cast<engine::Kind>(kind))), seconds_of(seconds)}))
      break;
  return NoSummary{};
}

Result<NoSummary> answer(const Desk& desk, const RetentionPlanQuestion&,
                         const RowSink<RetentionPlanQuestion::Row>& row) {
  const auto fold = state_at(*desk.reader, desk.reader->last());
  if (!fold) return fold.error();
  const auto plan = store::plan_retention(desk.reader->log(), fold->ledger, desk.now);
  if (!plan) return plan.error();
  for (const auto& r : *plan)
    if (!row({std::string(engine::name_of(r.kind)), seconds_of(r.keep_seconds), r.upto, r.bodies,
              r.held}))
      break;
  return NoSummary{};
}

}  // namespace rollcall::replay::inline question
