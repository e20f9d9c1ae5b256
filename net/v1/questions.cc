// Who may ask, how many at a time, and how the answer travels.
#include "net/v1/questions.h"

#include "net/access/tokens.h"
#include "net/v1/history_read.h"
#include "net/v1/request_values.h"
#include "net/wire/error_reply.h"
#include "net/wire/json_text.h"
#include "replay/question/answer.h"
#include "store/bytes/mutex.h"

#include <boost/asio/async_result.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <spdlog/spdlog.h>

#include <chrono>
#include <map>

namespace rollcall::net::inline v1 {
namespace {

using store::Errc;
using store::Error;
using store::Result;

/// How many questions run, in all and of each caller.
class Running {
 public:
  /// Why there is no room; nothing if a place was taken.
  std::optional<std::string> take(const std::string& caller, const Settings& settings) {
    const store::Lock guard(mutex_);
    if (all_ >= settings.commands_max)
      return "as many questions run as may run at a time: try again";
    if (callers_[caller] >= settings.commands_per_caller)
      return "as many of your questions run as may run at a time: try again";
    ++callers_[caller];
    ++all_;
    return std::nullopt;
  }
  void give_back(const std::string& caller) {
    const store::Lock guard(mutex_);
    --all_;
    if (--callers_[caller] == 0) callers_.erase(caller);
  }

 private:
  store::Mutex mutex_;
  std::uint32_t all_ RC_GUARDED_BY(mutex_) = 0;
  std::map<std::string, std::uint32_t> callers_ RC_GUARDED_BY(mutex_);
};
Running running;

/// Given back when the last that holds it goes, however that comes.
struct RunningPlace {
  explicit RunningPlace(std::string who) : caller(std::move(who)) {}
  ~RunningPlace() { running.give_back(caller); }
  RunningPlace(const RunningPlace&) = delete;
  RunningPlace& operator=(const RunningPlace&) = delete;
  std::string caller;
};

struct Job {
  const QuestionRoute* route = nullptr;
  Errand errand;
  replay::ReadQuestion question;
  std::string by;  ///< in the log of reads
  ReadReason why;
  bool follow = false;              ///< GET /v1/events: goes on with what is appended
  bool durably = true;              ///< the read is in the log before it is answered
  std::chrono::seconds longest{0};  ///< for a slow client, too; 0: as long as it is wanted
  bool server_admin = false;        ///< is told where the store lies
  std::function<bool()> holds = [] { return true; };  ///< whoever asked may still ask
  std::shared_ptr<RunningPlace> place;
};

constexpr QueryName kFollow{"follow", false};

std::vector<QueryName> names_of(const QuestionRoute& route) {
  std::vector<QueryName> out;
  if (route.attributes.method == "POST") return out;
  for (const auto& member : replay::members_of(route.question))
    if (!is_in_path(route.attributes.path, member.name)) out.push_back({member.name, member.many});
  if (route.question == "audit") out.push_back(kFollow);
  return out;
}

/// A folder for backups on the server's machine: there, and outside the store's own.
Result<void> check_folder(const std::string& folder, const std::filesystem::path& data) {
  std::error_code ec;
  const auto there = std::filesystem::canonical(folder, ec);
  if (ec || !std::filesystem::is_directory(there, ec))
    return Error{Errc::BadInput,
                 "there is no such folder on the server: backups go into one that is there"};
  const auto own = std::filesystem::canonical(data, ec);
  if (ec) return Error{Errc::Io, "the store's folder cannot be found"};
  if (std::mismatch(own.begin(), own.end(), there.begin(), there.end()).first == own.end())
    return Error{Errc::BadInput, "a backup lies outside the store's own folder"};
  return {};
}

/// What a person may ask of himself without audit:read.
bool can_be_own(const QuestionRoute& route) {
  return route.question == "timeline" || route.question == "state";
}

/// Whether the question names the caller, and nobody else.
bool names_only(const json::object& ask, const std::string& user) {
  if (user.empty()) return false;
  if (const auto* number = ask.if_contains("number");
      number && number->is_array() && !number->get_array().empty())
    return false;
  const json::value& asked = ask.at("user");
  return asked == json::value(user) || asked == json::value(json::array{user});
}

/// Somebody's own timeline and state are his; everybody else's needs the scope.
Result<bool> is_own(const QuestionRoute& route, const json::object& ask, const Caller& caller) {
  if (!can_be_own(route)) return false;
  const bool own = names_only(ask, caller.user);
  if (!own && !caller.may("audit:read"))
    return Error{Errc::NotPermitted,
                 fmt::format("somebody else's {} needs the scope audit:read", route.question)};
  return own;
}

HttpReply refusal(const Error& error) {
  return problem(status_of(error.code), error.detail, store::name_of(error.code));
}

/// The question as it may be asked by this caller, with a place to run in; or the answer that says
/// why not.
std::variant<Job, HttpReply> admit(App& app, const Settings& settings, const Caller& caller,
                                   const HttpRequest& request, const RoutedQuestion& routed,
                                   bool as_lines) {
  const QuestionRoute& route = *routed.route;
  // A timeline or a state is one's own, or takes audit:read, which is enough.
  const bool reads_all = can_be_own(route) && caller.may("audit:read");
  if (!reads_all && !caller.may(route.attributes.scope))
    return problem(403, fmt::format("this needs the scope {}", route.attributes.scope));
  const auto names = names_of(route);
  if (auto wrong = query_problem(request, names)) return std::move(*wrong);
  json::object given;
  if (route.attributes.method != "POST") {
    add_query(request, names, given);
  } else if (!request.body.empty()) {
    const auto body = read_body(request.body, Halves::Refused);
    if (!body) return problem(400, body.error().detail);
    if (!body->is_object()) return problem(400, "the body is not a JSON object");
    given = body->get_object();
  }
  for (const auto& value : routed.path) given[value.key()] = value.value();
  Job job;
  job.route = &route;
  if (const auto* follow = given.if_contains(kFollow.name)) {
    bool goes_on = false;
    if (const auto read = replay::read_value(*follow, goes_on, "follow"); !read)
      return problem(422, read.error().detail);
    if (goes_on && !as_lines)
      return problem(422, "follow goes on: ask with Accept: application/x-ndjson");
    job.follow = goes_on;
    given.erase(kFollow.name);
  }
  if (!as_lines && route.rows_usual != 0 && !given.contains("limit"))
    given["limit"] = route.rows_usual;
  auto question = replay::read_question(route.question, given);
  if (!question) return refusal(question.error());
  const auto own = is_own(route, question->ask, caller);
  if (!own) return refusal(own.error());
  // Whoever asks on the machine itself may name any folder that the system lets the server write.
  for (const char* member : {"folder", "vault"})
    if (const auto* folder = question->ask.if_contains(member);
        !request.local && folder && folder->is_string())
      if (const auto fine = check_folder(std::string(folder->get_string()), settings.data); !fine)
        return refusal(fine.error());
  job.why = read_reason(request);
  const auto allowed = check_reason(app, job.why);
  const bool needed = question->asks.of_people && !*own;
  if (!allowed && (allowed.error().code != Errc::Refused || needed))
    return refusal(allowed.error());
  if (as_lines) {  // may last: so many of them at a time
    const std::string who = app.settings().id + " " + caller.name;
    if (const auto full = running.take(who, settings)) {
      HttpReply out = problem(503, *full);
      out.headers.emplace_back("Retry-After", "1");
      return out;
    }
    job.place = std::make_shared<RunningPlace>(who);
  }
  // One's own is nobody else's read.
  if (!*own) job.by = caller.reader;
  if (!job.follow) job.longest = std::chrono::seconds(settings.command_s);
  job.durably = as_lines || !route.noted_once_a_minute;
  job.server_admin = caller.may(kServerAdmin);
  job.holds = caller.holds;
  const bool entries = request.header("accept").find(kRowsAsEntries) != std::string_view::npos;
  job.errand = {std::string(route.question), question->ask, as_lines && entries, caller.name};
  job.question = std::move(*question);
  return job;
}

/// Reading somebody's history is itself in the log, before it is answered.
Result<void> note(App& app, const Job& job) {
  if (job.by.empty()) return {};
  const auto reading = app.live().reading();
  if (!reading) return Error{Errc::Io, "the log is being opened anew: try again"};
  const Asked asked{job.question.text, job.question.subjects(replay::Reader::beside(reading))};
  if (!job.durably) return note_read(app, job.by, asked, job.why, Often::OnceAMinute);
  const auto noted = note_read_durably(app, job.by, asked, job.why);
  if (!noted) return noted.error();
  return {};
}

/// Asks whether to go on, at most so often.
std::function<bool()> patience(App& app, const Job& job, std::function<bool()> wanted) {
  return [&app, holds = job.holds, wanted = std::move(wanted), held = true,
          looked = std::chrono::steady_clock::time_point{}]() mutable {
    constexpr auto kEvery = std::chrono::milliseconds(400);
    if (app.stopping || app.draining || !wanted()) return false;
    if (const auto now = std::chrono::steady_clock::now(); now - looked > kEvery) {
      looked = now;
      held = holds();
    }
    return held;
  };
}

/// What the caller is told of an error: where the store lies is its admins' business.
Error told(const App& app, const Job& job, const Error& error) {
  if (job.server_admin) return error;
  const std::string folder = app.layout().app_dir.parent_path().parent_path().native();
  std::string detail = error.detail;
  for (std::size_t at = detail.find(folder); !folder.empty() && at != std::string::npos;
       at = detail.find(folder, at))
    detail.replace(at, folder.size(), "…");
  return {error.code, detail};
}

bool is_error(std::string_view line) { return line.starts_with("{\"error\""); }
bool is_row(std::string_view line) { return line.starts_with("{\"row\":"); }
bool is_end(std::string_view line) { return line.starts_with("{\"end\":"); }

/// What stands behind the name in a line {"name":value}.
std::string_view value_in(std::string_view line) {
  line.remove_prefix(line.find(':') + 1);
  return line.substr(0, line.rfind('}'));
}

/// The whole answer as the text of one JSON object.
Result<std::string> whole_answer(App& app, const Job& job) {
  constexpr std::size_t kTextMost = 64U << 20;
  std::string rows, summary;
  std::optional<Error> failed;
  const auto done = app.readers().ask(
      job.errand, patience(app, job, [] { return true; }), [&](std::string_view line) {
        if (is_row(line)) {
          if (!rows.empty()) rows += ',';
          rows += value_in(line);
          if (rows.size() > kTextMost)
            failed = Error{Errc::TooMany,
                           "the answer is too long for one object: ask for less, or with Accept: "
                           "application/x-ndjson"};
        } else if (is_end(line)) {
          summary = value_in(line);
        } else if (is_error(line)) {
          failed = replay::error_of(line);
        }
        return !failed;
      });
  if (failed) return *failed;
  if (!done) return done.error();
  if (job.route->rows.empty()) return summary;
  summary.pop_back();  // its closing brace
  return fmt::format("{}{}\"{}\":[{}]}}", summary, summary.size() > 1 ? "," : "", job.route->rows,
                     rows);
}

/// As it comes, until the end or an error; whether it came to its end.
bool relay(App& app, const Job& job, Chunks::Sink& sink,
           const std::function<void(std::string_view end)>& ended) {
  constexpr std::size_t kWaitingMost = 1U << 20;
  bool whole = false, cut = false, told_error = false;
  const auto go_on = patience(app, job, [&sink] { return !sink.gone(); });
  const auto late = [longest = job.longest, begun = std::chrono::steady_clock::now()] {
    return longest.count() != 0 && std::chrono::steady_clock::now() - begun > longest;
  };
  const auto put_error = [&](const Error& error) {
    told_error = true;
    if (!cut) (void)sink.push(replay::error_line(told(app, job, error)));
  };
  const auto done = app.readers().ask(
      job.errand, go_on,
      [&](std::string_view line) {
        if (is_error(line)) {
          put_error(replay::error_of(line));
          return true;
        }
        if (is_end(line)) {
          whole = true;
          ended(value_in(line));
        }
        // A line may be longer than what may wait: it leaves in pieces.
        for (std::string_view rest = line; !rest.empty();) {
          const std::string_view piece = rest.substr(0, kWaitingMost);
          if (!sink.push(std::string(piece))) return false;
          rest.remove_prefix(piece.size());
          // Whoever reads is slow: so is the answer, for as long as it may take.
          while (sink.waiting() > kWaitingMost && go_on() && !late())
            sink.wait_for_room(kWaitingMost);
          cut = !rest.empty();
          if (late()) return whole;
        }
        return true;
      },
      job.follow);
  if (!done && !told_error)
    put_error(late() ? Error{Errc::TooMany,
                             fmt::format("ended after {} s: ask for less", job.longest.count())}
                     : done.error());
  return whole;
}

/// With what is appended, for as long as somebody reads: asked for from where the last answer
/// ended, so nothing is read twice.
void follow(App& app, Job job, Chunks::Sink& sink, std::uint64_t seen) {
  constexpr auto kLookEvery = std::chrono::milliseconds(400);  // whether anybody still reads
  BatchWaiter grown(app.batch_listeners());
  for (const char* member : {"limit", "cursor", "after_cursor"}) job.errand.ask.erase(member);
  auto go_on = patience(app, job, [&sink] { return !sink.gone(); });
  while (go_on()) {
    const auto reading = app.live().reading();
    const std::uint64_t last = reading ? reading->log().last() : seen;
    if (last <= seen) {
      grown.wait_for(kLookEvery);
      continue;
    }
    job.errand.ask["after"] = seen;
    const bool whole = relay(app, job, sink, [&](std::string_view end) {
      boost::system::error_code ec;
      const json::value summary = json::parse(end, ec);
      if (!ec) seen = summary.at("upto").to_number<std::uint64_t>(ec);
    });
    if (!whole) return;
  }
}

void stream(App& app, Job job, Chunks::Sink sink) {
  const auto noted = note(app, job);
  if (!noted) {
    (void)sink.push(replay::error_line(told(app, job, noted.error())));
    return sink.finish();
  }
  if (job.errand.question == "who --proof")
    app.sign();  // reading was itself an event: what is asked about must be signed
  std::uint64_t seen = 0;
  const bool whole = relay(app, job, sink, [&](std::string_view end) {
    boost::system::error_code ec;
    const json::value summary = json::parse(end, ec);
    if (job.follow && !ec) seen = summary.at("upto").to_number<std::uint64_t>(ec);
  });
  if (whole && job.follow) follow(app, std::move(job), sink, seen);
  sink.finish();
}

HttpReply no_thread() {
  HttpReply out = problem(503, "the server has no thread to spare for a question: try again");
  out.headers.emplace_back("Retry-After", "5");
  return out;
}

}  // namespace

bool wants_lines(const HttpRequest& request) {
  return request.header("accept").find("application/x-ndjson") != std::string_view::npos;
}

boost::asio::awaitable<HttpReply> answer_question(Call call, const Settings& settings,
                                                  RoutedQuestion question) {
  auto admitted = admit(call.app, settings, call.caller, call.http, question, false);
  if (auto* refused = std::get_if<HttpReply>(&admitted)) co_return std::move(*refused);
  const auto job = std::make_shared<Job>(std::move(std::get<Job>(admitted)));
  const auto out = std::make_shared<Result<std::string>>(Error{Errc::Io, "no answer"});
  const auto begun = std::make_shared<bool>(true);
  // Named and moved: g++ 12 destroys a temporary that is passed to a coroutine twice.
  auto begin = [&call, job, out, begun](auto handler) {
    auto shared = std::make_shared<decltype(handler)>(std::move(handler));
    auto resume = [shared, &loop = call.loop] { loop.post([shared] { std::move (*shared)(); }); };
    *begun = call.app.run_aside([&app = call.app, job, out, resume] {
      const auto noted = note(app, *job);
      if (noted && job->errand.question == "who --proof") app.sign();
      *out = noted ? whole_answer(app, *job) : Result<std::string>(noted.error());
      resume();
    });
    if (!*begun) resume();
  };
  co_await boost::asio::async_initiate<decltype(boost::asio::use_awaitable), void()>(
      std::move(begin), boost::asio::use_awaitable);
  if (!*begun) co_return no_thread();
  if (!*out) {
    const Error why = told(call.app, *job, out->error());
    co_return problem(status_of(why.code), why.detail, store::name_of(why.code));
  }
  HttpReply reply;
  reply.body = std::move(**out);
  co_return reply;
}

HttpReply stream_question(App& app, const Settings& settings, const Caller& caller,
                          const HttpRequest& request, RoutedQuestion question, Chunks& chunks) {
  auto admitted = admit(app, settings, caller, request, question, true);
  if (auto* refused = std::get_if<HttpReply>(&admitted)) return std::move(*refused);
  const bool begun = app.run_aside(
      [&app, job = std::move(std::get<Job>(admitted)), sink = chunks.sink()]() mutable {
        stream(app, std::move(job), std::move(sink));
      });
  if (!begun) return no_thread();
  HttpReply out;
  out.type = "application/x-ndjson";
  return out;
}

}  // namespace rollcall::net::inline v1
