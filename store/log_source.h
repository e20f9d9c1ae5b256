// Where a server has its history from: what it reads, and through whom it writes.
//
// Why this file exists: mostly that is the live log (store/live.h). A server that plays the past
// has another, which moves by itself and takes nothing; whatever serves clients knows neither.
#pragma once

#include "engine/event.h"
#include "store/bytes/errc.h"
#include "store/log/history.h"
#include "store/read_view.h"

#include <functional>
#include <memory>
#include <optional>

namespace rollcall::store {

class Transaction;
class Writer;

class LogSource {
 public:
  using Task = std::function<void(Transaction&)>;

  LogSource() = default;
  virtual ~LogSource() = default;
  LogSource(const LogSource&) = delete;
  LogSource& operator=(const LogSource&) = delete;

  /// From any thread. False if nothing can be written just now: the task will not run.
  [[nodiscard]] virtual bool submit(Task task) = 0;
  /// Runs alone, with nothing in flight, and may commit by itself: for erasure and signing. Waits
  /// until it is done and durable, or failed; not for work that had not begun before a stop.
  [[nodiscard]] virtual Result<void> exclusively(
      const std::function<Result<void>(Writer&, engine::Micros)>& work) = 0;
  /// On return, everything submitted before is durable (or failed). No task is accepted afterwards.
  virtual void stop() = 0;

  /// For reading beside it, from any thread; nothing while the log is opened anew. Hold it briefly.
  [[nodiscard]] virtual std::shared_ptr<const ReadView> reading() const = 0;
  [[nodiscard]] virtual bool writable() const = 0;
  /// Why nothing can be written, while that is so.
  [[nodiscard]] virtual std::optional<Error> problem() const = 0;
  /// How far the log's time is ahead of a wall clock that was set back.
  [[nodiscard]] virtual engine::Micros ahead_of_wall() const = 0;
  /// The newest time without observation that this process knows of.
  [[nodiscard]] virtual std::optional<Gap> last_gap() const = 0;
};

}  // namespace rollcall::store
