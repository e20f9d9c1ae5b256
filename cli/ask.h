// A question, answered here by the store or there by its server.
//
// Why this file exists: a command makes a question of its words and prints the rows of its answer.
// Who answers makes no difference to either.
#pragma once

#include "cli/output.h"
#include "cli/served.h"
#include "replay/question/answer.h"

#include <optional>

namespace rollcall::cli {

/// The store that a question is asked of, opened here. With a reason the read is logged first; if
/// the store demands one and there is none, a Failure.
class OpenDesk {
 public:
  OpenDesk(Context& context, const replay::ReadQuestion& question, store::Log::Mode mode);
  [[nodiscard]] const replay::Desk& desk() const { return desk_; }
  /// Follow mode: reads what was appended since.
  void catch_up();

 private:
  store::Layout layout_;
  std::optional<replay::Reader> reader_;
  ProgressBar bar_;
  replay::Desk desk_;
};

/// What came over the wire, a line each.
struct RemoteAnswer {
  std::function<bool(const boost::json::value&)> row;
  std::function<void(const boost::json::value&)> end;
};
/// Asks the server of --url. `more`: further parameters, like follow. A Failure says what it says.
void ask_there(Context& context, std::string_view question, const boost::json::object& ask,
               const RemoteAnswer& answer, const boost::json::object& more = {});

/// Hands over the rows until `row` returns false; the summary. A Failure if there is no answer.
template <class Q>
typename Q::Summary ask(Context& context, const Q& q,
                        const std::function<bool(const typename Q::Row&)>& row) {
  const auto asked = replay::write_value(q).as_object();
  const auto read = replay::read_question(Q::kAsks.name, asked).value();
  go_where_served(context);
  if (context.url.empty()) {
    const OpenDesk open(context, read, store::Log::Mode::Read);
    return answer(open.desk(), q, replay::RowSink<typename Q::Row>(row)).value();
  }
  std::optional<typename Q::Summary> out;
  ask_there(context, Q::kAsks.name, read.ask,
            {[&](const boost::json::value& value) {
               return row(replay::row_from_json<typename Q::Row>(value).value());
             },
             [&](const boost::json::value& value) {
               replay::read_value(value, out.emplace(), "the answer", replay::Of::Answer).value();
             }});
  if (!out) throw store::Failure({store::Errc::Io, "the answer ended early"});
  return std::move(*out);
}

/// The same for an answer without rows.
template <class Q>
typename Q::Summary ask(Context& context, const Q& q) {
  return ask(context, q, [](const typename Q::Row&) { return true; });
}

}  // namespace rollcall::cli
