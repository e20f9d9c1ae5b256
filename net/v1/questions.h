// The questions of /v1: which path asks what (replay/question), who may, and how the answer leaves.
//
// Why this file exists: the history is asked by many paths in one way. Who may ask is found out
// here, the read is logged, a reader process answers, and what it says leaves as one JSON object
// or, for whoever accepts application/x-ndjson, line by line as it comes.
#pragma once

#include "net/loop/chunks.h"
#include "net/v1/call.h"

#include <span>

namespace rollcall::net::inline v1 {

struct QuestionRoute {
  Attributes attributes;
  std::string_view question;     ///< of replay::question_names()
  std::string_view rows;         ///< the answer's member that holds the rows; empty: it has none
  std::uint64_t rows_usual = 0;  ///< `limit` as one JSON object if none is given
  bool noted_once_a_minute = false;  ///< as one JSON object: a slider that is dragged is one read
  std::string_view only_with = {};   ///< the route is for requests with this parameter
};
[[nodiscard]] std::span<const QuestionRoute> question_routes();
/// The first of a question; null if there is none.
[[nodiscard]] const QuestionRoute* route_of(std::string_view question);

struct RoutedQuestion {
  const QuestionRoute* route = nullptr;
  json::object path;  ///< values in the path
};
/// Nothing if no question has this path and method; `other_methods` are those of the path then.
[[nodiscard]] std::optional<RoutedQuestion> find_question(const HttpRequest& request,
                                                          std::string& other_methods);

/// A parameter of that media type: events come as replay::EntryRow, with all that proves them, and
/// not as the answer's one object has them.
inline constexpr std::string_view kRowsAsEntries = "rows=entries";

/// Accept: application/x-ndjson.
[[nodiscard]] bool wants_lines(const HttpRequest& request);

/// The answer as one object: the summary's members, and the rows.
[[nodiscard]] boost::asio::awaitable<HttpReply> answer_question(Call call, const Settings& settings,
                                                                RoutedQuestion question);
/// The lines of replay/question/answer.h as they come. With follow=true, GET /v1/events goes on
/// with what is appended, an {"end":…} after each time there was something.
[[nodiscard]] HttpReply stream_question(App& app, const Settings& settings, const Caller& caller,
                                        const HttpRequest& request, RoutedQuestion question,
                                        Chunks& chunks);

/// For /openapi.json: adds the paths.
void describe_questions(json::object& paths);

}  // namespace rollcall::net::inline v1
