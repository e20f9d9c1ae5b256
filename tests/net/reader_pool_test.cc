// Readers are processes of this very program (tests/support/whole_main.cc).
#include "net/readers/reader_pool.h"

#include "store/open_store.h"
#include "tests/support/stores.h"

#include <boost/json.hpp>
#include <catch2/catch.hpp>
#include <unistd.h>

#include <atomic>
#include <csignal>
#include <fstream>
#include <future>
#include <thread>
#include <utility>

using namespace rollcall;
using namespace rollcall::net;
using test::Scratch;

namespace {

namespace json = boost::json;

struct Asked {
  std::vector<std::string> lines;
  store::Result<void> done;
};

Asked ask(ReaderPool& pool, const std::string& question, const json::object& given = {}) {
  Asked out;
  out.done = pool.ask(
      {question, given, false, {}}, [] { return true; },
      [&](std::string_view line) {
        out.lines.emplace_back(line);
        return true;
      });
  return out;
}

std::uint64_t events_of(const Asked& asked) {
  REQUIRE(asked.done.has_value());
  REQUIRE_FALSE(asked.lines.empty());
  return json::parse(asked.lines.back()).at("end").at("events").to_number<std::uint64_t>();
}

/// The readers there are: children of this process that run the program's reader.
std::vector<pid_t> children() {
  std::vector<pid_t> out;
  std::ifstream list("/proc/self/task/" + std::to_string(::getpid()) + "/children");
  for (pid_t pid = 0; list >> pid;) out.push_back(pid);
  return out;
}

/// Whether the process's memory holds the bytes anywhere.
bool memory_holds(pid_t pid, std::string_view bytes) {
  std::ifstream maps("/proc/" + std::to_string(pid) + "/maps");
  std::ifstream memory("/proc/" + std::to_string(pid) + "/mem", std::ios::binary);
  for (std::string line; std::getline(maps, line);) {
    unsigned long from = 0, to = 0;
    char readable = 0;
    if (std::sscanf(line.c_str(), "%lx-%lx %c", &from, &to, &readable) != 3 || readable != 'r')
      continue;
    std::string part(to - from, '\0');
    memory.clear();
    memory.seekg(static_cast<std::streamoff>(from));
    memory.read(part.data(), static_cast<std::streamsize>(part.size()));
    if (part.find(bytes) != std::string::npos) return true;
  }
  return false;
}

}  // namespace

TEST_CASE("a reader stays, and sees what was appended since", "[net]") {
  const Scratch scratch;
  const auto layout = test::layout_in(scratch.path());
  auto writer = store::Writer::create(layout, "test/1").value();
  test::fill(*writer, 100, 3);
  ReaderPool pool(layout, {});
  const std::uint64_t before = events_of(ask(pool, "store info"));
  const auto first = children();
  REQUIRE(first.size() == 1);
  test::fill(*writer, 50, 4, test::kStart + 3600 * test::kSecond);
  CHECK(events_of(ask(pool, "store info")) > before);
  CHECK(children() == first);
}

TEST_CASE("a reader that dies is replaced; its question ends with an error", "[net]") {
  const Scratch scratch;
  const auto layout = test::make_store(scratch.path(), 200, 5);
  ReaderPool pool(layout, {});
  REQUIRE(ask(pool, "store info").done);
  const auto first = children();
  REQUIRE(first.size() == 1);
  ::kill(first.front(), SIGKILL);
  const auto failed = ask(pool, "store info");
  CHECK_FALSE(failed.done.has_value());
  CHECK(events_of(ask(pool, "store info")) > 0);
  CHECK(children() != first);
}

TEST_CASE("a question that nobody wants any more is ended, and its reader with it", "[net]") {
  const Scratch scratch;
  const auto layout = test::make_store(scratch.path(), 200, 5);
  ReaderPool pool(layout, {});
  REQUIRE(ask(pool, "store info").done);
  const auto first = children();
  std::size_t lines = 0;
  const auto done = pool.ask(
      {"audit", {}, false, {}}, [] { return true; }, [&](std::string_view) { return ++lines < 3; });
  CHECK_FALSE(done.has_value());
  CHECK(children().empty());
  CHECK(events_of(ask(pool, "store info")) > 0);
}

TEST_CASE("as many readers run as may run; a further question waits", "[net]") {
  const Scratch scratch;
  const auto layout = test::make_store(scratch.path(), 200, 5);
  ReaderPool pool(layout, {.most = 2});
  std::atomic<int> answered = 0;
  std::vector<std::thread> askers;
  for (int i = 0; i < 6; ++i)
    askers.emplace_back([&] {
      if (ask(pool, "audit").done) ++answered;
    });
  for (auto& asker : askers) asker.join();
  CHECK(answered == 6);
  CHECK(children().size() <= 2);
}

TEST_CASE("after a renewal no reader remembers a name", "[net]") {
  const Scratch scratch;
  const auto layout = test::layout_in(scratch.path());
  auto writer = store::Writer::create(layout, "test/1").value();
  const std::string name = "a name nobody else has 8472";
  store::Proposal login;
  login.kind = engine::Kind::Login;
  login.user = name;
  (void)writer->write(login, test::kStart).value();
  ReaderPool pool(layout, {});
  const auto who = ask(pool, "audit", {{"user", json::array{name}}});
  REQUIRE(who.done);
  const auto before = children();
  REQUIRE(before.size() == 1);
  REQUIRE(memory_holds(before.front(), name));
  pool.renew();
  for (const pid_t pid : children()) {
    CHECK(pid != before.front());
    CHECK_FALSE(memory_holds(pid, name));
  }
}

TEST_CASE("a renewal ends a reader whose answer nobody takes, without waiting for him", "[net]") {
  const Scratch scratch;
  const auto layout = test::layout_in(scratch.path());
  auto writer = store::Writer::create(layout, "test/1").value();
  test::fill(*writer, 100, 3);
  ReaderPool pool(layout, {});
  std::promise<void> begun, may_go_on;
  std::thread slow([&, waits = true]() mutable {
    (void)pool.ask(
        {"audit", {}, false, {}}, [] { return true; },
        [&](std::string_view) {
          if (std::exchange(waits, false)) {
            begun.set_value();
            may_go_on.get_future().wait();
          }
          return true;
        });
  });
  begun.get_future().wait();
  const auto before = children();
  pool.renew();
  for (const pid_t pid : before) {
    std::ifstream stat("/proc/" + std::to_string(pid) + "/stat");
    std::string number, name, state = "gone";
    stat >> number >> name >> state;
    INFO(pid << " " << name);
    CHECK((state == "Z" || state == "gone"));
  }
  may_go_on.set_value();
  slow.join();
  CHECK(ask(pool, "store info").done.has_value());
}
