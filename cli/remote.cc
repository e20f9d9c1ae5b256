// The client's side of /v1.
#include "cli/remote.h"

#include "net/loop/http.h"
#include "net/loop/local_socket.h"
#include "net/v1/questions.h"
#include "net/wire/pusher_signature.h"
#include "store/bytes/files.h"
#include "store/bytes/utf8.h"

#include <boost/json.hpp>
#include <fmt/format.h>

#include <cstdio>
#include <cstdlib>

namespace rollcall::cli {
namespace {

namespace json = boost::json;
using store::Errc;
using store::Failure;

net::Headers headers(const Context& context) {
  net::Headers out{{"Content-Type", "application/json"}};
  // Over a store's own socket the system says who asks.
  if (!net::is_local_url(context.url))
    out.emplace_back("Authorization", "Bearer " + token_of(context));
  if (!context.reason.empty())
    out.emplace_back("Rollcall-Reason", net::percent_encode(context.reason));
  if (!context.ticket.empty())
    out.emplace_back("Rollcall-Ticket", net::percent_encode(context.ticket));
  return out;
}

[[noreturn]] void refused(unsigned status, const std::string& body) {
  boost::system::error_code ec;
  const auto value = json::parse(body, ec);
  std::string detail = fmt::format("the server answered {}", status);
  if (!ec && value.is_object())
    if (const auto* text = value.get_object().if_contains("detail"); text && text->is_string())
      detail = std::string(text->get_string());
  if (!ec && value.is_object())
    if (const auto* name = value.get_object().if_contains("code"); name && name->is_string())
      if (const auto code = store::errc_named(name->get_string())) throw Failure({*code, detail});
  const Errc code = status == 401 || status == 403   ? Errc::NotPermitted
                    : status == 404                  ? Errc::NotFound
                    : status == 409                  ? Errc::Conflict
                    : status == 400 || status == 422 ? Errc::BadInput
                                                     : Errc::Io;
  throw Failure({code, detail});
}

/// What travels is JSON, which is UTF-8: other bytes are told here, where they were given.
std::string words_of(const json::object& body) {
  std::string text = json::serialize(body);
  if (!store::valid_utf8(text))
    throw Failure({Errc::BadInput, "a word of the command is not valid UTF-8"});
  return text;
}

}  // namespace

std::string token_of(const Context& context) {
  if (const char* token = std::getenv("ROLLCALL_TOKEN"); token != nullptr && *token != '\0')
    return token;
  std::filesystem::path file = context.token_file;
  if (file.empty()) {
    file = context.data_folder() / "admin.token";
  }
  auto text = store::read_file(file);
  if (!text)
    throw Failure({Errc::NotPermitted,
                   fmt::format("no token: {} (give ROLLCALL_TOKEN, --token-file, or -d DIR where "
                               "admin.token lies)",
                               text.error().detail)});
  while (!text->empty() && (text->back() == '\n' || text->back() == '\r')) text->pop_back();
  return *text;
}

std::string url_of(const Context& context, const std::string& path, const std::string& query) {
  std::string base = context.url;
  while (base.ends_with('/')) base.pop_back();
  std::string out = base + path;
  std::string rest = query;
  if (!context.app.empty()) rest += "&app=" + context.app;
  if (!rest.empty()) out += (path.find('?') == std::string::npos ? "?" : "&") + rest.substr(1);
  return out;
}

void stream_lines(const Context& context, const std::string& path, const std::string& query,
                  const std::optional<json::object>& body,
                  const std::function<bool(std::string_view line)>& line) {
  std::string held;
  const auto piece = [&](std::string_view bytes) {
    held += bytes;
    bool go_on = true;
    std::size_t from = 0;
    for (std::size_t end = held.find('\n'); go_on && end != std::string::npos;
         end = held.find('\n', from)) {
      go_on = line(std::string_view(held).substr(from, end - from));
      from = end + 1;
    }
    held.erase(0, from);
    std::fflush(stdout);
    return go_on;
  };
  auto with = headers(context);
  with.emplace_back("Accept", fmt::format("application/x-ndjson;{}", net::kRowsAsEntries));
  const std::string url = url_of(context, path, query);
  const auto reply = (body ? net::post_streaming(url, words_of(*body), with, piece)
                           : net::get_streaming(url, with, piece))
                         .value();
  if (reply.status != 200) refused(reply.status, reply.body);
}

json::object call(const Context& context, const std::string& path, const json::object& body) {
  const auto reply = net::post(url_of(context, path), words_of(body), headers(context)).value();
  if (reply.status != 200) refused(reply.status, reply.body);
  return json::parse(reply.body).as_object();
}

json::object get(const Context& context, const std::string& path) {
  const auto reply = net::get(url_of(context, path), headers(context)).value();
  if (reply.status != 200) refused(reply.status, reply.body);
  return json::parse(reply.body).as_object();
}

void follow_events(const Context& context,
                   const std::function<bool(std::string_view, std::string_view)>& event,
                   Follow what) {
  std::string held, name;
  const auto reply =
      net::get_streaming(
          url_of(context, "/v1/stream", what == Follow::Presence ? "&only=presence" : ""),
          headers(context),
          [&](std::string_view piece) {
            held += piece;
            std::size_t from = 0;
            bool go_on = true;
            for (std::size_t end = held.find('\n'); go_on && end != std::string::npos;
                 end = held.find('\n', from)) {
              const std::string_view line = std::string_view(held).substr(from, end - from);
              from = end + 1;
              if (line.starts_with("event: ")) name = std::string(line.substr(7));
              if (line.starts_with("data: ")) go_on = event(name, line.substr(6));
            }
            held.erase(0, from);
            return go_on;
          })
          .value();
  if (reply.status != 200) refused(reply.status, reply.body);
}

}  // namespace rollcall::cli
