// The client's side of /v1.
#include "cli/remote.h"

#include "cli/pager.h"
#include "net/http.h"
#include "net/signature.h"
#include "replay/bundle.h"
#include "store/crypto.h"
#include "store/files.h"
#include "store/printable.h"

#include <boost/json.hpp>
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>

namespace rollcall::cli {
namespace {

namespace json = boost::json;
using store::Errc;
using store::Failure;

net::Headers headers(const Context& context) {
  net::Headers out{{"Authorization", "Bearer " + token_of(context)},
                   {"Content-Type", "application/json"}};
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

/// The command's own words: what was given, without what says where and why.
std::vector<std::string> words_of(const Context& context) {
  std::vector<std::string> out;
  for (std::size_t i = 1; i < context.arguments.size(); ++i) {
    const std::string& word = context.arguments[i];
    bool with_value = false, alone = false;
    for (const char* option :
         {"--url", "--token-file", "--data", "-d", "--app", "--reason", "--ticket"}) {
      with_value = with_value || word == option;
      alone = alone || word.starts_with(std::string(option) + "=") ||
              (option[1] != '-' && word.size() > 2 && word.starts_with(option));
    }
    if (with_value) ++i;
    if (!with_value && !alone && word != "--no-pager") out.push_back(word);
  }
  // The command comes first: options that stood before it mean the same behind it.
  std::size_t before = 0;
  while (before < out.size() && out[before].starts_with("-")) {
    const bool valued =
        out[before] == "-o" || out[before] == "--output" || out[before] == "--fields";
    before += valued ? 2 : 1;
  }
  if (before < out.size())
    std::rotate(out.begin(), out.begin() + static_cast<std::ptrdiff_t>(before), out.end());
  return out;
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
  if (!rest.empty()) out += "?" + rest.substr(1);
  return out;
}

namespace {

/// Where -O says that the command's file goes, which travels as its output.
std::optional<std::string> take_file(std::vector<std::string>& words) {
  for (std::size_t i = 0; i < words.size(); ++i) {
    std::string file;
    if ((words[i] == "-O" || words[i] == "--out") && i + 1 < words.size())
      file = std::exchange(words[i + 1], "-");
    else if (words[i].starts_with("--out="))
      file = std::exchange(words[i], "--out=-").substr(6);
    if (!file.empty() && file != "-") return file;
  }
  if (words.size() > 2 && words[0] == "tiles" && !words[2].starts_with('-'))
    return std::exchange(words[2], "-");
  if (!words.empty() && words.front() == "who" &&
      std::find(words.begin(), words.end(), "--proof") != words.end()) {
    words.insert(words.end(), {"-O", "-"});
    return "who-proof.tar";
  }
  return std::nullopt;
}

/// What the command's file is: a receipt as it is, a bundle as a tar or a new folder, or files to
/// put into a folder that may be there.
enum class Kept { Bytes, Bundle, Files };

void keep_file(const std::string& bytes, const std::string& file, Kept kept) {
  const auto path = std::filesystem::absolute(file);
  const bool bundle = kept == Kept::Bundle;
  if (bundle && std::filesystem::exists(path))
    throw Failure({Errc::Refused, fmt::format("{} exists", file)});
  if (kept == Kept::Bytes || (bundle && path.extension() == ".tar")) {
    store::replace_file(path, bytes).value();
  } else {
    const auto aside = path.string() + ".tar.part";
    store::replace_file(aside, bytes).value();
    auto files = replay::read_bundle(aside);
    std::filesystem::remove(aside);
    if (bundle) {
      replay::write_bundle(files.value(), path).value();
    } else {
      for (const auto& [name, content] : files.value()) {
        store::make_directories((path / name).parent_path()).value();
        store::replace_file(path / name, content).value();
      }
    }
  }
  if (bundle) fmt::print("{}\n", store::printable(file));
}

}  // namespace

int run_there(Context& context) {
  json::object body;
  json::array arguments;
  std::vector<std::string> words = words_of(context);
  const auto file = take_file(words);
  const bool rows = !words.empty() && words.front() == "export" &&
                    std::find(words.begin(), words.end(), "bundle") == words.end() &&
                    std::find(words.begin(), words.end(), "--format=bundle") == words.end();
  const Kept kept = words.empty() || words.front() == "proof" || rows ? Kept::Bytes
                    : words.front() == "tiles"                        ? Kept::Files
                                                                      : Kept::Bundle;
  for (const auto& word : words) arguments.emplace_back(word);
  body["arguments"] = std::move(arguments);
  if (!context.reason.empty()) body["reason"] = context.reason;
  if (!context.ticket.empty()) body["ticket"] = context.ticket;
  const bool terminal = ::isatty(STDOUT_FILENO) == 1 && context.output != "raw";
  const Pager pager(context);
  std::string held, content;
  int code = 1;
  const auto out = [&](std::string_view bytes) {
    if (file)
      content += bytes;
    else if (terminal)  // whatever the server is, it moves no cursor here
      fmt::print("{}", store::printable(bytes, store::LineEnds::Kept));
    else
      std::fwrite(bytes.data(), 1, bytes.size(), stdout);
  };
  const auto line = [&](const json::object& o) {
    if (const auto* text = o.if_contains("out")) out(text->as_string());
    if (const auto* bytes = o.if_contains("out64"))
      if (const auto plain = store::from_base64(bytes->as_string()))
        out({reinterpret_cast<const char*>(plain->data()), plain->size()});
    if (const auto* err = o.if_contains("err"))
      fmt::print(stderr, "{}", store::printable(err->as_string(), store::LineEnds::Kept));
    if (const auto* exit = o.if_contains("exit")) code = exit->to_number<int>();
  };
  const auto reply =
      net::post_streaming(url_of(context, "/v1/command"), json::serialize(body), headers(context),
                          [&](std::string_view piece) {
                            held += piece;
                            std::size_t from = 0;
                            for (std::size_t end = held.find('\n'); end != std::string::npos;
                                 end = held.find('\n', from)) {
                              boost::system::error_code ec;
                              const auto value =
                                  json::parse(std::string_view(held).substr(from, end - from), ec);
                              from = end + 1;
                              if (!ec && value.is_object()) line(value.get_object());
                            }
                            held.erase(0, from);
                            std::fflush(stdout);
                            return true;
                          })
          .value();
  if (reply.status != 200) refused(reply.status, reply.body);
  if (file && code == 0) keep_file(content, *file, kept);
  return code;
}

json::object call(const Context& context, const std::string& path, const json::object& body) {
  const auto reply =
      net::post(url_of(context, path), json::serialize(body), headers(context)).value();
  if (reply.status != 200) refused(reply.status, reply.body);
  return json::parse(reply.body).as_object();
}

json::object ask(const Context& context, const std::string& path) {
  const auto reply = net::get(url_of(context, path), headers(context)).value();
  if (reply.status != 200) refused(reply.status, reply.body);
  return json::parse(reply.body).as_object();
}

void follow_events(const Context& context,
                   const std::function<bool(std::string_view, std::string_view)>& event) {
  std::string held, name;
  const auto reply =
      net::get_streaming(url_of(context, "/v1/stream"), headers(context),
                         [&](std::string_view piece) {
                           held += piece;
                           std::size_t from = 0;
                           bool go_on = true;
                           for (std::size_t end = held.find('\n');
                                go_on && end != std::string::npos; end = held.find('\n', from)) {
                             const std::string_view line =
                                 std::string_view(held).substr(from, end - from);
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
