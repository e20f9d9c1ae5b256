// A process that is told over a pipe how long to play.
#include "benchmarks/net_turns.h"

#include <fmt/format.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cstdio>
#include <stdexcept>

namespace rollcall::bench {
namespace {

constexpr double kEnough = -1;  ///< seconds that end the process

int serve_turns(const std::function<Player::Play()>& prepare, int asked, int answer) {
  try {
    const Player::Play play = prepare();
    const char ready = 1;
    (void)!::write(answer, &ready, 1);
    double seconds = 0;
    while (::read(asked, &seconds, sizeof seconds) == sizeof seconds && seconds != kEnough) {
      const Turn turn = play(seconds);
      (void)!::write(answer, &turn, sizeof turn);
    }
    return 0;
  } catch (const std::exception& error) {
    fmt::print(stderr, "{}\n", error.what());
    return 1;
  }
}

}  // namespace

Turn& Turn::operator+=(const Turn& more) {
  frames += more.frames;
  seconds += more.seconds;
  cpu_s += more.cpu_s;
  return *this;
}

Player::Player(const std::function<Play()>& prepare) {
  std::array<int, 2> ask{}, answer{};
  if (::pipe(ask.data()) != 0 || ::pipe(answer.data()) != 0) throw std::runtime_error("no pipe");
  std::fflush(stdout);
  pid_ = ::fork();
  if (pid_ == 0) {
    ::close(ask[1]);
    ::close(answer[0]);
    ::_exit(serve_turns(prepare, ask[0], answer[1]));
  }
  ::close(ask[0]);
  ::close(answer[1]);
  ask_ = ask[1];
  answer_ = answer[0];
  char ready = 0;
  hear(&ready, sizeof ready);
}

Player::~Player() {
  (void)!::write(ask_, &kEnough, sizeof kEnough);
  ::close(ask_);
  ::close(answer_);
  ::waitpid(pid_, nullptr, 0);
}

Turn Player::play(double seconds) {
  (void)!::write(ask_, &seconds, sizeof seconds);
  Turn turn;
  hear(&turn, sizeof turn);
  return turn;
}

void Player::hear(void* bytes, std::size_t size) const {
  if (::read(answer_, bytes, size) != static_cast<ssize_t>(size))
    throw std::runtime_error("a variant has failed");
}

}  // namespace rollcall::bench
