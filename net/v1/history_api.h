// The past over the API: who was here, a person's timeline, how many were here over time.
//
// What is told about others' past needs audit:read and is logged as a read, once a minute for each
// caller and question.
#pragma once

#include "net/v1/endpoints.h"

namespace rollcall::net::inline v1 {

struct TimelineRequest {
  std::string user;
  std::optional<std::string> from, to;  ///< moments; a day ago and now where they are missing
};
BOOST_DESCRIBE_STRUCT(TimelineRequest, (), (user, from, to))

struct SpanRow {
  std::string from, state, cause;
  std::uint64_t seq = 0;  ///< the event that made it so; 0: it was so before
};
BOOST_DESCRIBE_STRUCT(SpanRow, (), (from, state, cause, seq))

struct EventRow {
  std::uint64_t seq = 0;
  std::string at, kind, cause;
  std::uint64_t session = 0;
  std::optional<std::string> action, description;
};
BOOST_DESCRIBE_STRUCT(EventRow, (), (seq, at, kind, cause, session, action, description))

struct TimelineResponse {
  std::string user, from, to;
  std::vector<SpanRow> spans;
  std::vector<EventRow> events;
  bool events_left_out = false;
  std::vector<GapRow> gaps;  ///< of the range
};
BOOST_DESCRIBE_STRUCT(TimelineResponse, (), (user, from, to, spans, events, events_left_out, gaps))

struct ConcurrencyRequest {
  std::optional<std::string> user, from, to;
  std::optional<std::uint64_t> slices;
};
BOOST_DESCRIBE_STRUCT(ConcurrencyRequest, (), (user, from, to, slices))

struct SliceRow {
  std::string from;
  std::uint64_t online_ms = 0, away_ms = 0;  ///< summed over people
  std::uint64_t most = 0;                    ///< at once
};
BOOST_DESCRIBE_STRUCT(SliceRow, (), (from, online_ms, away_ms, most))

struct ConcurrencyResponse {
  std::string from, to;
  std::uint64_t slice_ms = 0;
  std::vector<SliceRow> slices;
  std::vector<GapRow> gaps;  ///< of the range
};
BOOST_DESCRIBE_STRUCT(ConcurrencyResponse, (), (from, to, slice_ms, slices, gaps))

struct TimelineEndpoint {
  static constexpr Attributes kIs{"GET", "/v1/timeline/{user}", "presence:read",
                                  "A person's states and events over time"};
  using Request = TimelineRequest;
  using Response = TimelineResponse;
  static Answer<Response> run(Call call, Request request);
};
struct ConcurrencyEndpoint {
  static constexpr Attributes kIs{"GET", "/v1/concurrency", "audit:read",
                                  "How many were here over time, in slices"};
  using Request = ConcurrencyRequest;
  using Response = ConcurrencyResponse;
  static Answer<Response> run(Call call, Request request);
};

using PastEndpoints = boost::mp11::mp_list<TimelineEndpoint, ConcurrencyEndpoint>;

/// Who was here at request.at: as `who --at` says it.
[[nodiscard]] Answer<People> people_at(Call& call, PresenceRequest request, std::uint64_t limit);

}  // namespace rollcall::net::inline v1
