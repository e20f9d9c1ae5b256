// Which commands, and how their output travels.
#include "net/command_runner.h"

#include "net/child.h"
#include "net/history_read.h"
#include "store/utf8.h"
#include "store/writer.h"

#include <array>
#include <atomic>
#include <map>

namespace rollcall::net {
namespace {

constexpr int kCommandsMost = 8;  // at a time
constexpr std::size_t kArgumentsMost = 200, kArgumentMax = 4096;
std::atomic<int> commands = 0;

/// Only what reads, and only with options that touch no file of the server's.
std::optional<std::string> fault(const std::vector<std::string>& arguments) {
  if (arguments.empty() || arguments.size() > kArgumentsMost) return "no command";
  // A command, and the subcommands of it that read; none listed: all of it reads.
  static const std::map<std::string, std::vector<std::string>> allowed{
      {"who", {}},
      {"last", {}},
      {"audit", {}},
      {"show", {}},
      {"proof", {}},
      {"verify", {}},
      {"export", {}},
      {"subject", {"export"}},
      {"store", {"info", "gaps"}},
      {"checkpoint", {"show", "history"}},
      {"hold", {"list"}},
      {"key", {"show"}},
      {"tiles", {"export"}},
      {"token", {"create", "list", "revoke", "watch"}},
      {"witness", {"add", "list", "status"}},
      {"backup", {"create", "list", "verify", "prune"}},
      {"snapshot", {"create", "list", "verify", "rm"}},
      {"retention", {"show", "plan", "apply"}}};
  const auto command = allowed.find(arguments.front());
  const std::string second = arguments.size() > 1 ? arguments[1] : std::string();
  const bool known =
      command != allowed.end() &&
      (command->second.empty() ||
       std::find(command->second.begin(), command->second.end(), second) != command->second.end());
  // `verify bundle FILE` and its like are about files, which are the caller's.
  const bool of_files = command != allowed.end() && command->first == "verify" && !second.empty() &&
                        !second.starts_with("-");
  if (!known || of_files)
    return fmt::format("'{}{}{}' does not work over --url", arguments.front().substr(0, 40),
                       second.empty() ? "" : " ", second.substr(0, 40));
  if (command->first == "tiles" && (arguments.size() < 3 || arguments[2] != "-"))
    return "'tiles export' streams here: -";
  // Applying goes through the writer (POST /v1/retention/apply); only its plan is a reading.
  if (second == "apply" &&
      std::find(arguments.begin(), arguments.end(), "--dry-run") == arguments.end())
    return "'retention apply' works here with --dry-run alone";
  if (command->first == "backup") {
    // These are folders of the server's machine, which whoever runs it has made.
    for (std::size_t i = 2; i < arguments.size(); ++i) {
      const bool named = arguments[i - 1] == "--name" || arguments[i - 1] == "--keep";
      std::string folder = arguments[i];
      if (folder.starts_with("--vault="))
        folder.erase(0, std::string_view("--vault=").size());
      else if (named || folder.starts_with('-'))
        continue;
      if (!folder.starts_with('/')) return "a folder on the server is given from the root: /…";
      if (!std::filesystem::is_directory(folder))
        return "there is no such folder on the server: backups go into one that is there";
    }
  }
  for (std::size_t i = 0; i < arguments.size(); ++i) {
    const std::string& a = arguments[i];
    if ((a == "-O" || a == "--out") && i + 1 < arguments.size() && arguments[i + 1] == "-")
      continue;  // a file of the caller's: it travels as output
    if (a.size() > kArgumentMax || a.find('\0') != std::string::npos) return "an argument too long";
    for (const char* option : {"--data", "-d", "--app", "--url", "--config", "--out", "-O",
                               "--cursor-file", "--token-file", "--checkpoint", "--policy"})
      if (a == option || a.starts_with(std::string(option) + "=") ||
          (a.starts_with(option) && option[1] != '-'))
        return fmt::format("{} does not work over --url", option);
  }
  return std::nullopt;
}

/// What reads no history but makes or shows what opens and keeps it.
bool governs(const std::vector<std::string>& arguments) {
  return arguments.front() == "backup" || arguments.front() == "token" ||
         arguments.front() == "snapshot" ||
         (arguments.front() == "witness" && arguments.size() > 1 && arguments[1] == "add");
}

/// Bytes of output as lines of JSON; an unfinished UTF-8 sequence waits for its rest.
void relay(Chunks::Sink& sink, const char* name, std::string& held, std::string_view bytes) {
  held += bytes;
  std::size_t whole = held.size();
  for (std::size_t back = 1; back <= 3 && back <= held.size(); ++back) {
    const auto c = static_cast<unsigned char>(held[held.size() - back]);
    if (c >= 0xC0) {
      const std::size_t need = c >= 0xF0 ? 4 : c >= 0xE0 ? 3 : 2;
      if (need > back) whole = held.size() - back;
      break;
    }
    if (c < 0x80) break;
  }
  if (whole == 0) return;
  const std::string text = held.substr(0, whole);
  held.erase(0, whole);
  const json::object line =
      store::valid_utf8(text)
          ? json::object{{name, text}}
          : json::object{{std::string(name) + "64", store::base64(store::as_bytes(text))}};
  (void)sink.push(json::serialize(line) + "\n");
}

void follow(const App& app, const Child& child, Chunks::Sink sink) {
  constexpr std::size_t kWaitingMost = 1U << 20;
  std::string held_out, held_err;
  const int code = follow_child(
      child, [&] { return !sink.gone() && !app.stopping; },
      [&](bool error, std::string_view bytes) {
        relay(sink, error ? "err" : "out", error ? held_err : held_out, bytes);
        // The reader is slow: so is the command.
        while (sink.waiting() > kWaitingMost && !sink.gone() && !app.stopping)
          sink.wait_for_room(kWaitingMost);
      });
  (void)sink.push(json::serialize(json::object{{"exit", code}}) + "\n");
  sink.finish();
}

/// What is refused without a reason where the store asks for one: the same as on the store itself.
bool tells_of_people(const std::vector<std::string>& arguments) {
  constexpr std::array<std::string_view, 6> kReading{"who",    "last", "audit",
                                                     "export", "show", "subject"};
  return std::find(kReading.begin(), kReading.end(), arguments.front()) != kReading.end();
}

struct Asked {
  std::vector<std::string> arguments;
  std::optional<std::string> reason, ticket;
};
BOOST_DESCRIBE_STRUCT(Asked, (), (arguments, reason, ticket))

}  // namespace

HttpReply run_command(App& app, const Caller& caller, const HttpRequest& request, Chunks& chunks,
                      Loop&) {
  if (!caller.may("audit:read")) return problem(403, "this needs the scope audit:read");
  boost::system::error_code ec;
  const json::value body = json::parse(request.body, ec);
  if (ec) return problem(400, "the body is not JSON");
  Asked asked;
  if (const auto read = read_value(body, asked, ""); !read)
    return problem(422, read.error().detail);
  if (const auto wrong = fault(asked.arguments)) return problem(422, *wrong);
  if (governs(asked.arguments) && !caller.may("admin"))
    return problem(403, "this needs the scope admin");
  // Reading somebody's history is itself in the log: before it is answered.
  const ReadReason why{asked.reason.value_or(""), asked.ticket.value_or("")};
  const auto noted = note_read(app, caller, asked.arguments.front(), why, Often::EveryTime);
  if (!noted && noted.error().code == store::Errc::Refused && tells_of_people(asked.arguments))
    return problem(409, noted.error().detail, store::name_of(noted.error().code));
  // Given back by whoever lets go of it last, however the command ends.
  const auto place = std::shared_ptr<void>(&commands, [](void*) { --commands; });
  if (++commands > kCommandsMost)
    return problem(503, "as many commands run as may run at a time: try again");
  const bool proves =
      asked.arguments.front() == "who" &&
      std::find(asked.arguments.begin(), asked.arguments.end(), "--proof") != asked.arguments.end();
  const bool begun = app.run_aside([&app, proves, arguments = asked.arguments,
                                    sink = chunks.sink(), place]() mutable {
    if (proves) app.sign();  // reading was itself an event: what is asked about must be signed
    const auto child = start_child(app.layout(), arguments);
    if (child) return follow(app, *child, std::move(sink));
    (void)sink.push(json::serialize(json::object{{"err", child.error().detail + "\n"}}) + "\n");
    (void)sink.push(json::serialize(json::object{{"exit", 1}}) + "\n");
    sink.finish();
  });
  HttpReply out;
  if (!begun) {
    out = problem(503, "the server has no thread to spare for a command: try again");
    out.headers.emplace_back("Retry-After", "5");
    return out;
  }
  out.type = "application/x-ndjson";
  return out;
}

}  // namespace rollcall::net
