// Placing a moment in the log.
#include "replay/as_of.h"

#include "engine/sequencer.h"

#include <fmt/format.h>

#include <algorithm>
#include <limits>

namespace rollcall::replay {
namespace {

/// Where it begins and ends, and nothing else.
Result<AsOf> bounds(const Reader& reader, Micros now, Watched watched) {
  AsOf out;
  if (reader.last() == 0) return out;
  const auto first = time_of(reader.log(), 1);
  if (!first) return first.error();
  const auto last = time_of(reader.log(), reader.last());
  if (!last) return last.error();
  out.begins = *first;
  out.ends = *last;
  out.watched_to = watched == Watched::ToNow ? std::max(*last, now) : *last;
  return out;
}

/// The gaps that contain the moment. Nothing is written in a gap: the event that tells of it is the
/// last before the moment, or the next after it, or one of the same time as that.
Result<std::vector<Gap>> gaps_around(const Reader& reader, Seq upto, Micros at) {
  std::vector<Gap> out;
  std::optional<Micros> next;
  RC_TRY(reader.log().scan(
      std::max<Seq>(upto, 1), reader.last(), [&](const Header& h, store::ByteView) {
        if (h.seq > upto && !next) next = h.at;
        if (h.seq > upto && h.at != *next) return false;
        if (const auto gap = store::gap_told_by(h); gap && gap->from < at && at < gap->to)
          out.push_back(*gap);
        return true;
      }));
  return out;
}

/// Whether a timer's conclusion is due by then. Mostly none is, and a sequencer arms a timer for
/// every session there is.
bool anything_due(const engine::State& state, Micros at) {
  const auto due = [&](const std::optional<Micros>& deadline) {
    return deadline && *deadline <= at;
  };
  return std::any_of(state.sessions.begin(), state.sessions.end(),
                     [&](const auto& entry) {
                       const engine::Session& s = entry.second;
                       return due(engine::idle_deadline(state.policy, s)) ||
                              due(engine::end_deadline(state.policy, s));
                     }) ||
         std::any_of(state.users.begin(), state.users.end(),
                     [&](const engine::User& user) { return user.until != 0 && user.until <= at; });
}

}  // namespace

std::string_view name_of(Known known) {
  switch (known) {
    case Known::Yes:
      return "yes";
    case Known::InGap:
      return "in_gap";
    case Known::AfterEnd:
      return "after_end";
    case Known::BeforeBegin:
      return "before_begin";
  }
  return "yes";
}

Result<AsOf> as_of(const Reader& reader, Micros at, Micros now, Watched watched) {
  auto out = bounds(reader, now, watched);
  if (!out) return out;
  out->at = at;
  if (reader.last() == 0 || at < out->begins) {
    out->known = Known::BeforeBegin;
    return out;
  }
  const auto last = last_at(reader.log(), at);
  if (!last) return last.error();
  out->seq = *last;
  if (at > out->watched_to) {
    out->known = Known::AfterEnd;
    return out;
  }
  auto gaps = gaps_around(reader, out->seq, at);
  if (!gaps) return gaps.error();
  out->gaps = std::move(*gaps);
  if (!out->gaps.empty()) out->known = Known::InGap;
  return out;
}

Result<AsOf> as_of(const Reader& reader, std::string_view text, Micros now, Watched watched) {
  if (text.empty()) {
    auto out = bounds(reader, now, watched);
    if (!out) return out;
    if (reader.last() == 0) {
      out->at = now;
      return out;
    }
    return as_of(reader, out->watched_to, now, watched);
  }
  const auto spec = parse_time(text, now);
  if (!spec) return spec.error();
  if (const auto* at = std::get_if<Micros>(&*spec)) return as_of(reader, *at, now, watched);
  auto out = bounds(reader, now, watched);
  if (!out) return out;
  out->by_seq = true;
  const Seq asked = std::get<Seq>(*spec);
  if (asked > reader.last())
    return Error{Errc::NotFound, fmt::format("the log ends at seq {}", reader.last())};
  out->seq = asked;
  if (asked == 0) {
    out->known = Known::BeforeBegin;
    return out;
  }
  const auto at = time_of(reader.log(), asked);
  if (!at) return at.error();
  out->at = *at;
  return out;
}

Result<Seq> last_before(const Reader& reader, std::string_view text, Micros now) {
  const auto spec = parse_time(text, now);
  if (!spec) return spec.error();
  if (const auto* seq = std::get_if<Seq>(&*spec))
    return std::min(std::max<Seq>(*seq, 1) - 1, reader.last());
  const auto first = reader.log().seq_at(std::get<Micros>(*spec));
  if (!first) return first.error();
  return *first - 1;
}

Result<Micros> time_of(const store::EventLog& log, Seq seq) {
  const auto header = log.header(seq);
  if (!header) return header.error();
  if (!*header)
    return Error{Errc::Tampered, fmt::format("seq {}: the log has no record of it", seq)};
  return (*header)->at;
}

Result<Seq> last_at(const store::EventLog& log, Micros at) {
  const auto after = log.seq_at(std::min(at, std::numeric_limits<Micros>::max() - 1) + 1);
  if (!after) return after.error();
  return *after - 1;
}

Result<engine::State> state_as_of(const Reader& reader, const AsOf& moment) {
  auto fold = state_at(reader, moment.seq);
  if (!fold) return fold.error();
  const bool at_the_end = moment.seq == reader.last() && moment.known == Known::Yes;
  if (moment.by_seq || !at_the_end || !anything_due(fold->state, moment.at))
    return std::move(fold->state);
  engine::Sequencer sequencer(std::move(fold->state));
  std::vector<engine::Sequenced> concluded;
  std::vector<engine::Transition> transitions;
  sequencer.conclude(moment.at + 1, concluded, transitions);
  return std::move(sequencer.state_for_digest());
}

}  // namespace rollcall::replay
