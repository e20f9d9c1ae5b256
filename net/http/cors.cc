// A foreign page's reading is left to the browser, which keeps the answer from it.
#include "net/http/cors.h"

namespace rollcall::net::inline http {

std::optional<HttpReply> origin_problem(const Settings& settings, const HttpRequest& request,
                                        ReadBy by,
                                        std::vector<std::pair<std::string, std::string>>& cors) {
  const std::string_view origin = request.header("origin");
  if (origin.empty()) return std::nullopt;
  if (same_origin(request)) return std::nullopt;
  const auto& rules = settings.origins;
  if (!rules.empty() && host_matches(origin_host(origin), rules)) {
    cors.emplace_back("Access-Control-Allow-Origin", std::string(origin));
    cors.emplace_back("Vary", "Origin");
    return std::nullopt;
  }
  const bool reads = request.method == "GET" || request.method == "HEAD";
  if (reads && by == ReadBy::Fetch) return std::nullopt;  // unreadable there
  return problem(403, "a page of another site may not do this: name the site with --origin");
}

HttpReply preflight_answer() {
  HttpReply out;
  out.status = 204;
  out.headers = {{"Access-Control-Allow-Methods", "GET, POST, DELETE"},
                 {"Access-Control-Allow-Headers",
                  "Authorization, Content-Type, Idempotency-Key, X-Socket-Id, X-CSRF-TOKEN, "
                  "X-Requested-With, Rollcall-Reason, Rollcall-Ticket"},
                 {"Access-Control-Max-Age", "600"}};
  return out;
}

}  // namespace rollcall::net::inline http
