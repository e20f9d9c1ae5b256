// The one file that walks the lists of endpoints at compile time.
#include "net/http/endpoint_routes.h"

#include "net/http/page_api.h"
#include "net/v1/admin_api.h"
#include "net/v1/cosign_api.h"
#include "net/v1/endpoints.h"
#include "net/v1/offload.h"
#include "net/v1/playback_api.h"
#include "net/v1/tokens_api.h"
#include "net/wire/error_reply.h"

namespace rollcall::net::inline http {
namespace {

using AllEndpoints =
    boost::mp11::mp_append<Endpoints, PageEndpoints, GovernEndpoints, TokenEndpoints,
                           PlaybackEndpoints, boost::mp11::mp_list<CosignEndpoint>>;

/// Of an answer in which there are lists, and many things therefore: not made into text on a thread
/// that has connections to serve.
template <class T>
constexpr bool holds_list() {
  bool out = false;
  boost::mp11::mp_for_each<Members<T>>([&](auto member) {
    using Field = std::decay_t<decltype(std::declval<T>().*member.pointer)>;
    out = out || is_list<Field>::value;
  });
  return out;
}

/// The parameters of an endpoint that stand in its query.
template <class E>
std::vector<QueryName> names_in_query() {
  std::vector<QueryName> out;
  if (E::kRoute.method != std::string_view("GET")) return out;
  boost::mp11::mp_for_each<Members<typename E::Request>>([&](auto member) {
    using Field = std::decay_t<decltype(std::declval<typename E::Request>().*member.pointer)>;
    if (!is_in_path(E::kRoute.path, member.name))
      out.push_back({member.name, is_list<Field>::value});
  });
  return out;
}

HttpReply refused(const store::Error& error, const Call& call) {
  return error_reply(error, call.app.layout().app_dir.native(), call.caller.may("admin"));
}

}  // namespace

// Outside of the unnamed namespace: g++ 12 warns of a lambda in a coroutine's frame there.
template <class E>
boost::asio::awaitable<HttpReply> run_endpoint(Call call, Workers& workers, json::value given) {
  typename E::Request parsed{};
  if (const auto read = read_value(given, parsed, ""); !read)
    co_return problem(422, read.error().detail);
  const auto response = co_await E::run(call, std::move(parsed));
  if (!response) co_return refused(response.error(), call);
  HttpReply out;
  if constexpr (holds_list<typename E::Response>()) {
    auto write = [&response]() -> store::Result<std::string> {
      return json::serialize(write_value(*response));
    };
    auto text = co_await offload<std::string>(workers, call.loop, std::move(write));
    if (!text) co_return refused(text.error(), call);
    out.body = std::move(*text);
  } else {
    out.body = json::serialize(write_value(*response));
  }
  co_return out;
}

namespace {

std::vector<EndpointRoute> make_routes() {
  std::vector<EndpointRoute> out;
  boost::mp11::mp_for_each<AllEndpoints>([&](auto endpoint) {
    using E = decltype(endpoint);
    out.push_back({E::kRoute, names_in_query<E>(),
                   [] { return schema_of<typename E::Request>(replay::Of::Request); },
                   [] { return schema_of<typename E::Response>(); }, &run_endpoint<E>});
  });
  return out;
}

}  // namespace

std::span<const EndpointRoute> endpoint_routes() {
  static const std::vector<EndpointRoute> routes = make_routes();
  return routes;
}

}  // namespace rollcall::net::inline http
