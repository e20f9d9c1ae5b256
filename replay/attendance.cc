// Reading ChannelNamed, and what tells of gaps.
#include "replay/attendance.h"

#include <algorithm>

namespace rollcall::replay {
std::map<std::uint64_t, std::string> channel_names(const Reader& reader) {
  std::map<std::uint64_t, std::string> out;
  const auto pointers = reader.log().scan_meta("channel/");
  if (!pointers) return out;
  for (const auto& [key, text] : *pointers) {
    const auto seq = store::parse_decimal(text);
    const auto header =
        seq ? reader.log().header(*seq) : Result<std::optional<Header>>(std::optional<Header>{});
    if (!header || !*header || (*header)->kind != engine::Kind::ChannelNamed) continue;
    const auto opened = reader.open_body(**header);
    if (opened.state == store::BodyState::Open)
      out[engine::name_fields_of(**header).number] = opened.body.name;
  }
  return out;
}

Result<std::vector<Gap>> coverage_gaps(const Reader& reader) {
  std::vector<Gap> out;
  RC_TRY(reader.log().scan(1, reader.last(), [&](const Header& h, store::ByteView) {
    if (const auto gap = store::gap_told_by(h)) out.push_back(*gap);
    return true;
  }));
  return out;
}

Result<std::vector<Gap>> coverage_gaps(const Reader& reader, Micros from, Micros to) {
  auto gaps = coverage_gaps(reader);
  if (gaps) std::erase_if(*gaps, [&](const Gap& g) { return g.to <= from || g.from >= to; });
  return gaps;
}

}  // namespace rollcall::replay
