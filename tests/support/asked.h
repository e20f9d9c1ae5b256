// A report asked, with its rows in a list.
#pragma once

#include "replay/question/report.h"
#include "tests/support/results.h"

namespace rollcall::test {

template <class Q>
struct Told {
  std::vector<typename Q::Row> rows;
  typename Q::Summary summary;
};

/// `now` lies long after whatever a test makes happen.
template <class Q>
Told<Q> asked(const replay::Reader& reader, const Q& q,
              engine::Micros now = 4'000'000'000 * 1'000'000) {
  REQUIRE(check(q));
  const replay::Desk desk{reader.layout(), &reader, now};
  Told<Q> out;
  out.summary = answer(desk, q, replay::RowSink<typename Q::Row>([&](const typename Q::Row& row) {
                         out.rows.push_back(row);
                         return true;
                       }))
                    .value();
  return out;
}

}  // namespace rollcall::test
