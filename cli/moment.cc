// Moments to seqs.
#include "cli/moment.h"

#include <algorithm>

namespace rollcall::cli {

engine::Seq last_before(const replay::Reader& reader, const std::string& text) {
  const auto spec = replay::parse_time(text, store::wall_now()).value();
  if (const auto* seq = std::get_if<engine::Seq>(&spec)) return std::min(*seq, reader.last());
  return reader.log().seq_at(std::get<engine::Micros>(spec)).value() - 1;
}

}  // namespace rollcall::cli
