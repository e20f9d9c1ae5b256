// Having a checkpoint cosigned by the witnesses of a store's policy (C2SP tlog-witness, the
// client's side), for the command line and for a running server.
#pragma once

#include "net/v1/admin_api.h"
#include "replay/reader.h"
#include "store/tlog/policy.h"

#include <stop_token>

namespace rollcall::net::inline v1 {

struct WitnessAnswer {
  std::string name;
  store::Result<std::vector<store::note::SignatureLine>> lines;  ///< that verify by its key
};
/// Asks each in turn; one that refuses or does not answer says so in its place. Blocks, until
/// `cancel` says that nobody waits any more.
[[nodiscard]] std::vector<WitnessAnswer> ask_witnesses(const replay::Reader& reader,
                                                       const store::SignedCheckpoint& made,
                                                       const store::PolicyFile& policy,
                                                       const std::stop_token& cancel = {});

struct CosignRow {
  std::string name;
  std::uint64_t exit = 0;  ///< as the command line would end for it
  std::string problem;
};
BOOST_DESCRIBE_STRUCT(CosignRow, (), (name, exit, problem))

struct Cosigned {
  std::uint64_t size = 0;
  std::vector<CosignRow> witnesses;
};
BOOST_DESCRIBE_STRUCT(Cosigned, (), (size, witnesses))

struct CosignEndpoint {
  static constexpr Attributes kRoute{"POST", "/v1/witness/cosign", "admin",
                                     "Have the newest checkpoint cosigned by every witness", 6};
  using Request = Empty;
  using Response = Cosigned;
  static Answer<Response> run(Call call, Request request);
};

}  // namespace rollcall::net::inline v1
