// HistoryRead.
#include "replay/read_log.h"

#include "store/log/event_clock.h"
#include "store/log/log.h"
#include "store/open_store.h"

#include <boost/json.hpp>

namespace rollcall::replay {
namespace {
constexpr std::string_view kSetting = "setting/reads";
}

store::Error reason_missing() {
  return {store::Errc::Refused,
          "this store logs who reads personal data and why: give --reason (and --ticket)"};
}

store::Result<bool> reads_need_reason(const store::EventLog& log) {
  const auto value = log.meta(kSetting);
  if (!value) return value.error();
  return *value && **value == "reason";
}

store::Result<void> set_reads_need_reason(store::Writer& writer, bool needed, engine::Micros at) {
  store::Proposal p;
  p.kind = engine::Kind::PolicySet;
  engine::PolicyFields fields(writer.state().policy);
  fields.reads_need_reason = needed;
  engine::write_fields(p, fields);
  const auto written = writer.write(p, at);
  if (!written) return written.error();
  return writer.log().put_meta(kSetting, needed ? "reason" : "free");
}

std::vector<store::Proposal> proposals_of(const ReadNote& note) {
  boost::json::object detail{{"what", note.what}};
  if (!note.by.empty()) detail["by"] = note.by;
  store::Proposal p;
  p.kind = engine::Kind::HistoryRead;
  p.body.reason = note.reason;
  p.body.ticket = note.ticket;
  p.body.detail = boost::json::serialize(detail);
  if (note.subjects.empty()) return {p};
  std::vector<store::Proposal> out;
  for (const store::UserNumber subject : note.subjects) {
    engine::write_fields(p, engine::SubjectFields{subject});
    out.push_back(p);
  }
  return out;
}

store::Result<void> note_read(const store::Layout& layout, const ReadNote& note,
                              const store::Opening& opening) {
  if (note.reason.empty() && note.ticket.empty()) {
    const auto log = store::Log::open(layout, store::Log::Mode::Read);
    if (!log) return log.error();
    const auto needed = reads_need_reason(**log);
    if (!needed) return needed.error();
    if (*needed) return reason_missing();
    return {};
  }
  const auto writer = store::open_store(layout, opening);
  if (!writer) return writer.error();
  for (const auto& proposal : proposals_of(note)) {
    const auto written = (*writer)->write(proposal, store::wall_now());
    if (!written) return written.error();
  }
  return {};
}

}  // namespace rollcall::replay
