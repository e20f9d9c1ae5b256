// Moments to seqs.
#include "cli/moment.h"

#include "cli/command.h"
#include "store/log/event_clock.h"

#include <fmt/format.h>

#include <algorithm>

namespace rollcall::cli {

engine::Seq last_before(const replay::Reader& reader, const std::string& text) {
  const auto spec = replay::parse_time(text, store::wall_now()).value();
  if (const auto* seq = std::get_if<engine::Seq>(&spec)) return std::min(*seq, reader.last());
  return reader.log().seq_at(std::get<engine::Micros>(spec)).value() - 1;
}

void check_range(const std::string& since, const std::string& until) {
  if (since.empty() || until.empty()) return;
  const auto now = store::wall_now();
  const auto from = replay::parse_time(since, now).value();
  const auto to = replay::parse_time(until, now).value();
  if (from.index() == to.index() && to < from)
    usage_error(fmt::format("--until {} is before --since {}", until, since));
}

}  // namespace rollcall::cli
