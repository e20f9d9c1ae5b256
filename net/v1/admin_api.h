// The endpoints that govern a running log: signing, holds, retention, forgetting, new keys.
//
// Why this file exists: these write what only the one writer may write, and the server is that
// writer. Each runs alone between two commits (store::Live::exclusively) and is answered once what
// it wrote is durable. All of them need the scope admin.
#pragma once

#include "net/v1/endpoints.h"

namespace rollcall::net::inline v1 {

struct SignedNote {
  std::string note;  ///< C2SP signed note
};
BOOST_DESCRIBE_STRUCT(SignedNote, (), (note))

struct HoldRequest {
  std::optional<std::string> user;      ///< by name, or
  std::optional<std::uint64_t> number;  ///< by number
  std::optional<std::string> reason, ticket;
};
BOOST_DESCRIBE_STRUCT(HoldRequest, (), (user, number, reason, ticket))

struct Place {
  std::uint64_t seq = 0;
};
BOOST_DESCRIBE_STRUCT(Place, (), (seq))

struct RetentionRequest {
  std::string kind;
  std::uint64_t keep_seconds = 0;  ///< 0 ends the rule
};
BOOST_DESCRIBE_STRUCT(RetentionRequest, (), (kind, keep_seconds))

struct ReadsRequest {
  bool need_reason = false;
};
BOOST_DESCRIBE_STRUCT(ReadsRequest, (), (need_reason))

struct Dropped {
  std::uint64_t bodies = 0;
};
BOOST_DESCRIBE_STRUCT(Dropped, (), (bodies))

struct ForgetPlanRequest {
  std::optional<std::string> user;      ///< by name, or
  std::optional<std::uint64_t> number;  ///< by number
};
BOOST_DESCRIBE_STRUCT(ForgetPlanRequest, (), (user, number))

struct MentionRow {
  std::uint64_t seq = 0;
  std::string by;
};
BOOST_DESCRIBE_STRUCT(MentionRow, (), (seq, by))

struct ForgetPlanResponse {
  std::uint64_t user = 0, bodies = 0, events = 0;
  bool held = false;
  std::vector<MentionRow> mentions;
};
BOOST_DESCRIBE_STRUCT(ForgetPlanResponse, (), (user, bodies, events, held, mentions))

struct ForgetBody {
  std::optional<std::string> user;      ///< by name, or
  std::optional<std::uint64_t> number;  ///< by number
  std::string reason;
  std::optional<std::string> ticket;
  std::optional<bool> with_mentions;
};
BOOST_DESCRIBE_STRUCT(ForgetBody, (), (user, number, reason, ticket, with_mentions))

struct Forgotten {
  std::uint64_t user = 0, seq = 0;
  std::string receipt;  ///< C2SP tlog-proof of the UserErased
};
BOOST_DESCRIBE_STRUCT(Forgotten, (), (user, seq, receipt))

struct RotateRequest {
  std::string what;  ///< signing or epoch
};
BOOST_DESCRIBE_STRUCT(RotateRequest, (), (what))

struct Rotated {
  std::string key;  ///< the new vkey, or the number of the new key epoch
};
BOOST_DESCRIBE_STRUCT(Rotated, (), (key))

struct SignEndpoint {
  static constexpr Attributes kRoute{"POST", "/v1/checkpoint", "admin",
                                     "Append a state digest and sign all that is durable", 60};
  using Request = Empty;
  using Response = SignedNote;
  static Answer<Response> run(Call call, Request request);
};
struct HoldEndpoint {
  static constexpr Attributes kRoute{"POST", "/v1/hold", "admin",
                                     "Forbid forgetting and dropping for a user"};
  using Request = HoldRequest;
  using Response = Place;
  static Answer<Response> run(Call call, Request request);
};
struct ReleaseEndpoint {
  static constexpr Attributes kRoute{"POST", "/v1/hold/release", "admin", "End a hold"};
  using Request = HoldRequest;
  using Response = Place;
  static Answer<Response> run(Call call, Request request);
};
struct RetentionEndpoint {
  static constexpr Attributes kRoute{"POST", "/v1/retention", "admin",
                                     "Keep the bodies of a kind so many seconds; 0 ends the rule"};
  using Request = RetentionRequest;
  using Response = Place;
  static Answer<Response> run(Call call, Request request);
};
struct ReadsEndpoint {
  static constexpr Attributes kRoute{"POST", "/v1/reads", "admin",
                                     "Whether every read of others' past needs a reason"};
  using Request = ReadsRequest;
  using Response = Place;
  static Answer<Response> run(Call call, Request request);
};
struct RetentionApplyEndpoint {
  static constexpr Attributes kRoute{"POST", "/v1/retention/apply", "admin",
                                     "Drop the bodies that are older than their rule"};
  using Request = Empty;
  using Response = Dropped;
  static Answer<Response> run(Call call, Request request);
};
struct ForgetPlanEndpoint {
  static constexpr Attributes kRoute{"POST", "/v1/forget/plan", "admin",
                                     "What forgetting a user would do"};
  using Request = ForgetPlanRequest;
  using Response = ForgetPlanResponse;
  static Answer<Response> run(Call call, Request request);
};
struct ForgetEndpoint {
  static constexpr Attributes kRoute{"POST", "/v1/forget", "admin",
                                     "Destroy a user's key and name; headers and proofs stay"};
  using Request = ForgetBody;
  using Response = Forgotten;
  static Answer<Response> run(Call call, Request request);
};
struct RotateEndpoint {
  static constexpr Attributes kRoute{"POST", "/v1/key/rotate", "admin",
                                     "A new signing key, key epoch or master key", 6};
  using Request = RotateRequest;
  using Response = Rotated;
  static Answer<Response> run(Call call, Request request);
};

using GovernEndpoints =
    boost::mp11::mp_list<SignEndpoint, HoldEndpoint, ReleaseEndpoint, RetentionEndpoint,
                         ReadsEndpoint, RetentionApplyEndpoint, ForgetPlanEndpoint, ForgetEndpoint,
                         RotateEndpoint>;

}  // namespace rollcall::net::inline v1
