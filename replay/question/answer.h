// Every question there is, by name, as JSON: for whoever answers for others.
//
// Why this file exists: a server and its readers carry questions without knowing their types. What
// each takes, whether it makes sense, whose history it is and how it is answered are asked here.
#pragma once

#include "replay/question/question.h"
#include "replay/question/travel.h"

namespace rollcall::replay::inline question {

/// A question that was read and checked.
struct ReadQuestion {
  Asks asks;
  json::object ask;                                                ///< as it is to be answered
  std::string text;                                                ///< for the log of reads
  std::function<std::vector<UserNumber>(const Reader&)> subjects;  ///< whose history it is
};

/// `name` is one of question_names(); an error says which member is wrong.
[[nodiscard]] Result<ReadQuestion> read_question(std::string_view name, const json::object& given);

struct Member {
  std::string_view name;
  bool many = false;  ///< may be given more than once
};
[[nodiscard]] std::vector<Member> members_of(std::string_view name);
[[nodiscard]] std::vector<std::string_view> question_names();
/// Log if there is no such question.
[[nodiscard]] Opens opens_of(std::string_view name);
/// JSON Schemas: of the question, of a row (empty if its answer has none), of the summary.
struct Schemas {
  json::object question, row, summary;
};
[[nodiscard]] Schemas schemas_of(std::string_view name);

/// Lines of JSON: {"row":…} each, {"progress":[done,all]} now and then, at last {"end":summary} or
/// {"error":{"code":…,"detail":…}}. After `rows_most` rows it is an error. `put` returns false if
/// nobody wants more.
void answer_in_lines(const Desk& desk, std::string_view name, const json::object& ask, EventsAs as,
                     std::uint64_t rows_most, const std::function<bool(std::string line)>& put);
[[nodiscard]] std::string error_line(const Error& error);
/// Of such a line; of any other, that it cannot be read.
[[nodiscard]] Error error_of(std::string_view line);

}  // namespace rollcall::replay::inline question
