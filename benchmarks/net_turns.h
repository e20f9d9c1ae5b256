// Variants that take turns of a fraction of a second, each in a process of its own.
//
// Why this file exists: a machine shared with others changes its speed by half within seconds. What
// is to be compared must have seen the same seconds; and one process may not hold the connections
// of all variants.
#pragma once

#include <sys/types.h>

#include <functional>

namespace rollcall::bench {

/// What a variant did in one turn, or in several.
struct Turn {
  double frames = 0;   ///< delivered
  double seconds = 0;  ///< they took
  double cpu_s = 0;    ///< of the server
  Turn& operator+=(const Turn& more);
};

class Player {
 public:
  using Play = std::function<Turn(double seconds)>;
  /// Calls `prepare` in a new process and waits until it is ready.
  explicit Player(const std::function<Play()>& prepare);
  ~Player();
  Player(const Player&) = delete;
  Player& operator=(const Player&) = delete;
  /// One turn, about `seconds` long. Throws where the process has failed; it has said why.
  Turn play(double seconds);

 private:
  void hear(void* bytes, std::size_t size) const;

  pid_t pid_ = -1;
  int ask_ = -1, answer_ = -1;
};

}  // namespace rollcall::bench
