// Folding headers into a state and a ledger.
#include "store/log/history.h"

#include "store/log/read_ahead.h"

#include <fmt/format.h>

#include <algorithm>

namespace rollcall::store::inline log {

using engine::Kind;

void Ledger::note(const Header& h) {
  switch (h.kind) {
    case Kind::ActionNamed:
      actions[engine::name_fields_of(h).number] = h.seq;
      break;
    case Kind::ChannelNamed:
      channels[engine::name_fields_of(h).number] = h.seq;
      break;
    case Kind::HoldSet:
      holds[engine::subject_fields_of(h).subject] = h.seq;
      break;
    case Kind::HoldReleased:
      holds.erase(engine::subject_fields_of(h).subject);
      break;
    case Kind::EraseRequested:
      erase_pending[engine::erase_request_of(h).subject] = h.seq;
      break;
    case Kind::UserErased:
      erase_pending.erase(h.user);
      erased[h.user] = h.seq;
      break;
    case Kind::ImportBegan:
      imports.insert({engine::import_of(h).sha256[0], engine::import_of(h).sha256[1]});
      break;
    case Kind::RetentionApplied: {
      const auto said = engine::retention_of(h);
      if (said.form != engine::Retention::Rule) break;
      if (said.keep_s == 0)
        retention.erase(static_cast<std::uint8_t>(said.of_kind));
      else
        retention[static_cast<std::uint8_t>(said.of_kind)] = said.keep_s;
      break;
    }
    default:
      break;
  }
}

std::optional<Gap> gap_told_by(const Header& h) {
  // A NodeDown comes at the end of its gap and says where that began; a ClockStep stands at the
  // beginning, and nothing before the end follows it.
  if (h.kind == Kind::NodeDown && h.cause == engine::Cause::Restart)
    return Gap{h.seq, std::min(engine::node_change_of(h).last_heard, h.at), h.at};
  if (h.kind != Kind::ClockStep) return std::nullopt;
  if (const auto step = engine::clock_of(h).step(); step > 0)
    return Gap{h.seq, h.at, engine::saturating_add(h.at, step)};
  return std::nullopt;
}

std::optional<Error> Fold::step(const Header& header, std::vector<engine::Transition>& transitions,
                                engine::Effects& effects, engine::Outcome& outcome) {
  if (const auto wrong = engine::order_fault(state, header))
    return Error{Errc::Tampered, fmt::format("seq {}: {}", header.seq, *wrong)};
  if (before) before(header);
  transitions.clear();
  effects.list.clear();
  outcome = engine::apply(state, header, transitions, &effects);
  ledger.note(header);
  shown.note(state, header, effects.list, transitions);
  return std::nullopt;
}

Result<void> Fold::advance(const EventLog& log, Seq to, const Visitor& visit) {
  std::vector<engine::Transition> transitions;
  engine::Effects effects;
  engine::Outcome outcome{};
  std::optional<Error> fault;
  const auto one = [&](const Header& header) {
    shown.want(effects);
    fault = step(header, transitions, effects, outcome);
    return !fault;
  };
  if (visit) {
    RC_TRY(log.scan(state.seq + 1, to, [&](const Header& header, ByteView leaf) {
      if (!one(header)) return false;
      visit(header, leaf, outcome, transitions);
      return true;
    }));
  } else {
    RC_TRY(scan_ahead(log, state.seq + 1, to, [&](std::span<const Header> piece) {
      return std::all_of(piece.begin(), piece.end(), one);
    }));
  }
  if (fault) return *fault;
  return {};
}

Result<void> Fold::follow(const EventLog& log, Seq to, engine::Effects effects,
                          const Follower& visit) {
  std::vector<engine::Transition> transitions;
  engine::Outcome outcome{};
  std::optional<Error> fault;
  effects.want_also<engine::Overridden>();  // for `shown`, as ShownOfHiders::want() has it
  RC_TRY(scan_ahead(log, state.seq + 1, to, [&](std::span<const Header> piece) {
    for (const Header& header : piece) {
      if (!shown.users().empty()) effects.want_also<engine::Seen, engine::UserForgotten>();
      fault = step(header, transitions, effects, outcome);
      if (fault) return false;
      visit({header, outcome, transitions, effects.list});
    }
    return true;
  }));
  if (fault) return *fault;
  return {};
}

}  // namespace rollcall::store::inline log
