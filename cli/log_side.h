// One of two logs that are compared: a store's folder, opened here, or a server's.
//
// Why this file exists: diff and replay --against ask both sides the same few things, a root at a
// size or one event, many times: a folder is opened once.
#pragma once

#include "cli/ask.h"
#include "replay/parting.h"
#include "replay/question/event.h"
#include "replay/question/root.h"

namespace rollcall::cli {

class LogSide {
 public:
  /// `where`: a folder, or http://… or https://…; its read is logged as `what` where a reason is
  /// given. A Failure if it cannot be opened.
  LogSide(const Context& context, const std::string& where, std::string_view what);
  /// The store of the command itself, or of the server that it works against.
  LogSide(const Context& context, std::string_view what);

  [[nodiscard]] const std::string& name() const { return name_; }
  [[nodiscard]] const replay::RootQuestion::Summary& log() const { return log_; }
  [[nodiscard]] replay::LogRoots roots();
  [[nodiscard]] replay::EventView event(replay::Seq seq);
  /// Null of a server's.
  [[nodiscard]] const replay::Reader* reader() const;

 private:
  void open(std::string_view what);
  template <class Q>
  typename Q::Summary ask_side(const Q& q, const std::function<bool(const typename Q::Row&)>& row) {
    if (desk_) return answer(desk_->desk(), q, replay::RowSink<typename Q::Row>(row)).value();
    return ask(context_, q, row);
  }

  Context context_;
  std::string name_;
  std::unique_ptr<OpenDesk> desk_;
  replay::RootQuestion::Summary log_;
};

/// An event as it stands in a log, in one line: number, time, user, what.
[[nodiscard]] std::string event_line(const replay::EventView& event);

}  // namespace rollcall::cli
