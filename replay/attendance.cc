// Reading ChannelNamed and NodeDown.
#include "replay/attendance.h"

#include <algorithm>

namespace rollcall::replay {
namespace {

bool closes_gap(const Header& h) {
  return h.kind == engine::Kind::NodeDown && h.cause == engine::Cause::Restart;
}

Gap gap_of(const Header& h) { return {h.seq, std::min(static_cast<Micros>(h.b), h.at), h.at}; }

}  // namespace

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
    if (opened.state == store::BodyState::Open) out[(*header)->a] = opened.body.name;
  }
  return out;
}

Result<std::vector<Gap>> coverage_gaps(const Reader& reader) {
  std::vector<Gap> out;
  RC_TRY(reader.log().scan(1, reader.last(), [&](const Header& h, store::ByteView) {
    if (closes_gap(h)) out.push_back(gap_of(h));
    return true;
  }));
  return out;
}

Result<std::optional<Gap>> gap_around(const Reader& reader, Seq upto, std::optional<Micros> at) {
  std::optional<Gap> out;
  if (!at) return out;
  // Nothing is written in a gap: the event that closes it is the next one.
  RC_TRY(reader.log().scan(upto + 1, upto + 1, [&](const Header& h, store::ByteView) {
    if (closes_gap(h) && gap_of(h).from < *at && *at <= h.at) out = gap_of(h);
    return false;
  }));
  return out;
}

}  // namespace rollcall::replay
