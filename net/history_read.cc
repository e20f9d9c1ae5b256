// HistoryRead for what the server answers.
#include "net/history_read.h"

#include "net/app.h"
#include "net/signature.h"
#include "replay/read_log.h"

#include <mutex>

namespace rollcall::net {

ReadReason read_reason(const HttpRequest& request) {
  return {percent_decode(request.header("rollcall-reason")).value_or(std::string()),
          percent_decode(request.header("rollcall-ticket")).value_or(std::string())};
}

store::Result<void> note_read(App& app, const Caller& caller, const std::string& what,
                              const ReadReason& why, Often often) {
  if (why.reason.empty() && why.ticket.empty()) {
    const auto reading = app.live().reading();
    if (!reading) return store::Error{store::Errc::Io, "the log is being opened anew: try again"};
    const auto needed = replay::reads_need_reason(reading->log());
    if (!needed) return needed.error();
    if (*needed) return replay::reason_missing();
  }
  if (often == Often::OnceAMinute) {
    static std::mutex mutex;
    static std::map<std::string, engine::Micros> asked;
    constexpr engine::Micros kMinute = 60'000'000;
    constexpr std::size_t kAskedMost = 10'000;
    const std::lock_guard guard(mutex);
    const engine::Micros now = store::wall_now();
    if (asked.size() > kAskedMost) asked.clear();
    engine::Micros& last = asked[fmt::format("{}\n{}\n{}\n{}\n{}", app.settings().id, caller.name,
                                             what, why.reason, why.ticket)];
    if (now - last < kMinute) return {};
    last = now;
  }
  (void)app.live().submit([what, why, by = caller.name](store::Turn& turn) {
    store::Proposal p;
    p.kind = engine::Kind::HistoryRead;
    p.body.reason = why.reason;
    p.body.ticket = why.ticket;
    p.body.detail = json::serialize(json::object{{"what", what}, {"by", by}});
    (void)turn.append(p);
  });
  return {};
}

}  // namespace rollcall::net
