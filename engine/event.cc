// Names of kinds and causes.
#include "engine/event.h"

namespace rollcall::engine {
namespace {

constexpr std::array<std::string_view, kKindCount> kKindNames{"none",
                                                              "user_enrolled",
                                                              "login",
                                                              "logout",
                                                              "activity",
                                                              "inactivity",
                                                              "link_up",
                                                              "link_down",
                                                              "node_up",
                                                              "node_down",
                                                              "status_set",
                                                              "status_cleared",
                                                              "joined",
                                                              "left",
                                                              "policy_set",
                                                              "action_named",
                                                              "channel_named",
                                                              "state_digest",
                                                              "alive_mark",
                                                              "clock_step",
                                                              "erase_requested",
                                                              "user_erased",
                                                              "hold_set",
                                                              "hold_released",
                                                              "history_read",
                                                              "retention_applied",
                                                              "import_began",
                                                              "import_ended",
                                                              "log_continued"};

constexpr std::array<std::string_view, kCauseCount> kCauseNames{
    "",           "login",         "connect",     "resync", "logout",       "revoked",
    "superseded", "grace_expired", "ttl_expired", "erased", "idle_timeout", "client_hint",
    "clean",      "abort",         "timeout",     "drain",  "crash",        "restart",
    "user",       "expired",       "admin"};

}  // namespace

std::string_view name_of(Kind kind) {
  const auto i = static_cast<std::size_t>(kind);
  return i < kKindNames.size() ? kKindNames[i] : "unknown";
}

std::string_view name_of(Cause cause) {
  const auto i = static_cast<std::size_t>(cause);
  return i < kCauseNames.size() ? kCauseNames[i] : "unknown";
}

std::optional<Kind> kind_of(std::string_view name) {
  for (std::size_t i = 1; i < kKindNames.size(); ++i) {
    if (kKindNames[i] == name) return static_cast<Kind>(i);
  }
  return std::nullopt;
}

}  // namespace rollcall::engine
