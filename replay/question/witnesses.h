// witness list, witness status: who cosigns this log, and what they cosigned last.
#pragma once

#include "replay/question/question.h"

namespace rollcall::replay::inline question {

struct WitnessesQuestion {
  static constexpr Asks kAsks{"witness status", false};
  struct Row {
    std::string name, key, url;
    bool cosigned = false;              ///< the newest checkpoint
    std::optional<std::uint64_t> size;  ///< of it, if cosigned
    std::optional<Seconds> age;         ///< of the cosignature
  };
  struct Summary {
    std::uint64_t size = 0;  ///< of the newest checkpoint; 0: nothing was ever signed
    bool met = true;         ///< the policy's quorum, if anything was signed
  };
};
BOOST_DESCRIBE_STRUCT(WitnessesQuestion, (), ())
BOOST_DESCRIBE_STRUCT(WitnessesQuestion::Row, (), (name, key, url, cosigned, size, age))
BOOST_DESCRIBE_STRUCT(WitnessesQuestion::Summary, (), (size, met))

[[nodiscard]] Result<WitnessesQuestion::Summary> answer(const Desk& desk,
                                                        const WitnessesQuestion& q,
                                                        const RowSink<WitnessesQuestion::Row>& row);

}  // namespace rollcall::replay::inline question
