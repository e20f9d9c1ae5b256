// From Beast's head, through prefix and proxies, to the request.
#include "net/http/received.h"

#include "net/wire/request_head.h"

namespace rollcall::net::inline http {

namespace http = boost::beast::http;

HttpRequest convert(const http::request_header<>& head, const ServerContext& server,
                    const Peer& peer) {
  HttpRequest out;
  out.method = std::string(head.method_string());
  RequestTarget target = read_target({head.target().data(), head.target().size()});
  out.path = std::move(target.path);
  out.query = std::move(target.query);
  out.headers = plain_fields(head);
  if (!target.authority.empty())  // RFC 9112 section 3.2.2: it is what counts, not Host
    for (auto& [name, value] : out.headers)
      if (name == "host") value = target.authority;
  if (const auto below = below_prefix(out.path, server.settings.path_prefix))
    out.path = std::string(*below);
  out.local = peer.local;
  const Networks& trusted = server.settings.trusted_proxies;
  if (trusted.empty() || peer.local) {
    out.peer = peer.address;
    out.tls = peer.tls;
  } else {
    Client client = client_of(out, peer.address, peer.tls, trusted);
    out.peer = std::move(client.address);
    out.tls = client.tls;
  }
  return out;
}

bool host_answered(const HttpRequest& request, const ServerContext& server) {
  return request.local || host_allowed(request.header("host"), server.settings.hosts);
}

bool answers_any_host(const HttpRequest& request) {
  return (request.path == "/up" || request.path == "/v1/health") &&
         (request.method == "GET" || request.method == "HEAD");
}

void strip_credentials(HttpRequest& request) {
  std::erase_if(request.headers, [](const auto& header) {
    return header.first == "authorization" || header.first == "cookie";
  });
  std::string kept;
  std::string_view rest = request.query;
  while (!rest.empty()) {
    const std::size_t end = std::min(rest.find('&'), rest.size());
    if (rest.starts_with("app=")) kept = std::string(rest.substr(0, end));
    rest.remove_prefix(std::min(end + 1, rest.size()));
  }
  request.query = std::move(kept);
}

}  // namespace rollcall::net::inline http
