// A server under measurement: rollcall, a floor, or a peer from benchmarks/peers; it runs while its
// Subject lives.
#pragma once

#include "benchmarks/net_client.h"

#include <filesystem>
#include <string>
#include <vector>

namespace rollcall::bench {

/// The app that every subject serves.
/// Its lost connections have 30 s to come back, so that a slow day of the machine is no offline.
inline constexpr int kGraceSeconds = 30;
inline const std::string kKey = "bench-key", kSecret = "bench-secret";

class Subject {
 public:
  /// `name`: send, sweep, soketi, or anything else for the program `rollcall` with `settings` on
  /// top of its rollcall.toml. `keep`: a store's folder, which stays; else an empty one of its own.
  Subject(std::string name, const std::string& rollcall, const std::string& settings = "",
          std::filesystem::path keep = {});
  ~Subject();
  Subject(const Subject&) = delete;
  Subject& operator=(const Subject&) = delete;

  [[nodiscard]] const Where& where() const { return where_; }
  [[nodiscard]] int pid() const { return pid_; }
  [[nodiscard]] Usage usage() const { return usage_of(pid_); }
  [[nodiscard]] bool floor() const { return name_ == "send" || name_ == "sweep"; }
  [[nodiscard]] std::string token() const;

 private:
  void start(const std::vector<std::string>& words);
  std::string name_;
  Where where_;
  int pid_ = -1, pipe_ = -1;
  std::filesystem::path data_;
  bool keep_ = false;
};

}  // namespace rollcall::bench
