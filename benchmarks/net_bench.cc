// The live server against its floors, and against Soketi where benchmarks/peers has it.
//
// rollcall_net_bench fanout  ROLLCALL [SUBSCRIBERS…]   one event at a time, and 16 in flight
// rollcall_net_bench connect ROLLCALL [COUNT]          connect, authenticate, subscribe
// rollcall_net_bench idle    ROLLCALL [COUNT]          bytes a connection; CPU of idle ones
// rollcall_net_bench login   ROLLCALL [WATCHERS]       login over HTTP, durable, told to all
// rollcall_net_bench start   ROLLCALL STORE            from nothing to listening, on a store's copy
// rollcall_net_bench storm   ROLLCALL [COUNT]          all dropped, all back within the grace
//
// Every variant of a table runs in turn within one run, five times; medians are shown, of rates and
// of each round's ratios. One event at a time, the turns of a round are a third of a second: the
// machine's speed changes within seconds. Client and server share its cores.
#include "benchmarks/net_pusher.h"
#include "benchmarks/net_turns.h"

#include <boost/json.hpp>
#include <fmt/format.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <map>
#include <memory>
#include <stdexcept>
#include <thread>

using namespace rollcall;
using namespace rollcall::bench;

namespace {

using Clock = std::chrono::steady_clock;
using std::chrono::milliseconds;

constexpr int kRounds = 5;
const auto kMeasured =
    milliseconds(std::getenv("BENCH_MS") != nullptr ? std::atoi(std::getenv("BENCH_MS")) : 1500);

double median(std::vector<double> v) {
  std::sort(v.begin(), v.end());
  return v.empty() ? 0 : v[v.size() / 2];
}

/// The median of each round's own ratio: neighbours in time saw the same machine, which a ratio of
/// two medians does not promise.
double ratio(const std::vector<double>& of, const std::vector<double>& to) {
  std::vector<double> rounds;
  for (std::size_t i = 0; i < of.size(); ++i) rounds.push_back(of[i] / to[i]);
  return median(std::move(rounds));
}

/// Seconds of the server's CPU for a million deliveries.
double cpu_of(const Turn& turn) { return turn.cpu_s / turn.frames * 1e6; }
double rate_of(const Turn& turn) { return turn.frames / turn.seconds; }

/// A server with its subscribers: in a turn one event after the other is published, each delivered
/// to all before the next.
Player::Play one_at_a_time(const std::string& name, const std::string& rollcall, std::size_t n) {
  const auto subject = std::make_shared<Subject>(name, rollcall);
  const auto load = std::make_shared<Load>(subject->where());
  load->connect_each_time = name == "soketi";
  open_subscribers(*load, *subject, n, "bench");
  load->publishers(1, publish_request("bench", 200));
  load->stop_publishing();
  load->until(n, milliseconds(10000));
  const auto publish = [load, n] {
    const std::uint64_t want = load->frames() + n;
    load->publish_once();
    if (!load->until(want, milliseconds(10000)))
      throw std::runtime_error("an event was not delivered");
  };
  return [subject, load, publish](double seconds) {
    // After a pause the clients' kernel acknowledges 16 segments one by one (Linux's
    // TCP_MAX_QUICKACKS), which doubles a delivery's cost: not the steady state that is measured.
    for (int i = 0; i < 20; ++i) publish();
    const double cpu = subject->usage().cpu_s;
    const std::uint64_t before = load->frames();
    const auto begun = Clock::now();
    std::chrono::duration<double> took{};
    while (took.count() < seconds) {
      publish();
      took = Clock::now() - begun;
    }
    return Turn{static_cast<double>(load->frames() - before), took.count(),
                subject->usage().cpu_s - cpu};
  };
}

Turn many_in_flight(const std::string& name, const std::string& rollcall, std::size_t n) {
  const Subject subject(name, rollcall);
  Load load(subject.where());
  open_subscribers(load, subject, n, "bench");
  load.publishers(16, publish_request("bench", 200));
  const auto warm = Clock::now();
  while (Clock::now() - warm < milliseconds(500)) load.turn(milliseconds(10));
  const double cpu = subject.usage().cpu_s;
  const std::uint64_t before = load.frames();
  const auto begun = Clock::now();
  while (Clock::now() - begun < kMeasured) load.turn(milliseconds(10));
  const double took = std::chrono::duration<double>(Clock::now() - begun).count();
  const Turn out{static_cast<double>(load.frames() - before), took, subject.usage().cpu_s - cpu};
  load.stop_publishing();
  return out;
}

bool have_soketi() {
  return std::filesystem::exists("benchmarks/peers/node_modules/@soketi/soketi");
}

/// A round of every variant, one event at a time, in turns of a third of a second.
std::vector<Turn> round_of_turns(const std::vector<std::string>& names, const std::string& rollcall,
                                 std::size_t n) {
  constexpr double kTurn = 0.3;
  std::vector<std::unique_ptr<Player>> players;
  for (const auto& name : names)
    players.push_back(std::make_unique<Player>([&] { return one_at_a_time(name, rollcall, n); }));
  std::vector<Turn> out(names.size());
  while (out.front().seconds * 1000 < static_cast<double>(kMeasured.count()))
    for (std::size_t i = 0; i < players.size(); ++i) out[i] += players[i]->play(kTurn);
  return out;
}

void fanout(const std::string& rollcall, std::vector<std::size_t> sizes) {
  if (sizes.empty()) sizes = {1000, 10000};
  for (const bool many : {false, true}) {
    std::vector<std::string> names{many ? "sweep" : "send", "rollcall"};
    if (have_soketi()) names.emplace_back("soketi");
    for (const std::size_t n : sizes) {
      std::map<std::string, std::vector<double>> rates, cpus;
      for (int round = 0; round < kRounds; ++round) {
        std::vector<Turn> turns;
        if (many)
          for (const auto& name : names) turns.push_back(many_in_flight(name, rollcall, n));
        else
          turns = round_of_turns(names, rollcall, n);
        for (std::size_t i = 0; i < names.size(); ++i) {
          rates[names[i]].push_back(rate_of(turns[i]));
          cpus[names[i]].push_back(cpu_of(turns[i]));
        }
      }
      for (const auto& name : names) {
        std::string against;
        if (name == "rollcall" && have_soketi())
          against =
              fmt::format("; {:.2f} times Soketi's rate, {:.3f} of its CPU",
                          ratio(rates[name], rates["soketi"]), ratio(cpus[name], cpus["soketi"]));
        fmt::print(
            "{:<14} {:>6} subscribers  {:<9} {:>10.0f} deliveries/s  {:.2f} of floor  {:>6.2f} "
            "CPU-s a million{}\n",
            many ? "16 in flight" : "one at a time", n, name, median(rates[name]),
            ratio(rates[name], rates[names.front()]), median(cpus[name]), against);
      }
      std::fflush(stdout);
    }
  }
}

void connect(const std::string& rollcall, std::size_t count) {
  std::vector<double> rates, soketi, floor, cpu;
  for (int round = 0; round < kRounds; ++round) {
    {
      const Subject subject("send", rollcall);
      Load load(subject.where());
      floor.push_back(static_cast<double>(count) / load.open(count, "/", nullptr, "", 256));
    }
    {
      const Subject subject("rollcall", rollcall);
      Load load(subject.where());
      const double cpu_before = subject.usage().cpu_s;
      const double took =
          load.open(count, kPath, subscribe_to("private-bench"), "subscription_succeeded", 256);
      rates.push_back(static_cast<double>(count) / took);
      cpu.push_back((subject.usage().cpu_s - cpu_before) / static_cast<double>(count) * 1e6);
    }
    if (have_soketi() && round < 1) {
      const Subject subject("soketi", rollcall);
      Load load(subject.where());
      const double took =
          load.open(3000, kPath, subscribe_to("private-bench"), "subscription_succeeded", 64);
      soketi.push_back(3000 / took);
    }
  }
  fmt::print(
      "connect + authenticate + subscribe  {:.0f}/s, {:.0f} µs of CPU each  (bare upgrade "
      "{:.0f}/s)",
      median(rates), median(cpu), median(floor));
  if (!soketi.empty()) fmt::print("  (Soketi {:.0f}/s)", median(soketi));
  fmt::print("\n");
}

/// Percent of a core while each client pings as pusher-js does with `activity_timeout = 120`: once
/// every 120 s. The median of five times ten seconds.
double idle_cpu(const Subject& subject, Load& load) {
  const std::string ping = masked(R"({"event":"pusher:ping","data":{}})");
  const auto begun = Clock::now();
  std::size_t next = 0;
  std::vector<double> percents;
  for (int round = 1; round <= kRounds; ++round) {
    const double cpu = subject.usage().cpu_s;
    const auto round_begun = Clock::now();
    while (Clock::now() - begun < round * std::chrono::seconds(10)) {
      const auto due =
          static_cast<std::size_t>(std::chrono::duration<double>(Clock::now() - begun).count() /
                                   120 * static_cast<double>(load.size()));
      for (; next < due; ++next) load.send(next, ping);
      load.turn(milliseconds(5));
    }
    const double took = std::chrono::duration<double>(Clock::now() - round_begun).count();
    percents.push_back((subject.usage().cpu_s - cpu) / took * 100);
  }
  return median(percents);
}

void idle(const std::string& rollcall, std::size_t count) {
  double bare = 0;
  {
    const Subject subject("send", rollcall);
    Load load(subject.where());
    load.open(count + 200, "/", nullptr, "");
    bare = idle_cpu(subject, load);
  }
  {
    const Subject subject("rollcall", rollcall);
    Load load(subject.where());
    load.open(200, kPath, subscribe_to("bench"), "subscription_succeeded");
    const std::uint64_t before = subject.usage().rss;
    load.open(count, kPath, subscribe_to("bench"), "subscription_succeeded");
    const std::uint64_t after = subject.usage().rss;
    fmt::print("idle, subscribed            {:>6.0f} B a connection\n",
               static_cast<double>(after - before) / static_cast<double>(count));
    fmt::print(
        "idle CPU, {} connections  {:.2f} % of a core with their pings  (bare epoll, recv and "
        "send: {:.2f} %)\n",
        load.size(), idle_cpu(subject, load), bare);
  }
  {
    const Subject subject("rollcall", rollcall);
    Load load(subject.where());
    std::size_t person = 0;
    const auto sign_in = [&](std::string_view first) {
      return sign_in_as(first, fmt::format("person-{}", person++));
    };
    load.open(200, kPath, sign_in, "signin_success");
    const std::uint64_t before = subject.usage().rss;
    load.open(count, kPath, sign_in, "signin_success");
    const std::uint64_t after = subject.usage().rss;
    fmt::print("idle, signed in             {:>6.0f} B a connection\n",
               static_cast<double>(after - before) / static_cast<double>(count));
  }
}

std::string api_request(const std::string& method, const std::string& path,
                        const std::string& token, const std::string& body) {
  return fmt::format(
      "{} {} HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer {}\r\nContent-Type: "
      "application/json\r\nContent-Length: {}\r\n\r\n{}",
      method, path, token, body.size(), body);
}

/// One blocking request; the answer's body.
std::string ask(const Where& where, const std::string& text) {
  const int fd = connect_to(where);
  (void)!::send(fd, text.data(), text.size(), 0);
  std::string answer;
  std::array<char, 65536> buffer;
  while (answer.find("\r\n\r\n") == std::string::npos || answer.back() != '}') {
    const ssize_t n = ::recv(fd, buffer.data(), buffer.size(), 0);
    if (n <= 0) break;
    answer.append(buffer.data(), static_cast<std::size_t>(n));
  }
  ::close(fd);
  return answer.substr(answer.find("\r\n\r\n") + 4);
}

std::uint64_t last_seq(const Subject& subject) {
  const auto body =
      ask(subject.where(), api_request("GET", "/v1/presence?limit=1", subject.token(), ""));
  return boost::json::parse(body).at("seq").to_number<std::uint64_t>();
}

struct Latency {
  double p50 = 0, p99 = 0;
};

Latency percentiles(std::vector<double>& all) {
  std::sort(all.begin(), all.end());
  return {all[all.size() / 2], all[all.size() * 99 / 100]};
}

/// Milliseconds from the request to each delivery, `events` of them, one after the other.
Latency deliveries(Load& load, std::size_t watchers, int events,
                   const std::function<std::string(int)>& request) {
  std::vector<double> all;
  Clock::time_point begun;
  load.on_frames = [&](std::uint64_t frames) {
    const double ms = std::chrono::duration<double, std::milli>(Clock::now() - begun).count();
    for (std::uint64_t i = 0; i < frames; ++i) all.push_back(ms);
  };
  for (int i = 0; i < events; ++i) {
    if (i == 10) all.clear();  // warm
    const std::uint64_t want = load.frames() + watchers;
    const std::string text = request(i);
    const auto pause = Clock::now() + milliseconds(60);  // beyond the flush tick: a lone change
    while (Clock::now() < pause) load.turn(milliseconds(5));
    begun = Clock::now();
    load.request(text);
    if (!load.until(want, milliseconds(5000)))
      throw std::runtime_error("a change was not delivered");
  }
  load.on_frames = nullptr;
  return percentiles(all);
}

void login(const std::string& rollcall, std::size_t watchers) {
  std::vector<double> more50, more99, p50, p99;
  for (int round = 0; round < kRounds; ++round) {
    Latency floor, ours;
    {
      const Subject subject("send", rollcall);
      Load load(subject.where());
      open_subscribers(load, subject, watchers, "");
      const std::string request = publish_request("bench", 120);
      load.publishers(1, request);
      load.stop_publishing();
      load.until(watchers, milliseconds(5000));
      floor = deliveries(load, watchers, 60, [&](int) { return request; });
    }
    {
      const Subject subject("rollcall", rollcall);
      Load load(subject.where());
      open_subscribers(load, subject, watchers, "private-presence");
      const auto request = [&](int i) {
        return api_request("POST", "/v1/login", subject.token(),
                           fmt::format(R"({{"user":"user-{}"}})", i));
      };
      load.publishers(1, request(100'000));
      load.stop_publishing();
      load.until(watchers, milliseconds(5000));
      ours = deliveries(load, watchers, 60, request);
    }
    p50.push_back(ours.p50);
    p99.push_back(ours.p99);
    more50.push_back(ours.p50 - floor.p50);
    more99.push_back(ours.p99 - floor.p99);
  }
  fmt::print(
      "login, durable, told to {} watchers: p50 {:.1f} ms, p99 {:.1f} ms; beyond a bare send "
      "loop +{:.1f} ms, +{:.1f} ms\n",
      watchers, median(p50), median(p99), median(more50), median(more99));
}

void storm(const std::string& rollcall, std::size_t count) {
  for (const bool attend : {false, true}) {
    const Subject subject("rollcall", rollcall, "", {});
    Load watcher(subject.where());
    watcher.open(1, kPath, subscribe_to("private-presence"), "subscription_succeeded");
    std::size_t person = 0;
    const auto arrive = [&](std::string_view first) {
      const std::size_t n = person++;
      const std::string user = fmt::format("person-{}", n);
      return attend ? join_as(first, fmt::format("presence-room-{}", n / 20), user)
                    : sign_in_as(first, user);
    };
    const std::string done = attend ? "subscription_succeeded" : "signin_success";
    auto load = std::make_unique<Load>(subject.where());
    load->open(count, kPath, arrive, done, 256);
    const auto settle = Clock::now() + milliseconds(1500);
    while (Clock::now() < settle) watcher.turn(milliseconds(50));
    const std::uint64_t told = watcher.frames();
    const std::uint64_t seq = last_seq(subject);
    const auto begun = Clock::now();
    load = std::make_unique<Load>(subject.where());  // all are dropped, without a word
    person = 0;
    load->open(count, kPath, arrive, done, 256);
    const double took = std::chrono::duration<double>(Clock::now() - begun).count();
    if (took > kGraceSeconds)
      throw std::runtime_error(fmt::format(
          "they were back after {:.1f} s, later than the grace: this says nothing", took));
    const auto grace = Clock::now() + std::chrono::seconds(kGraceSeconds + 3);
    while (Clock::now() < grace) {
      watcher.turn(milliseconds(50));
      load->turn(milliseconds(1));
    }
    const std::uint64_t after = last_seq(subject);
    const auto people = boost::json::parse(
        ask(subject.where(), api_request("GET", "/v1/presence?limit=1", subject.token(), "")));
    fmt::print(
        "{} clients dropped, back after {:.1f} s{}: {} PresenceChanged, {} of them online, {:.3f} "
        "events "
        "in the log a client\n",
        count, took, attend ? ", attendance logged" : "", watcher.frames() - told,
        people.at("online").to_number<std::uint64_t>(),
        static_cast<double>(after - seq) / static_cast<double>(count));
    // The log's own events come on top: a state digest a minute, signs of life.
    constexpr std::uint64_t kOwn = 20;
    const std::uint64_t most = (attend ? 4 : 2) * count + kOwn;
    if (watcher.frames() != told || after - seq > most)
      throw std::runtime_error("somebody was told of it, or the log says too much");
  }
}

/// From exec to listening, as after a crash; with and without a snapshot.
void start(const std::string& rollcall, const std::string& store) {
  const auto snapshots = std::filesystem::path(store) / "apps" / "main" / "snapshots";
  std::filesystem::remove_all(snapshots);
  for (const bool from_snapshot : {false, true}) {
    if (from_snapshot) {
      const std::string make = rollcall + " -d " + store + " snapshot create";
      if (std::system(make.c_str()) != 0) throw std::runtime_error("no snapshot was made");
    }
    std::vector<double> seconds;
    for (int round = 0; round < kRounds; ++round) {
      const auto begun = Clock::now();
      const Subject subject("rollcall", rollcall, "", store);
      seconds.push_back(std::chrono::duration<double>(Clock::now() - begun).count());
    }
    fmt::print("a start, {}  {:.2f} s\n",
               from_snapshot ? "from the snapshot " : "folding all of it ", median(seconds));
  }
}

}  // namespace

int main(int argc, char** argv) {
  try {
    std::setvbuf(stdout, nullptr, _IOLBF, 0);
    const std::string mode = argc > 1 ? argv[1] : "";
    const std::string rollcall = argc > 2 ? argv[2] : "build/release/cli/rollcall";
    std::vector<std::size_t> numbers;
    for (int i = 3; i < argc && mode != "many" && mode != "one" && mode != "start"; ++i)
      numbers.push_back(std::stoul(argv[i]));
    const auto number = [&](std::size_t fallback) {
      return numbers.empty() ? fallback : numbers.front();
    };
    if ((mode == "many" || mode == "one") && argc > 4) {  // one variant alone, to look into
      const std::size_t n = std::stoul(argv[4]);
      const Turn got = mode == "many" ? many_in_flight(argv[2], argv[3], n)
                                      : one_at_a_time(argv[2], argv[3], n)(
                                            std::chrono::duration<double>(kMeasured).count());
      fmt::print("{} {:.0f}/s {:.2f}\n", argv[2], rate_of(got), cpu_of(got));
      return 0;
    }
    if (mode == "start" && argc > 3)
      start(rollcall, argv[3]);
    else if (mode == "fanout")
      fanout(rollcall, numbers);
    else if (mode == "connect")
      connect(rollcall, number(15000));
    else if (mode == "idle")
      idle(rollcall, number(19000));
    else if (mode == "login")
      login(rollcall, number(1000));
    else if (mode == "storm")
      storm(rollcall, number(19500));
    else
      throw std::runtime_error("fanout, connect, idle, login, storm, or start with a store");
    return 0;
  } catch (const std::exception& error) {
    fmt::print(stderr, "{}\n", error.what());
    return 1;
  }
}
