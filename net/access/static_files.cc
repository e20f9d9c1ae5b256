// Files, encodings, headers.
#include "net/access/static_files.h"

#include <array>

namespace rollcall::net::inline access {
namespace {

// Nothing but what the server itself hands out; no inline script or style; never in a frame.
constexpr std::string_view kPolicy =
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data: blob:; "
    "font-src 'self'; connect-src 'self'; base-uri 'none'; form-action 'self'; "
    "frame-ancestors 'none'";

/// The views of the page: web/src/router.ts has the same list.
constexpr std::array<std::string_view, 6> kViews{"/",     "/people", "/rooms",
                                                 "/past", "/audit",  "/sign-in"};

bool is_view(std::string_view path) {
  for (const std::string_view view : kViews)
    if (path == view || (view.size() > 1 && path.starts_with(view) && path[view.size()] == '/'))
      return true;
  return false;
}

/// Whether an encoding is named in Accept-Encoding and not with q=0.
bool accepts(std::string_view header, std::string_view encoding) {
  while (!header.empty()) {
    const std::size_t end = std::min(header.find(','), header.size());
    std::string_view part = header.substr(0, end);
    header.remove_prefix(std::min(end + 1, header.size()));
    while (part.starts_with(' ')) part.remove_prefix(1);
    const std::size_t semicolon = std::min(part.find(';'), part.size());
    if (part.substr(0, semicolon) == encoding) {
      const std::string_view rest = part.substr(semicolon);
      return rest.find("q=0") == std::string_view::npos ||
             rest.find("q=0.") != std::string_view::npos;
    }
  }
  return false;
}

}  // namespace

std::optional<HttpReply> page_answer(Assets assets, const HttpRequest& request) {
  if (request.method != "GET" && request.method != "HEAD") return std::nullopt;
  std::string_view path = request.path;
  if (is_view(path)) path = "/index.html";
  const Asset* found = nullptr;
  for (const Asset& asset : assets)
    if (asset.path == path) found = &asset;
  if (found == nullptr) return std::nullopt;
  HttpReply reply;
  reply.type = std::string(found->type);
  reply.headers = {
      {"Content-Security-Policy", std::string(kPolicy)},
      {"Referrer-Policy", "no-referrer"},
      {"Cross-Origin-Resource-Policy",
       path.starts_with("/embed/") ? "cross-origin" : "same-origin"},
      {"Cache-Control", found->immutable ? "public, max-age=31536000, immutable" : "no-cache"},
      {"ETag", std::string(found->etag)},
      {"Vary", "Accept-Encoding"}};
  if (request.header("if-none-match") == found->etag) {
    reply.status = 304;
    return reply;
  }
  const std::string_view wanted = request.header("accept-encoding");
  std::string_view bytes = found->plain;
  if (!found->brotli.empty() && accepts(wanted, "br")) {
    bytes = found->brotli;
    reply.headers.emplace_back("Content-Encoding", "br");
  } else if (!found->gzip.empty() && accepts(wanted, "gzip")) {
    bytes = found->gzip;
    reply.headers.emplace_back("Content-Encoding", "gzip");
  }
  if (request.method == "GET") reply.body = std::string(bytes);
  return reply;
}

}  // namespace rollcall::net::inline access
