// Who may ask, how many at a time, and how the answer travels.
#include "net/v1/command_runner.h"

#include "net/access/tokens.h"
#include "net/loop/subprocess.h"
#include "net/v1/history_read.h"
#include "net/v1/question.h"
#include "net/wire/error_reply.h"
#include "net/wire/json_text.h"
#include "replay/read_log.h"
#include "store/bytes/bytes.h"
#include "store/bytes/crypto.h"
#include "store/bytes/utf8.h"
#include "store/writer.h"

#include <map>
#include <mutex>

namespace rollcall::net::inline v1 {
namespace {

/// How many questions run, in all and of each caller.
class Places {
 public:
  /// Why there is none; nothing where one was taken.
  std::optional<std::string> take(const std::string& caller, const Settings& settings) {
    const std::lock_guard guard(mutex_);
    if (all_ >= settings.commands_max)
      return "as many questions run as may run at a time: try again";
    if (callers_[caller] >= settings.commands_per_caller)
      return "as many of your questions run as may run at a time: try again";
    ++callers_[caller];
    ++all_;
    return std::nullopt;
  }
  void give_back(const std::string& caller) {
    const std::lock_guard guard(mutex_);
    --all_;
    if (--callers_[caller] == 0) callers_.erase(caller);
  }

 private:
  std::mutex mutex_;
  std::uint32_t all_ = 0;
  std::map<std::string, std::uint32_t> callers_;
};
Places places;

/// Given back when the last that holds it goes, however that comes.
struct Place {
  explicit Place(std::string who) : caller(std::move(who)) {}
  ~Place() { places.give_back(caller); }
  Place(const Place&) = delete;
  Place& operator=(const Place&) = delete;
  std::string caller;
};

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

std::string without(std::string text, const std::string& folder) {
  for (std::size_t at = text.find(folder); !folder.empty() && at != std::string::npos;
       at = text.find(folder, at))
    text.replace(at, folder.size(), "…");
  return text;
}

void end(Chunks::Sink& sink, int code) {
  (void)sink.push(json::serialize(json::object{{"exit", code}}) + "\n");
  sink.finish();
}

struct Asking {
  std::vector<std::string> arguments;
  std::optional<std::string> reason, ticket;
};
BOOST_DESCRIBE_STRUCT(Asking, (), (arguments, reason, ticket))

/// Whose history the question is about.
std::vector<engine::UserNumber> subjects(App& app, const Question& question) {
  auto out = subjects_of(app, question.users);
  const auto reading = app.live().reading();
  for (const std::uint64_t number : question.numbers)
    if (reading && number != 0 && number < reading->vault().users())
      out.push_back(static_cast<engine::UserNumber>(number));
  const auto add_owner = [&](std::uint64_t seq) {
    if (seq == 0 || !reading) return;
    if (const auto header = reading->log().header(seq); header && *header && (*header)->user != 0)
      out.push_back((*header)->user);
  };
  add_owner(question.seq);
  // Somebody may be named by a field or by the login that opened his session, too.
  for (const auto& given : question.given) {
    constexpr std::string_view kUser = "user=", kSubject = "subject=", kNumber = "user_number=";
    const std::string_view value = given.value;
    if (given.option == nullptr && (value.starts_with(kUser) || value.starts_with(kSubject))) {
      const auto named = subjects_of(app, {std::string(value.substr(value.find('=') + 1))});
      out.insert(out.end(), named.begin(), named.end());
    } else if (given.option == nullptr && value.starts_with(kNumber)) {
      const auto number = store::parse_decimal(value.substr(kNumber.size())).value_or(0);
      if (reading && number != 0 && number < reading->vault().users())
        out.push_back(static_cast<engine::UserNumber>(number));
    } else if (given.option != nullptr && given.option->name == "session") {
      for (const auto& id : names_in(value)) add_owner(store::parse_decimal(id).value_or(0));
    }
  }
  std::sort(out.begin(), out.end());
  out.erase(std::unique(out.begin(), out.end()), out.end());
  return out;
}

struct Job {
  Question question;
  std::string by;
  ReadReason why;
  Errand errand;
  std::chrono::seconds longest{0};
  std::function<bool()> holds;  ///< whether whoever asked may still ask
  std::shared_ptr<Place> place;
};

void run(App& app, Job job, Chunks::Sink sink) {
  constexpr std::size_t kWaitingMost = 1U << 20;
  // Reading somebody's history is itself in the log, before it is answered; and the log holds what
  // the process that answers has to show, and it alone can.
  job.errand.secret = store::hex(store::random_key());
  const Asked asked{job.question.describe(), subjects(app, job.question),
                    replay::proof_of(job.errand.secret, job.question.words)};
  const auto noted = note_read_durably(app, job.by, asked, job.why);
  if (!noted) {
    const std::string why =
        public_detail(noted.error(), app.layout().app_dir.native(), job.errand.server_admin);
    (void)sink.push(json::serialize(json::object{{"err", why + "\n"}}) + "\n");
    return end(sink, 1);
  }
  job.errand.read = *noted;
  if (job.question.command->words == "who" && job.question.has("proof"))
    app.sign();  // reading was itself an event: what is asked about must be signed
  const auto child = start_child(app.layout(), job.question.words, job.errand);
  if (!child) {
    (void)sink.push(json::serialize(json::object{{"err", child.error().detail + "\n"}}) + "\n");
    return end(sink, 1);
  }
  std::string held_out, held_err;
  auto looked = std::chrono::steady_clock::now();
  bool held = true;
  const std::string folder = app.layout().app_dir.parent_path().parent_path().native();
  const auto due = looked + job.longest;
  const auto go_on = [&] {
    if (job.longest.count() != 0 && std::chrono::steady_clock::now() > due) return false;
    if (sink.gone() || app.stopping || app.draining) return false;
    if (const auto now = std::chrono::steady_clock::now();
        now - looked > std::chrono::milliseconds(400)) {
      looked = now;
      held = job.holds();
    }
    return held;
  };
  const int code = follow_child(
      *child, go_on,
      [&](bool error, std::string_view bytes) {
        if (error && !job.errand.server_admin)  // where the store lies is its admins' business
          relay(sink, "err", held_err, without(std::string(bytes), folder));
        else
          relay(sink, error ? "err" : "out", error ? held_err : held_out, bytes);
        // The reader is slow: so is the command.
        while (sink.waiting() > kWaitingMost && go_on()) sink.wait_for_room(kWaitingMost);
      },
      job.longest);
  for (auto [name, rest] : {std::pair{"out", &held_out}, std::pair{"err", &held_err}})
    if (!rest->empty())  // cut off inside a character
      (void)sink.push(json::serialize(json::object{
                          {std::string(name) + "64", store::base64(store::as_bytes(*rest))}}) +
                      "\n");
  end(sink, code);
}

}  // namespace

HttpReply run_command(App& app, const Settings& settings, const Caller& caller,
                      const HttpRequest& request, Chunks& chunks) {
  if (!caller.may("audit:read")) return problem(403, "this needs the scope audit:read");
  const auto body = read_body(request.body, Halves::Refused);
  if (!body) return problem(400, body.error().detail);
  Asking asking;
  if (const auto read = read_value(*body, asking, ""); !read)
    return problem(422, read.error().detail);
  auto question = read_question(asking.arguments);
  if (!question)
    return problem(422, question.error().detail, store::name_of(question.error().code));
  const QuestionCommand& command = *question->command;
  if (!caller.may(command.scope))
    return problem(403, fmt::format("this needs the scope {}", command.scope));
  for (const auto& given : question->given)
    if (given.option != nullptr && given.option->name == "scope" && !caller.may("server:admin") &&
        given.value.find("server:admin") != std::string::npos)
      return problem(403, "only who has the scope server:admin gives it on");
  for (const auto& folder : question->folders)
    if (const auto fine = check_folder(folder, settings.data); !fine)
      return problem(422, fine.error().detail);
  const ReadReason why{asking.reason.value_or(""), asking.ticket.value_or("")};
  const auto allowed = check_reason(app, why);
  if (!allowed && allowed.error().code == store::Errc::BadInput)
    return problem(422, allowed.error().detail, store::name_of(allowed.error().code));
  if (!allowed && allowed.error().code == store::Errc::Refused && command.of_people)
    return problem(409, allowed.error().detail, store::name_of(allowed.error().code));
  const std::string who = app.settings().id + " " + caller.name;
  if (const auto full = places.take(who, settings)) {
    HttpReply out = problem(503, *full);
    out.headers.emplace_back("Retry-After", "1");
    return out;
  }
  Job job;
  job.place = std::make_shared<Place>(who);
  job.by = caller.reader;
  job.why = why;
  job.holds = caller.holds;
  job.errand.server_admin = caller.may("server:admin");
  job.errand.folders = !question->folders.empty() && caller.may("server:admin");
  job.errand.memory_mb = settings.command_memory_mb;
  // What follows the log goes on as long as it is read; everything else comes to an end.
  if (!question->has("follow")) {
    job.longest = std::chrono::seconds(settings.command_s);
    job.errand.cpu_s = settings.command_cpu_s;
  }
  job.question = std::move(*question);
  const bool begun = app.run_aside([&app, job = std::move(job), sink = chunks.sink()]() mutable {
    run(app, std::move(job), std::move(sink));
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

}  // namespace rollcall::net::inline v1
