// Shares are kept by net/access/quota; here is what is counted, and what a caller is told.
#include "net/http/caller_limits.h"

#include <fmt/format.h>

namespace rollcall::net::inline http {

std::string share_key(const App& app, const Caller& caller, std::string_view address) {
  if (caller.scopes.empty()) return "at\n" + limit_key(address);
  return app.settings().id + "\n" + (caller.user.empty() ? caller.name : "person\n" + caller.user);
}

std::optional<HttpReply> over_rate(Quotas& quotas, const std::string& who, const Caller& caller,
                                   const Attributes& is, std::size_t bytes) {
  if (is.per_minute != 0)
    if (const auto wait =
            quotas.take_of_minute(fmt::format("{}\n{} {}", who, is.method, is.path), is.per_minute))
      return too_many(*wait);
  if (is.scope != "events:write") return std::nullopt;
  constexpr double kBurst = 5;  // seconds' worth at once
  const bool person = !caller.user.empty();
  const auto& limits = quotas.limits;
  auto wait = quotas.rates.take("writes\n" + who, 1,
                                person ? limits.writes_per_s : limits.service_writes_per_s, kBurst);
  if (!wait)
    wait = quotas.rates.take("bytes\n" + who, static_cast<double>(bytes),
                             person ? limits.write_bytes_per_s : limits.service_write_bytes_per_s,
                             kBurst);
  if (wait) return too_many(*wait, "this caller writes more than it may: come again later");
  return std::nullopt;
}

std::optional<HttpReply> question_place(Quotas& quotas, const std::string& who,
                                        Places::Place& place) {
  place = quotas.places.take("question\n" + who, quotas.limits.questions);
  if (place) return std::nullopt;
  return too_many(1, "this caller has as many questions as it may ask at a time");
}

std::optional<HttpReply> stream_place(Quotas& quotas, const std::string& who, const Caller& caller,
                                      Chunks& chunks) {
  const auto& limits = quotas.limits;
  auto own = quotas.places.take("stream\n" + who, limits.streams);
  if (!own) return too_many(5, "this caller has as many streams as it may have");
  const std::uint32_t reserved =
      caller.may("audit:read") ? 0 : std::min(limits.streams_reserved, limits.streams_all);
  auto of_all = quotas.places.take("streams", limits.streams_all - reserved);
  if (!of_all) {
    HttpReply out = problem(503, "there are as many streams as there may be");
    out.headers.emplace_back("Retry-After", "5");
    return out;
  }
  chunks.hold(std::move(own));
  chunks.hold(std::move(of_all));
  return std::nullopt;
}

}  // namespace rollcall::net::inline http
