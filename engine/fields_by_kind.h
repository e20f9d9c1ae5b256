// Which view of a header's free fields each kind has, for whoever treats all kinds alike.
//
// Why this file exists: the views (engine/event_fields.h) are for code that knows its kind. A
// table, a test or a printer goes through all of them.
#pragma once

#include "engine/event_fields.h"

#include <array>
#include <string_view>
#include <type_traits>

namespace rollcall::engine {

/// Calls `take` with the header's view; kinds of later versions have no fields here.
template <class Take>
constexpr void with_fields(const Header& h, const Take& take) {
  switch (h.kind) {
    case Kind::None:
    case Kind::UserEnrolled:
    case Kind::AliveMark:
      return take(NoFields{});
    case Kind::Login:
      return take(login_of(h));
    case Kind::Logout:
      return take(logout_of(h));
    case Kind::Activity:
      return take(activity_of(h));
    case Kind::Inactivity:
      return take(idle_of(h));
    case Kind::LinkUp:
    case Kind::LinkDown:
      return take(link_of(h));
    case Kind::NodeUp:
    case Kind::NodeDown:
      return take(node_change_of(h));
    case Kind::StatusSet:
      return take(status_of(h));
    case Kind::StatusCleared:
      return take(cleared_of(h));
    case Kind::Joined:
    case Kind::Left:
      return take(member_of(h));
    case Kind::PolicySet:
      return take(policy_of(h));
    case Kind::ActionNamed:
    case Kind::ChannelNamed:
      return take(name_fields_of(h));
    case Kind::StateDigest:
      return take(digest_of(h));
    case Kind::ClockStep:
      return take(clock_of(h));
    case Kind::EraseRequested:
      return take(erase_request_of(h));
    case Kind::UserErased:
      return take(erased_of(h));
    case Kind::HoldSet:
    case Kind::HoldReleased:
    case Kind::HistoryRead:
      return take(subject_fields_of(h));
    case Kind::RetentionApplied:
      return take(retention_of(h));
    case Kind::ImportBegan:
      return take(import_of(h));
    case Kind::ImportEnded:
      return take(imported_of(h));
    case Kind::LogContinued:
      return take(continued_of(h));
  }
  take(NoFields{});
}

/// The kind's names for a, b, c and d; empty where it has no such field.
[[nodiscard]] constexpr std::array<std::string_view, 4> field_names(Kind kind) {
  std::array<std::string_view, 4> out{};
  Header of_kind;
  of_kind.kind = kind;
  with_fields(of_kind, [&](const auto& view) {
    std::remove_cvref_t<decltype(view)>::each(view,
                                              [&](char letter, std::string_view name, const auto&) {
                                                out[static_cast<std::size_t>(letter - 'a')] = name;
                                              });
  });
  return out;
}

}  // namespace rollcall::engine
