// Drawing, keys, and the state at any row.
#include "cli/replay_table.h"

#include "store/bytes/errc.h"
#include "store/bytes/printable.h"

#include <fmt/format.h>
#include <poll.h>
#include <sys/ioctl.h>
#include <termios.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <map>

namespace rollcall::cli {
namespace {

using Row = replay::ReplayQuestion::Row;
using Clock = std::chrono::steady_clock;

/// Keys come one by one and are not shown; put back at the end.
class KeyMode {
 public:
  KeyMode() {
    if (::tcgetattr(STDIN_FILENO, &before_) != 0)
      throw store::Failure({store::Errc::Io, "the terminal's keys cannot be read one by one"});
    termios now = before_;
    now.c_lflag &= ~static_cast<tcflag_t>(ICANON | ECHO);
    (void)::tcsetattr(STDIN_FILENO, TCSANOW, &now);
    fmt::print("\x1b[?25l");  // no cursor
  }
  ~KeyMode() {
    (void)::tcsetattr(STDIN_FILENO, TCSANOW, &before_);
    fmt::print("\x1b[?25h");
    std::fflush(stdout);
  }
  KeyMode(const KeyMode&) = delete;
  KeyMode& operator=(const KeyMode&) = delete;

 private:
  termios before_{};
};

enum class Key { None, Pause, Step, Faster, Slower, Back, Forth, End };

/// Waits so long for one at most.
Key next_key(std::chrono::milliseconds patience) {
  pollfd fd{STDIN_FILENO, POLLIN, 0};
  if (::poll(&fd, 1, static_cast<int>(patience.count())) <= 0) return Key::None;
  char text[8] = {};
  const ssize_t n = ::read(STDIN_FILENO, text, sizeof text);
  if (n <= 0) return Key::End;
  const std::string_view key(text, static_cast<std::size_t>(n));
  if (key == " ") return Key::Pause;
  if (key == "s" || key == "\n" || key == "\r") return Key::Step;
  if (key == "+" || key == "=") return Key::Faster;
  if (key == "-") return Key::Slower;
  if (key == "\x1b[D") return Key::Back;
  if (key == "\x1b[C") return Key::Forth;
  if (key == "q" || key == "\x1b" || key == "\x03") return Key::End;
  return Key::None;
}

/// Who is where after some of the rows.
class Table {
 public:
  Table(const std::vector<Row>& before, const std::vector<Row>& rows)
      : before_(before), rows_(rows) {
    begin();
  }

  [[nodiscard]] std::size_t done() const { return done_; }
  /// Goes on to it, or begins again.
  void go_to(std::size_t done) {
    if (done < done_) {
      begin();
      done_ = 0;
    }
    for (; done_ < done; ++done_) {
      const Row& row = rows_[done_];
      if (row.to) people_[row.user] = {*row.to, row.at.at};
    }
  }

  void draw(engine::Micros now, double speed, std::string_view mode) const {
    winsize size{};
    if (::ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) != 0 || size.ws_row == 0) size.ws_row = 24;
    std::size_t online = 0, away = 0;
    std::string lines;
    const std::size_t most = size.ws_row > 8 ? size.ws_row - 7U : 1;
    std::size_t shown = 0, more = 0;
    for (const auto& [user, is] : people_) {
      online += is.state == "online";
      away += is.state == "away";
      if (is.state == "offline") continue;
      if (++shown > most) {
        ++more;
        continue;
      }
      lines += fmt::format("{:<32.32} {:<8} since {}\x1b[K\n", store::printable(user), is.state,
                           replay::short_time(is.since));
    }
    if (more != 0) lines += fmt::format("… and {} more\x1b[K\n", more);
    const std::size_t filled = rows_.empty() ? 30 : 30 * done_ / rows_.size();
    std::string out = "\x1b[H";
    out += fmt::format("{} UTC   {}x {}   {} online, {} away\x1b[K\n", replay::short_time(now),
                       speed, mode, online, away);
    out += fmt::format("[{}{}] {} of {}\x1b[K\n\x1b[K\n", std::string(filled, '#'),
                       std::string(30 - filled, '.'), done_, rows_.size());
    out += lines;
    if (done_ != 0) {
      const Row& row = rows_[done_ - 1];
      out +=
          fmt::format("\x1b[K\n#{} {} {} {}\x1b[K\n", row.seq, row.kind, store::printable(row.user),
                      row.to ? fmt::format("{} → {}", *row.from, *row.to) : "");
    }
    out += "space pause, s step, + faster, - slower, ← → seek, q end\x1b[K\x1b[J";
    fmt::print("{}", out);
    std::fflush(stdout);
  }

 private:
  struct Is {
    std::string state;
    engine::Micros since = 0;
  };
  void begin() {
    people_.clear();
    for (const Row& row : before_) people_[row.user] = {row.to.value_or("offline"), row.at.at};
  }
  const std::vector<Row>& before_;
  const std::vector<Row>& rows_;
  std::map<std::string, Is> people_;
  std::size_t done_ = 0;
};

}  // namespace

void show_replay(const std::vector<Row>& before, const std::vector<Row>& rows, double speed,
                 bool stepping, std::vector<Break> breaks) {
  if (rows.empty()) {
    fmt::print("nothing happened in that range\n");
    return;
  }
  const KeyMode keys;
  fmt::print("\x1b[2J");
  Table table(before, rows);
  bool paused = stepping;
  engine::Micros now = rows.front().at.at;
  auto looked = Clock::now();
  const auto stops_at = [&](const Row& row) {
    return stepping ||
           std::any_of(breaks.begin(), breaks.end(), [&](const Break& b) { return b.holds(row); });
  };
  const auto seek = [&](std::size_t done) {
    table.go_to(done);
    if (done != 0) now = rows[done - 1].at.at;
  };
  while (true) {
    const auto then = std::exchange(looked, Clock::now());
    if (!paused && table.done() < rows.size()) {
      now += static_cast<engine::Micros>(
          std::chrono::duration<double, std::micro>(looked - then).count() * speed);
      while (table.done() < rows.size() && rows[table.done()].at.at <= now) {
        table.go_to(table.done() + 1);
        if (!stops_at(rows[table.done() - 1])) continue;
        paused = true;
        now = rows[table.done() - 1].at.at;
        break;
      }
    }
    const bool over = table.done() == rows.size();
    table.draw(now, speed, over ? "the end" : paused ? "paused" : "");
    const std::size_t jump = std::max<std::size_t>(1, rows.size() / 20);
    switch (next_key(std::chrono::milliseconds(100))) {
      case Key::Pause:
        paused = !paused;
        break;
      case Key::Step:
        paused = true;
        if (!over) seek(table.done() + 1);
        break;
      case Key::Faster:
        speed *= 2;
        break;
      case Key::Slower:
        speed /= 2;
        break;
      case Key::Back:
        seek(table.done() > jump ? table.done() - jump : 0);
        break;
      case Key::Forth:
        seek(std::min(rows.size(), table.done() + jump));
        break;
      case Key::End:
        fmt::print("\n");
        return;
      case Key::None:
        break;
    }
  }
}

}  // namespace rollcall::cli
