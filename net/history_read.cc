// HistoryRead for what the server answers.
#include "net/history_read.h"

#include "net/app.h"
#include "net/clock.h"
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
    static std::map<std::string, std::int64_t> asked;
    constexpr std::int64_t kMinute = 60'000;
    constexpr std::size_t kAskedMost = 10'000;
    const std::lock_guard guard(mutex);
    const std::int64_t now = steady_ms();  // a wall that is set back must not hide what is read
    if (asked.size() > kAskedMost) asked.clear();
    const auto [last, first] =
        asked.try_emplace(fmt::format("{}\n{}\n{}\n{}\n{}", app.settings().id, caller.name, what,
                                      why.reason, why.ticket),
                          now);
    if (!first && now - last->second < kMinute) return {};
    last->second = now;
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
