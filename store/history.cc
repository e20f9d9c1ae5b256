// Folding headers into a state and a ledger.
#include "store/history.h"

#include <fmt/format.h>

#include <algorithm>

namespace rollcall::store {

using engine::Kind;

void Ledger::note(const Header& h) {
  const auto subject = static_cast<engine::UserNumber>(h.a);
  switch (h.kind) {
    case Kind::ActionNamed:
      actions[h.a] = h.seq;
      break;
    case Kind::ChannelNamed:
      channels[h.a] = h.seq;
      break;
    case Kind::HoldSet:
      holds[subject] = h.seq;
      break;
    case Kind::HoldReleased:
      holds.erase(subject);
      break;
    case Kind::EraseRequested:
      erase_pending[subject] = h.seq;
      break;
    case Kind::UserErased:
      erase_pending.erase(h.user);
      erased[h.user] = h.seq;
      break;
    case Kind::ImportBegan:
      imports.insert({h.a, h.b});
      break;
    case Kind::RetentionApplied:
      if (h.c == 1) {
        if (h.b == 0)
          retention.erase(static_cast<std::uint8_t>(h.a));
        else
          retention[static_cast<std::uint8_t>(h.a)] = h.b;
      }
      break;
    default:
      break;
  }
}

std::optional<Gap> gap_told_by(const Header& h) {
  // A NodeDown comes at the end of its gap and says where that began; a ClockStep stands at the
  // beginning, and nothing before the end follows it.
  if (h.kind == Kind::NodeDown && h.cause == engine::Cause::Restart)
    return Gap{h.seq, std::min(static_cast<engine::Micros>(h.b), h.at), h.at};
  const auto step = static_cast<engine::Micros>(h.b - h.a);
  if (h.kind == Kind::ClockStep && step > 0)
    return Gap{h.seq, h.at, engine::saturating_add(h.at, step)};
  return std::nullopt;
}

Result<void> Fold::advance(const Log& log, Seq to, const Visitor& visit) {
  std::vector<engine::Transition> transitions;
  std::optional<Error> fault;
  RC_TRY(log.scan(state.seq + 1, to, [&](const Header& header, ByteView leaf) {
    if (const auto wrong = engine::order_fault(state, header)) {
      fault = Error{Errc::Tampered, fmt::format("seq {}: {}", header.seq, *wrong)};
      return false;
    }
    if (before) before(header);
    transitions.clear();
    const engine::Outcome outcome = engine::apply(state, header, transitions);
    ledger.note(header);
    shown.note(state, header, outcome, transitions);
    if (visit) visit(header, leaf, outcome, transitions);
    return true;
  }));
  if (fault) return *fault;
  return {};
}

}  // namespace rollcall::store
