// A few pieces go round between the two threads.
#include "store/log/read_ahead.h"

#include "store/bytes/mutex.h"

#include <algorithm>
#include <array>
#include <condition_variable>
#include <exception>
#include <optional>
#include <system_error>
#include <thread>

namespace rollcall::store::inline log {
namespace {

constexpr std::size_t kPiece = 2048;   // headers: a quarter of a megabyte
constexpr std::size_t kPieces = 16;    // read ahead at the most
constexpr Seq kWorthAThread = 30'000;  // below, starting one costs as much as it saves

/// Both on the caller's thread.
Result<void> scan_here(const EventLog& log, Seq from, Seq to,
                       const std::function<bool(std::span<const Header>)>& visit) {
  std::vector<Header> piece;
  piece.reserve(kPiece);
  bool goes_on = true;
  const auto done = log.scan(from, to, [&](const Header& header, ByteView) {
    piece.push_back(header);
    if (piece.size() < kPiece) return true;
    goes_on = visit(piece);
    piece.clear();
    return goes_on;
  });
  if (goes_on && !piece.empty()) (void)visit(piece);
  return done;
}

/// A ring of pieces: the reader fills them, the visitor empties them.
class Ring {
 public:
  Ring() {
    for (auto& piece : pieces_) piece.reserve(kPiece);
  }

  /// Of the reader: the piece to fill next; null if nobody wants more.
  std::vector<Header>* to_fill() {
    Lock lock(mutex_);
    emptied_.wait(lock.waiting(), [&] {
      mutex_.held();
      return filled_ - taken_ < kPieces || stopped_;
    });
    return stopped_ ? nullptr : &pieces_[filled_ % kPieces];
  }
  void filled() {
    const Lock guard(mutex_);
    ++filled_;
    some_.notify_one();
  }
  /// `thrown`: what it ended with, if that was an exception.
  void ended(Result<void> how, std::exception_ptr thrown = {}) {
    const Lock guard(mutex_);
    end_ = std::move(how);
    thrown_ = std::move(thrown);
    some_.notify_one();
  }

  /// Of the visitor: the next piece; null at the end.
  const std::vector<Header>* next() {
    Lock lock(mutex_);
    some_.wait(lock.waiting(), [&] {
      mutex_.held();
      return filled_ > taken_ || end_;
    });
    return filled_ > taken_ ? &pieces_[taken_ % kPieces] : nullptr;
  }
  void taken() {
    const Lock guard(mutex_);
    pieces_[taken_++ % kPieces].clear();
    emptied_.notify_one();
  }
  void stop() {
    const Lock guard(mutex_);
    stopped_ = true;
    emptied_.notify_one();
  }
  /// As a scan on the visitor's own thread would have ended: short memory is thrown there, too.
  [[nodiscard]] Result<void> how_it_ended() {
    const Lock guard(mutex_);
    if (thrown_) std::rethrow_exception(thrown_);
    return end_.value_or(Result<void>());
  }

 private:
  Mutex mutex_;
  std::condition_variable some_, emptied_;
  std::array<std::vector<Header>, kPieces> pieces_;
  std::uint64_t filled_ RC_GUARDED_BY(mutex_) = 0, taken_ RC_GUARDED_BY(mutex_) = 0;
  std::optional<Result<void>> end_ RC_GUARDED_BY(mutex_);
  std::exception_ptr thrown_ RC_GUARDED_BY(mutex_);
  bool stopped_ RC_GUARDED_BY(mutex_) = false;
};

void read_into(Ring& ring, const EventLog& log, Seq from, Seq to) try {
  std::vector<Header>* piece = ring.to_fill();
  auto done = log.scan(from, to, [&](const Header& header, ByteView) {
    piece->push_back(header);
    if (piece->size() < kPiece) return true;
    ring.filled();
    piece = ring.to_fill();
    return piece != nullptr;
  });
  if (piece != nullptr && !piece->empty()) ring.filled();
  ring.ended(std::move(done));
} catch (...) {
  ring.ended({}, std::current_exception());
}

/// The reading thread, which ends with this, however that comes.
class Reading {
 public:
  Reading(Ring& ring, const EventLog& log, Seq from, Seq to)
      : ring_(ring), thread_([&ring, &log, from, to] { read_into(ring, log, from, to); }) {}
  ~Reading() { end(); }
  Reading(const Reading&) = delete;
  Reading& operator=(const Reading&) = delete;
  void end() {
    ring_.stop();
    if (thread_.joinable()) thread_.join();
  }

 private:
  Ring& ring_;
  std::thread thread_;
};

}  // namespace

Result<void> scan_ahead(const EventLog& log, Seq from, Seq to,
                        const std::function<bool(std::span<const Header>)>& visit) {
  to = std::min(to, log.last());
  if (from > to) return {};
  if (to - from < kWorthAThread || std::thread::hardware_concurrency() < 2)
    return scan_here(log, from, to, visit);
  Ring ring;
  std::optional<Reading> reading;
  try {
    reading.emplace(ring, log, from, to);
  } catch (const std::system_error&) {
    return scan_here(log, from, to, visit);
  }
  bool goes_on = true;
  while (goes_on) {
    const std::vector<Header>* piece = ring.next();
    if (piece == nullptr) break;
    goes_on = visit(*piece);
    ring.taken();
  }
  reading->end();
  if (!goes_on) return {};
  return ring.how_it_ended();
}

}  // namespace rollcall::store::inline log
