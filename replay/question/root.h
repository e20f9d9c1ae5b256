// The root of a log's first events: two logs with the same root at a size begin with the same
// events.
#pragma once

#include "replay/question/question.h"

namespace rollcall::replay::inline question {

struct RootQuestion {
  std::optional<std::uint64_t> size;  ///< of so many events; all of them if it is not given
  static constexpr Asks kAsks{"log root", false};
  using Row = NoRow;
  struct Summary {
    std::string origin;
    std::uint64_t events = 0;  ///< there are in the log
    std::uint64_t size = 0;
    std::optional<std::string> root;  ///< base64; none of size 0
  };
};
BOOST_DESCRIBE_STRUCT(RootQuestion, (), (size))
BOOST_DESCRIBE_STRUCT(RootQuestion::Summary, (), (origin, events, size, root))

[[nodiscard]] Result<RootQuestion::Summary> answer(const Desk& desk, const RootQuestion& q,
                                                   const RowSink<NoRow>& row);

}  // namespace rollcall::replay::inline question
