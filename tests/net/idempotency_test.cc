// Answers under an Idempotency-Key: the first for a day, nothing afterwards.
#include "net/presence/idempotency.h"

#include "tests/support/stores.h"

#include <catch2/catch.hpp>

using namespace rollcall;
using engine::Micros;
using store::Transaction;
using test::kStart;

namespace {

constexpr Micros kHour = 3600 * test::kSecond;

class Kept {
 public:
  explicit Kept(const std::filesystem::path& directory)
      : writer_(store::Writer::create(test::layout_in(directory)).value()) {}

  template <class Do>
  auto at(Micros now, const Do& work) {
    Transaction transaction(*writer_, now, 1, recent_);
    auto out = work(transaction);
    writer_->write_batch(writer_->take_batch()).value();
    recent_ = {};
    return out;
  }
  std::size_t entries(std::string_view prefix) const {
    return writer_->log().scan_meta(prefix).value().size();
  }
  store::EventLog& log() { return writer_->log(); }

 private:
  std::unique_ptr<store::Writer> writer_;
  Transaction::Recent recent_;
};

net::Write asked(int key, const std::string& request = "r") {
  net::Write w;
  w.scope = "admin";
  w.idempotency_key = std::to_string(key);
  w.request_digest = request;
  return w;
}

net::WriteReply reply(engine::Seq seq) {
  return {seq, "applied", "Online", "Online", false, false, false};
}

bool keep(Kept& kept, Micros now, int key, engine::Seq seq) {
  return kept.at(now, [&](Transaction& transaction) {
    net::keep_answer(transaction, asked(key), reply(seq));
    return true;
  });
}

std::optional<net::WriteReply> first(Kept& kept, Micros now, int key) {
  return kept
      .at(now, [&](Transaction& transaction) { return net::first_answer(transaction, asked(key)); })
      .value();
}

/// Steps until nothing is left to do; how many it took.
int sweep(Kept& kept, net::AnswerSweep& sweeper, Micros now, std::size_t most) {
  int steps = 1;
  while (kept.at(now, [&](Transaction& transaction) { return sweeper.step(transaction, most); })
             .value())
    ++steps;
  return steps;
}

}  // namespace

TEST_CASE("an answer under an idempotency key is given for a day, then nothing of it is left",
          "[net]") {
  const test::Scratch scratch;
  Kept kept(scratch.path());
  net::AnswerSweep sweeper;
  for (int i = 0; i < 100; ++i) keep(kept, kStart + i * kHour / 10, i, 7);  // over ten hours
  sweep(kept, sweeper, kStart + 10 * kHour, 8);
  CHECK(kept.entries("idem/") == 100);
  REQUIRE(first(kept, kStart + 24 * kHour - 1, 0));
  CHECK(first(kept, kStart + 24 * kHour - 1, 0)->seq == 7);
  CHECK(first(kept, kStart + 24 * kHour - 1, 0)->repeated);
  CHECK_FALSE(first(kept, kStart + 24 * kHour, 0));

  // Whoever uses a key again after its day gets a new answer, which the old one's end leaves alone.
  keep(kept, kStart + 24 * kHour, 0, 8);
  const int steps = sweep(kept, sweeper, kStart + 29 * kHour, 8);
  CHECK(steps >= 50 / 8);
  CHECK(kept.entries("idem/") == 50);  // fifty of the first, less key 0, which is new
  REQUIRE(first(kept, kStart + 29 * kHour, 0));
  CHECK(first(kept, kStart + 29 * kHour, 0)->seq == 8);
  CHECK(first(kept, kStart + 29 * kHour, 51)->seq == 7);

  sweep(kept, sweeper, kStart + 60 * kHour, 8);
  CHECK(kept.entries("idem/") == 0);
  CHECK(kept.entries("idem-at/") == 0);
}

TEST_CASE("another request under a key is refused while its answer is kept", "[net]") {
  const test::Scratch scratch;
  Kept kept(scratch.path());
  keep(kept, kStart, 1, 7);
  const auto other = kept.at(kStart + kHour, [&](Transaction& transaction) {
    return net::first_answer(transaction, asked(1, "something else"));
  });
  REQUIRE_FALSE(other);
  CHECK(other.error().code == store::Errc::BadInput);
}

TEST_CASE("answers that older versions kept without a time to find them by are deleted, too",
          "[net]") {
  const test::Scratch scratch;
  Kept kept(scratch.path());
  for (int i = 0; i < 40; ++i) {
    keep(kept, kStart + (i < 30 ? 0 : 20 * kHour), i, 7);
  }
  for (const auto& [key, value] : kept.log().scan_meta("idem-at/").value())
    kept.log().delete_meta(key).value();
  kept.log().put_meta("idem/damaged", "{\"at\": \"no number\"").value();
  net::AnswerSweep sweeper;
  CHECK(sweep(kept, sweeper, kStart + 25 * kHour, 7) > 4);
  CHECK(kept.entries("idem/") == 10);
  CHECK(kept.entries("idem-at/") == 10);
  CHECK(first(kept, kStart + 25 * kHour, 35)->seq == 7);
  sweep(kept, sweeper, kStart + 44 * kHour, 7);
  CHECK(kept.entries("idem/") == 0);
  CHECK(kept.entries("idem-at/") == 0);
  net::AnswerSweep after_restart;
  CHECK(sweep(kept, after_restart, kStart + 50 * kHour, 7) == 1);
}
