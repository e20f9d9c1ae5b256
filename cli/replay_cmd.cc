// rollcall replay: history again, at any speed, into a terminal or as lines, checked against what
// was logged of its states.
#include "cli/ask.h"
#include "cli/commands.h"
#include "cli/coverage.h"
#include "cli/people.h"
#include "cli/replay_against.h"
#include "cli/replay_break.h"
#include "cli/replay_listen.h"
#include "cli/replay_table.h"
#include "cli/settings_file.h"
#include "cli/two_logs.h"
#include "replay/playback.h"
#include "replay/question/presence.h"

#include <boost/json.hpp>
#include <fmt/format.h>
#include <unistd.h>

#include <chrono>
#include <thread>

namespace rollcall::cli {
namespace {

using replay::ReplayQuestion;

struct Options {
  ReplayQuestion q;
  std::string speed, sink, listen, against;  ///< empty: each its own default
  std::vector<std::string> breaks;
  bool check = false, step = false;
};

/// As fast as it goes, which is also what is meant by saying nothing.
bool unpaced(const Options& o) { return o.speed.empty() || o.speed == "max"; }

/// Waits until the wall clock has come as far as history at this speed.
class Pace {
 public:
  explicit Pace(double speed) : speed_(speed) {}
  void wait_for(engine::Micros at) {
    if (speed_ == 0) return;
    if (!first_) first_ = at;
    const auto passed =
        std::chrono::duration<double, std::micro>(static_cast<double>(at - *first_) / speed_);
    std::this_thread::sleep_until(
        begun_ + std::chrono::duration_cast<std::chrono::steady_clock::duration>(passed));
  }

 private:
  double speed_;
  std::optional<engine::Micros> first_;
  std::chrono::steady_clock::time_point begun_ = std::chrono::steady_clock::now();
};

boost::json::object json_of(const ReplayQuestion::Row& row) {
  boost::json::object out{{"seq", row.seq}, {"at", replay::rfc3339(row.at.at)}};
  out["user"] = row.number == 0 ? boost::json::value(nullptr) : boost::json::value(row.user);
  out["number"] = row.number;
  out["session"] = row.session;
  out["kind"] = row.kind;
  out["cause"] = row.cause;
  if (row.from) out["from"] = *row.from;
  if (row.to) out["to"] = *row.to;
  return out;
}

/// What lies between the last digest that agreed and the first that did not.
void say_between(const ReplayQuestion::Divergence& d) {
  fmt::print(stderr, "           {} between them",
             d.events == 1 ? std::string("1 event lies") : fmt::format("{} events lie", d.events));
  const char* before = ": ";
  constexpr std::size_t kShown = 6;
  for (std::size_t i = 0; i < d.met.size() && i < kShown; ++i) {
    const auto& met = d.met[i];
    fmt::print(stderr, "{}{} {}{}", before, met.events, met.kind,
               met.rule ? fmt::format(" ({})", *met.rule) : "");
    before = ", ";
  }
  fmt::print(stderr, "{}\n", d.met.size() > kShown ? ", …" : "");
  for (std::size_t i = 0; i < d.met.size() && i < kShown; ++i)
    if (d.met[i].rule)
      fmt::print(stderr, "           {}: {}\n", *d.met[i].rule, d.met[i].says.value_or(""));
  if (d.users == 0) return;
  fmt::print(stderr, "           {} {} touched", d.users, d.users == 1 ? "user is" : "users are");
  before = ": ";
  for (const auto& user : d.touched) {
    fmt::print(stderr, "{}{} ({} {})", before, printable(user.user), user.events,
               user.events == 1 ? "event" : "events");
    before = ", ";
  }
  fmt::print(stderr, "{}\n", d.users > d.touched.size() ? ", …" : "");
}

void say_divergence(const ReplayQuestion::Summary& s) {
  if (!s.divergence) return;
  const auto& d = *s.divergence;
  fmt::print(stderr,
             "DIVERGED   seq {}: history says the state's digest is {}…, this replay says {}… "
             "(reducer {}); {}\n",
             d.seq, d.history.substr(0, 16), d.replay.substr(0, 16), engine::kReducerVersion,
             d.agreed == 0
                 ? std::string("no digest before it was compared")
                 : fmt::format("they agreed at seq {}: the difference lies between", d.agreed));
  say_between(d);
}

int finish(const Context& context, const Options& o, const ReplayQuestion::Summary& s,
           std::chrono::steady_clock::time_point begun) {
  const double seconds =
      std::chrono::duration<double>(std::chrono::steady_clock::now() - begun).count();
  if (o.check) say_divergence(s);
  if (!context.quiet) {
    fmt::print(stderr, "replayed   {} events (seq {} to {}), {} changes of state, in {:.1f} s",
               s.events, s.first, s.last, s.transitions, seconds);
    if (seconds > 0.5 && unpaced(o))
      fmt::print(stderr, " ({:.1f} M events/s)", static_cast<double>(s.events) / seconds / 1e6);
    fmt::print(stderr, "; {} online, {} away at its end\n", s.online, s.away);
    if (o.check)
      fmt::print(stderr, "digests    {} compared, {}{}\n", s.digests,
                 s.divergence     ? "DIVERGED"
                 : s.digests == 0 ? "none to compare"
                                  : "all equal",
                 s.not_checked == 0
                     ? ""
                     : fmt::format(", {} of another reducer not checked", s.not_checked));
  }
  return o.check && s.divergence ? kDiverged : 0;
}

int into_nothing(Context& context, const Options& o) {
  const auto begun = std::chrono::steady_clock::now();
  ReplayQuestion q = o.q;
  q.silent = true;
  return finish(context, o, ask(context, q), begun);
}

int as_lines(Context& context, const Options& o, const std::vector<Break>& breaks) {
  const auto begun = std::chrono::steady_clock::now();
  Pace pace(unpaced(o) ? replay::kAtOnce : *replay::read_speed(o.speed));
  std::optional<std::uint64_t> stopped;
  const auto summary = ask(context, o.q, [&](const ReplayQuestion::Row& row) {
    pace.wait_for(row.at.at);
    fmt::print("{}\n", json_text(json_of(row)));
    if (!unpaced(o)) std::fflush(stdout);
    if (std::any_of(breaks.begin(), breaks.end(), [&](const Break& b) { return b.holds(row); }))
      stopped = row.seq;
    return !stopped;
  });
  std::fflush(stdout);
  if (stopped && !context.quiet) fmt::print(stderr, "stopped    at seq {} by --break\n", *stopped);
  return finish(context, o, summary, begun);
}

int on_terminal(Context& context, const Options& o, std::vector<Break> breaks) {
  const auto begun = std::chrono::steady_clock::now();
  constexpr std::size_t kRowsMost = 3'000'000;
  std::vector<ReplayQuestion::Row> rows;
  const auto summary = ask(context, o.q, [&](const ReplayQuestion::Row& row) {
    rows.push_back(row);
    return rows.size() < kRowsMost;
  });
  if (rows.size() == kRowsMost)
    throw store::Failure({store::Errc::BadInput,
                          "more than 3,000,000 events: narrow it with --from and --to to watch it, "
                          "or use --sink ndjson or null"});
  // The table begins with who was here then.
  std::vector<ReplayQuestion::Row> before;
  if (summary.first > 1) {
    replay::PresenceQuestion here;
    static_cast<replay::Whose&>(here) = o.q;
    here.at = fmt::format("seq:{}", summary.first - 1);
    (void)ask(context, here, [&](const replay::PresenceQuestion::Row& person) {
      ReplayQuestion::Row row;
      row.user = person.user;
      row.to = person.state;
      if (person.since) row.at = *person.since;
      before.push_back(std::move(row));
      return true;
    });
  }
  show_replay(before, rows, *replay::read_speed(unpaced(o) ? std::string("60x") : o.speed), o.step,
              std::move(breaks));
  return finish(context, o, summary, begun);
}

}  // namespace

void add_replay(Command& root) {
  auto o = std::make_shared<Options>();
  Command command =
      root.command("replay", "history again, event by event, at any speed, and checked");
  command.option("--from", o->q.from, "from this moment on (default: the log's begin)", a_moment());
  command.option("--to", o->q.to, "before this moment (default: the log's end)", a_moment());
  command.option("--speed", o->speed, "1x, 60x, …, or max (default; a terminal begins with 60x)",
                 [](const std::string& text) {
                   const auto speed = replay::read_speed(text);
                   return speed ? std::string() : speed.error().detail;
                 });
  declare_user_option(command, o->q, "only what concerns them");
  command.option("--break", o->breaks,
                 "stop at user=NAME,kind=KIND,from=STATE,to=STATE,seq=N (all of them; repeated: "
                 "any)");
  command.flag("--step", o->step, "on a terminal: stop at each event until a key is pressed");
  command.flag("--check", o->check,
               "compare with the digests of the state in the log; exit 22 if one differs");
  command.option("--against", o->against,
                 "another log, a store's folder or a server's address: where the two part; exit 22 "
                 "if they do",
                 a_word());
  command.option("--sink", o->sink,
                 "terminal (default on one), ndjson (default elsewhere) or null (counts alone)",
                 one_of({"terminal", "ndjson", "null"}));
  command.option("--listen", o->listen,
                 "show it to clients and in the page, at this address and port; --step: paused "
                 "at first",
                 wrong_endpoint);
  command.check([o](const Context& context) {
    if (!o->listen.empty()) {
      if (!context.url.empty())
        usage_error("--listen reads a store's own files: give its folder (-d) instead of --url");
      if (!o->sink.empty() || !o->breaks.empty() || o->check || o->q.anybody() ||
          !o->against.empty())
        usage_error(
            "--listen shows everything to others: only --from, --to, --speed and --step go with "
            "it");
      return;
    }
    for (const auto& text : o->breaks) (void)parse_break(text);
    if (!o->against.empty()) {
      if (o->q.from || o->q.to || o->q.anybody() || !o->speed.empty() || !o->breaks.empty() ||
          o->step || o->check || !o->sink.empty())
        usage_error("--against compares two whole logs: no other option of replay goes with it");
      return;
    }
    const bool terminal = ::isatty(STDOUT_FILENO) == 1 && ::isatty(STDIN_FILENO) == 1;
    if (o->sink == "terminal" && !terminal)
      usage_error("--sink terminal needs a terminal: use ndjson or null");
    if (o->step && (!terminal || (!o->sink.empty() && o->sink != "terminal")))
      usage_error("--step needs a terminal to press keys on");
    if (o->sink == "null" && (!o->breaks.empty() || !unpaced(*o)))
      usage_error("--sink null only counts: --break and --speed do not go with it");
  });
  command.examples(
      "  rollcall replay --from 'yesterday 09:00' --speed 60x      (space pauses, q ends)\n"
      "  rollcall replay --sink null --check\n"
      "  rollcall replay --against /mnt/copy\n"
      "  rollcall replay --from today --break user=ada,to=away --sink ndjson\n"
      "  rollcall replay --from 'yesterday 09:00' --listen 127.0.0.1:8090 --speed 60x --reason "
      "'incident 7'");
  command.run([o](Context& context) {
    if (!o->listen.empty())
      return listen_to_replay(context, o->q,
                              {o->listen, o->step, o->speed.empty() ? "1x" : o->speed});
    if (!o->against.empty()) return replay_against(context, o->against);
    std::vector<Break> breaks;
    for (const auto& text : o->breaks) breaks.push_back(parse_break(text));
    std::string sink = o->sink;
    if (sink.empty())
      sink = ::isatty(STDOUT_FILENO) == 1 && ::isatty(STDIN_FILENO) == 1 ? "terminal" : "ndjson";
    if (sink == "null") return into_nothing(context, *o);
    if (sink == "ndjson") return as_lines(context, *o, breaks);
    return on_terminal(context, *o, std::move(breaks));
  });
}

}  // namespace rollcall::cli
