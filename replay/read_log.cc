// HistoryRead.
#include "replay/read_log.h"

#include <boost/json.hpp>

namespace rollcall::replay {
namespace {
constexpr std::string_view kSetting = "setting/reads";
}

store::Error reason_missing() {
  return {store::Errc::Refused,
          "this store logs who reads personal data and why: give --reason (and --ticket)"};
}

store::Result<bool> reads_need_reason(const store::Log& log) {
  const auto value = log.meta(kSetting);
  if (!value) return value.error();
  return *value && **value == "reason";
}

store::Result<void> set_reads_need_reason(store::Writer& writer, bool needed, engine::Micros at) {
  store::Proposal p;
  p.kind = engine::Kind::PolicySet;
  engine::Header fields;
  engine::write_policy(writer.state().policy, fields);
  p.a = fields.a;
  p.b = fields.b;
  p.c = fields.c;
  p.d = needed ? 1 : 0;
  const auto written = writer.write(p, at);
  if (!written) return written.error();
  return writer.log().put_meta(kSetting, needed ? "reason" : "free");
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
  const auto writer = store::Writer::open(layout, opening);
  if (!writer) return writer.error();
  store::Proposal p;
  p.kind = engine::Kind::HistoryRead;
  p.a = note.subject;
  p.body.reason = note.reason;
  p.body.ticket = note.ticket;
  p.body.detail = boost::json::serialize(boost::json::object{{"what", note.what}});
  const auto written = (*writer)->write(p, store::wall_now());
  if (!written) return written.error();
  return {};
}

}  // namespace rollcall::replay
