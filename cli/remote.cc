// The client's side of /v1.
#include "cli/remote.h"

#include "cli/pager.h"
#include "net/loop/http.h"
#include "net/wire/pusher_signature.h"
#include "replay/bundle.h"
#include "store/bytes/crypto.h"
#include "store/bytes/files.h"
#include "store/bytes/printable.h"
#include "store/bytes/utf8.h"

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

namespace {

/// Where the command's own file goes, which travels as its output; nothing where it is printed.
std::optional<std::string> file_of(const Context& context) {
  const auto& words = context.question;
  for (const char* name : {"out", "DIR"})
    if (const auto it = context.files.find(name); it != context.files.end() && it->second != "-")
      return it->second;
  const bool given = context.files.contains("out");
  const bool proof = std::find(words.begin(), words.end(), "--proof") != words.end();
  if (words.front() == "who" && proof && !given) return "who-proof.tar";
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

namespace {

constexpr std::string_view kCursorLine = "-- cursor: ";

/// The cursor in the file, where there is one.
std::string kept_cursor(const std::string& file) {
  if (!std::filesystem::exists(file)) return {};
  std::string text = store::read_file(file).value();
  while (text.ends_with('\n')) text.pop_back();
  return text;
}

}  // namespace

int run_there(Context& context) {
  json::object body;
  json::array arguments;
  std::vector<std::string> words = context.question;
  for (const auto& [name, file] : context.files)
    if (name != "out" && name != "DIR" && name != "cursor-file")
      throw Failure({Errc::BadInput,
                     fmt::format("--{} reads a file of this machine, and works on a store alone: "
                                 "-d instead of --url",
                                 name)});
  const auto file = file_of(context);
  const auto has = [&](std::string_view word) {
    return std::find(words.begin(), words.end(), word) != words.end();
  };
  const bool bundle = has("--proof") || has("--format=bundle");
  const Kept kept = words.front() == "tiles"            ? Kept::Files
                    : bundle && words.front() != "show" ? Kept::Bundle
                                                        : Kept::Bytes;
  if (has("--format=bundle") && !context.files.contains("out"))
    throw Failure({Errc::BadInput, "a bundle needs -O: a folder or a .tar to make"});
  // The cursor's file is ours: what it holds goes there, and the new one comes back.
  const auto cursor_file = context.files.find("cursor-file");
  const bool cursor_kept = cursor_file != context.files.end();
  const bool cursor_shown = has("--show-cursor");
  if (cursor_kept) {
    std::vector<std::string> more;
    const bool placed = std::any_of(words.begin(), words.end(), [](const std::string& word) {
      return word.starts_with("--cursor=") || word.starts_with("--after-cursor=");
    });
    const std::string cursor = placed ? std::string() : kept_cursor(cursor_file->second);
    if (!cursor.empty()) more.push_back("--after-cursor=" + cursor);
    if (!cursor_shown) more.emplace_back("--show-cursor");
    words.insert(std::find(words.begin(), words.end(), "--"), more.begin(), more.end());
  }
  for (const auto& word : words) arguments.emplace_back(word);
  body["arguments"] = std::move(arguments);
  if (!context.reason.empty()) body["reason"] = context.reason;
  if (!context.ticket.empty()) body["ticket"] = context.ticket;
  const bool terminal = ::isatty(STDOUT_FILENO) == 1 && context.output != "raw";
  const Pager pager(context);
  std::string held, content, said, cursor;
  int code = 1;
  const auto err = [&](std::string_view bytes) {
    said += bytes;
    std::size_t from = 0;
    for (std::size_t end = said.find('\n'); end != std::string::npos; end = said.find('\n', from)) {
      const std::string_view text = std::string_view(said).substr(from, end + 1 - from);
      from = end + 1;
      const bool of_cursor = text.starts_with(kCursorLine);
      if (of_cursor) cursor = text.substr(kCursorLine.size());
      if (!of_cursor || cursor_shown || !cursor_kept)
        fmt::print(stderr, "{}", store::printable(text, store::LineEnds::Kept));
    }
    said.erase(0, from);
  };
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
    if (const auto* text = o.if_contains("err")) err(text->as_string());
    if (const auto* exit = o.if_contains("exit")) code = exit->to_number<int>();
  };
  const auto reply =
      net::post_streaming(url_of(context, "/v1/command"), words_of(body), headers(context),
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
  std::fwrite(said.data(), 1, said.size(), stderr);
  if (file && code == 0) keep_file(content, *file, kept);
  if (cursor_kept && !cursor.empty())
    store::replace_file(std::filesystem::absolute(cursor_file->second), cursor).value();
  return code;
}

json::object call(const Context& context, const std::string& path, const json::object& body) {
  const auto reply = net::post(url_of(context, path), words_of(body), headers(context)).value();
  if (reply.status != 200) refused(reply.status, reply.body);
  return json::parse(reply.body).as_object();
}

json::object ask(const Context& context, const std::string& path) {
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
