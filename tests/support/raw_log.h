// The log's database without the log: tests that damage a value reach past everything that checks.
#pragma once

#include "store/log/layout.h"

#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace rollcall::test {

/// Of a log that nobody has open. Families: log, body, tree, meta (store/log/log.h). What is put is
/// on disk when this object is gone.
class RawLog {
 public:
  explicit RawLog(const store::Layout& layout);
  ~RawLog();
  RawLog(const RawLog&) = delete;
  RawLog& operator=(const RawLog&) = delete;

  [[nodiscard]] std::vector<std::pair<std::string, std::string>> dump(std::string_view family);
  void put(std::string_view family, std::string_view key, std::string_view value);

 private:
  struct Database;
  std::unique_ptr<Database> database_;
};

}  // namespace rollcall::test
