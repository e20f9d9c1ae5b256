// A small invented company whose people come and go: for looking at a server that lives.
//
// Why this file exists: a newcomer should see presence change within a minute. Each person is a
// real client of the Pusher protocol with a schedule drawn from one seed, so two runs tell the same
// day.
#pragma once

#include "store/bytes/errc.h"

#include <atomic>
#include <cstdint>
#include <string>
#include <vector>

namespace rollcall::net {

struct Company {
  std::string address = "127.0.0.1";
  std::uint16_t port = 8080;
  std::string key, secret;  ///< of the app: signs for its people, as a site's back end would
  std::uint64_t seed = 7;
  double speed = 1;  ///< minutes of theirs in one of ours
};

[[nodiscard]] const std::vector<std::string>& company_people();
/// Until `stop`. Somebody whose connection is lost comes back as anybody would.
store::Result<void> run_company(const Company& company, const std::atomic<bool>& stop);

}  // namespace rollcall::net
