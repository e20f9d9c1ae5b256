// How much one caller may have, as settings say it.
#pragma once

#include <cstdint>

namespace rollcall::net::inline access {

/// What one caller may have: who proved who it is by that, everybody else by address.
struct CallerLimits {
  std::uint32_t writes_per_s = 20;  ///< of a person; five seconds' worth at once
  std::uint32_t write_bytes_per_s = 64U << 10;
  std::uint32_t service_writes_per_s = 20'000;  ///< of a token or an app's signature
  std::uint32_t service_write_bytes_per_s = 64U << 20;
  std::uint32_t questions = 16;             ///< under way at a time
  std::uint32_t streams = 8;                ///< at a time
  std::uint32_t streams_all = 64;           ///< of everybody
  std::uint32_t streams_reserved = 16;      ///< of those, for who may audit
  std::uint32_t failures_per_minute = 300;  ///< of an address: wrong tokens, signatures
};

}  // namespace rollcall::net::inline access
