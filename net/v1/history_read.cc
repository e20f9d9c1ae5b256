// HistoryRead for what the server answers.
#include "net/v1/history_read.h"

#include "net/loop/clock.h"
#include "net/presence/app.h"
#include "net/wire/pusher_signature.h"
#include "replay/read_log.h"
#include "store/bytes/mutex.h"
#include "store/bytes/utf8.h"

#include <future>

namespace rollcall::net::inline v1 {
namespace {

/// Once a minute for what is equal in everything.
bool is_new(const std::string& question) {
  static store::Mutex mutex;
  static std::map<std::string, std::int64_t> asked;
  constexpr std::int64_t kMinute = 60'000;
  constexpr std::size_t kAskedMost = 10'000;
  const store::Lock guard(mutex);
  const std::int64_t now = steady_ms();  // a wall that is set back must not hide what is read
  if (asked.size() > kAskedMost) asked.clear();
  const auto [last, first] = asked.try_emplace(question, now);
  if (!first && now - last->second < kMinute) return false;
  last->second = now;
  return true;
}

std::vector<store::Proposal> proposals(const std::string& by, const Asked& asked,
                                       const ReadReason& why) {
  // As much of the question as an event holds, cut between two characters.
  constexpr std::size_t kWhatMost = 4096;
  std::string what = asked.what.substr(0, kWhatMost);
  while (!what.empty() && !store::valid_utf8(what)) what.pop_back();
  return replay::proposals_of({why.reason, why.ticket, what, by, asked.subjects});
}

}  // namespace

ReadReason read_reason(const HttpRequest& request) {
  return {percent_decode(request.header("rollcall-reason"))
              .value_or(std::string(request.header("rollcall-reason"))),
          percent_decode(request.header("rollcall-ticket"))
              .value_or(std::string(request.header("rollcall-ticket")))};
}

store::Result<void> check_reason(App& app, const ReadReason& why) {
  constexpr std::size_t kWordsMost = 4096;
  for (const std::string& words : {why.reason, why.ticket})
    if (words.size() > kWordsMost || !store::valid_utf8(words))
      return store::Error{store::Errc::BadInput,
                          "reason and ticket are at most 4096 bytes of UTF-8 each"};
  if (!why.reason.empty() || !why.ticket.empty()) return {};
  if (app.playback() != nullptr) return {};  // it was given, and logged, when the replay began
  const auto reading = app.live().reading();
  if (!reading) return store::Error{store::Errc::Io, "the log is being opened anew: try again"};
  const auto needed = replay::reads_need_reason(reading->log());
  if (!needed) return needed.error();
  if (*needed) return replay::reason_missing();
  return {};
}

store::Result<void> note_read(App& app, const std::string& by, const Asked& asked,
                              const ReadReason& why, Often often) {
  RC_TRY(check_reason(app, why));
  if (often == Often::OnceAMinute) {
    const std::string question =
        fmt::format("{}\n{}\n{}\n{}\n{}\n{}", app.settings().id, by, asked.what,
                    fmt::join(asked.subjects, ","), why.reason, why.ticket);
    if (!is_new(question)) return {};
  }
  (void)app.live().submit([all = proposals(by, asked, why)](store::Transaction& transaction) {
    for (const auto& proposal : all) (void)transaction.append(proposal);
  });
  return {};
}

store::Result<engine::Seq> note_read_durably(App& app, const std::string& by, const Asked& asked,
                                             const ReadReason& why) {
  constexpr auto kLongest = std::chrono::seconds(10);
  const auto told = std::make_shared<std::promise<store::Result<engine::Seq>>>();
  auto first = told->get_future();
  const bool taken =
      app.live().submit([told, all = proposals(by, asked, why)](store::Transaction& transaction) {
        store::Result<engine::Seq> seq = engine::Seq{0};
        for (const auto& proposal : all) {
          const auto written = transaction.append(proposal);
          if (!written)
            seq = written.error();  // what cannot be logged is not answered
          else if (seq && *seq == 0)
            seq = written->seq;
        }
        transaction.when_durable([told, seq](const store::Result<void>& durable) {
          told->set_value(durable ? seq : store::Result<engine::Seq>(engine::Seq{0}));
        });
      });
  if (!taken || first.wait_for(kLongest) != std::future_status::ready) return engine::Seq{0};
  return first.get();
}

}  // namespace rollcall::net::inline v1
