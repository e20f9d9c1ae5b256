// Opening here, streaming from there.
#include "cli/ask.h"

#include "cli/reading.h"
#include "cli/remote.h"
#include "net/v1/questions.h"
#include "net/wire/pusher_signature.h"
#include "store/log/event_clock.h"

#include <boost/json.hpp>
#include <fmt/format.h>

#include <cstdio>

namespace rollcall::cli {
namespace json = boost::json;

OpenDesk::OpenDesk(Context& context, const replay::ReadQuestion& question, store::Log::Mode mode)
    : layout_(context.layout()),
      bar_(context, std::string(question.asks.name)),
      desk_{layout_, nullptr, 0,
            [this](std::uint64_t done, std::uint64_t all) { bar_.update(done, all); }} {
  if (question.asks.of_people) note_read(context, question);
  if (question.asks.opens == replay::Opens::Log)
    desk_.reader = &reader_.emplace(replay::Reader::open(layout_, mode).value());
  if (question.asks.of_people) check_explained(context, *reader_);
  desk_.now = store::wall_now();
}

void OpenDesk::catch_up() {
  reader_->catch_up().value();
  desk_.now = store::wall_now();
}

namespace {

std::string text_of(const json::value& value) {
  return value.is_string() ? std::string(value.get_string()) : json::serialize(value);
}

/// The path with its {names} replaced, which are taken out of `values`.
std::string path_of(std::string_view pattern, json::object& values) {
  std::string out;
  while (!pattern.empty()) {
    const std::size_t open = std::min(pattern.find('{'), pattern.size());
    out += pattern.substr(0, open);
    pattern.remove_prefix(open);
    if (pattern.empty()) break;
    const std::size_t close = pattern.find('}');
    const std::string name(pattern.substr(1, close - 1));
    out += net::percent_encode(text_of(values.at(name)));
    values.erase(name);
    pattern.remove_prefix(close + 1);
  }
  return out;
}

std::string query_of(const json::object& values) {
  std::string out;
  const auto put = [&](std::string_view name, const json::value& value) {
    out += fmt::format("&{}={}", name, net::percent_encode(text_of(value)));
  };
  for (const auto& [name, value] : values) {
    if (const auto* list = value.if_array())
      for (const json::value& one : *list) put(name, one);
    else if (!value.is_null())
      put(name, value);
  }
  return out;
}

/// The last of a question's routes: the one that needs no name in its path.
const net::QuestionRoute& route_for(std::string_view question, const json::object& ask) {
  const net::QuestionRoute* out = nullptr;
  for (const net::QuestionRoute& route : net::question_routes()) {
    if (route.question != question) continue;
    bool fits = true;  // every name in its path has a value
    for (std::string_view rest = route.attributes.path; fits;) {
      const std::size_t open = rest.find('{');
      if (open == std::string_view::npos) break;
      const std::size_t close = rest.find('}', open);
      fits = ask.contains(rest.substr(open + 1, close - open - 1));
      rest.remove_prefix(close);
    }
    if (fits && (out == nullptr || route.attributes.path.size() < out->attributes.path.size()))
      out = &route;
  }
  if (out == nullptr) throw store::Failure({store::Errc::BadInput, "servers do not answer this"});
  return *out;
}

}  // namespace

void ask_there(Context& context, std::string_view question, const json::object& ask,
               const RemoteAnswer& answer, const json::object& more) {
  json::object values = ask;
  const net::QuestionRoute& route = route_for(question, values);
  const bool by_query = route.attributes.method == "GET";
  const std::string path = path_of(route.attributes.path, values);
  for (const auto& [name, value] : more) values[name] = value;
  if (!route.only_with.empty() && !values.contains(route.only_with))
    values[route.only_with] = "now";
  ProgressBar bar(context, std::string(question));
  bool whole = false;
  const auto line = [&](std::string_view text) {
    boost::system::error_code ec;
    const json::value value = json::parse(text, ec);
    const json::object* o = ec ? nullptr : value.if_object();
    if (o == nullptr) throw store::Failure({store::Errc::Io, "the answer cannot be read"});
    if (const auto* row = o->if_contains("row")) return answer.row(*row);
    if (const auto* end = o->if_contains("end")) {
      answer.end(*end);
      whole = true;
    } else if (const auto* progress = o->if_contains("progress");
               progress && progress->is_array()) {
      const auto& both = progress->get_array();
      if (both.size() == 2)
        bar.update(both[0].to_number<std::uint64_t>(), both[1].to_number<std::uint64_t>());
    } else if (o->contains("error")) {
      throw store::Failure(replay::error_of(text));
    }
    return true;
  };
  stream_lines(context, path, by_query ? query_of(values) : std::string(),
               by_query ? std::nullopt : std::optional<json::object>(values), line);
  if (!whole) throw store::Failure({store::Errc::Io, "the answer ended early"});
}

}  // namespace rollcall::cli
