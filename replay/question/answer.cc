// One walk over the list of types for each thing that is asked of it.
#include "replay/question/answer.h"

#include "replay/question/copies.h"
#include "replay/question/diff.h"
#include "replay/question/event.h"
#include "replay/question/events.h"
#include "replay/question/export.h"
#include "replay/question/presence.h"
#include "replay/question/replay.h"
#include "replay/question/report.h"
#include "replay/question/root.h"
#include "replay/question/sessions.h"
#include "replay/question/state.h"
#include "replay/question/store.h"
#include "replay/question/timeline.h"
#include "replay/question/transitions.h"
#include "replay/question/verify.h"
#include "replay/question/whatif.h"
#include "replay/question/witnesses.h"
#include "store/bytes/printable.h"

#include <chrono>

namespace rollcall::replay::inline question {
namespace {

using Questions = boost::mp11::mp_list<
    PresenceQuestion, PresenceProofQuestion, StateQuestion, DiffQuestion, SessionsQuestion,
    EventsQuestion, StatsQuestion, FieldsQuestion, QueriesQuestion, EventQuestion, ProofQuestion,
    VerifyQuestion, BundleQuestion, SubjectQuestion, StoreQuestion, RootQuestion, GapsQuestion,
    CheckpointsQuestion, KeysQuestion, HoldsQuestion, RetentionQuestion, RetentionPlanQuestion,
    WitnessesQuestion, SnapshotsQuestion, SnapshotCreation, SnapshotVerification, SnapshotRemoval,
    BackupsQuestion, BackupCreation, BackupVerification, BackupPruning, TilesQuestion,
    TimelineQuestion, ConcurrencyQuestion, TransitionsQuestion, PolicyQuestion, ReplayQuestion,
    WhatIfQuestion, PresenceReport, SessionsReport, AttendanceReport, ConcurrencyReport,
    HeatmapReport>;

/// Calls `visit` with a pointer to the type of that name; whether there is one.
template <class Visit>
bool with_type(std::string_view name, const Visit& visit) {
  bool found = false;
  boost::mp11::mp_for_each<boost::mp11::mp_transform<std::add_pointer_t, Questions>>(
      [&](auto type) {
        using Q = std::remove_pointer_t<decltype(type)>;
        if (found || Q::kAsks.name != name) return;
        found = true;
        visit(type);
      });
  return found;
}

template <class Q>
std::vector<UserNumber> subjects(const Reader& reader, const Q& q) {
  if constexpr (std::is_base_of_v<EventFilter, Q>) {
    return whose(reader, q);
  } else if constexpr (std::is_same_v<Q, PresenceQuestion>) {
    return known_users(reader, named_in(q));
  } else if constexpr (std::is_base_of_v<Whose, Q>) {
    return known_users(reader, q);
  } else if constexpr (std::is_same_v<Q, SubjectQuestion>) {
    Whose one;
    if (q.user) one.user.push_back(*q.user);
    if (q.number) one.number.push_back(*q.number);
    return known_users(reader, one);
  } else if constexpr (std::is_same_v<Q, TimelineQuestion>) {
    return known_users(reader, {{q.user}, {}});
  } else if constexpr (std::is_same_v<Q, WhatIfQuestion>) {
    return q.without ? known_users(reader, {{*q.without}, {}}) : std::vector<UserNumber>{};
  } else if constexpr (std::is_same_v<Q, ConcurrencyQuestion>) {
    return q.user ? known_users(reader, {{*q.user}, {}}) : std::vector<UserNumber>{};
  } else if constexpr (std::is_same_v<Q, EventQuestion>) {
    const auto header = reader.log().header(q.seq);
    return header && *header && (*header)->user != 0 ? std::vector<UserNumber>{(*header)->user}
                                                     : std::vector<UserNumber>{};
  } else {
    return {};
  }
}

std::string line_of(const char* kind, const json::value& value) {
  return fmt::format("{{\"{}\":{}}}\n", kind, json::serialize(value));
}

template <class Q>
void answer_one(const Desk& desk, const json::object& ask, EventsAs as, std::uint64_t rows_most,
                const std::function<bool(std::string line)>& put) {
  Q q;
  if (const auto read = read_value(ask, q, ""); !read) {
    (void)put(error_line(read.error()));
    return;
  }
  std::uint64_t rows = 0;
  bool too_many = false;
  const auto row = [&](const typename Q::Row& r) {
    too_many = rows_most != 0 && ++rows > rows_most;
    return !too_many && put(line_of("row", row_to_json(r, as)));
  };
  const auto done = answer(desk, q, RowSink<typename Q::Row>(row));
  if (too_many)
    (void)put(error_line({Errc::TooMany, fmt::format("the answer has more than {} rows: ask for "
                                                     "less",
                                                     rows_most)}));
  else
    (void)put(done ? line_of("end", write_value(*done)) : error_line(done.error()));
}

}  // namespace

std::string error_line(const Error& error) {
  // What is found in a store may be named in the sentence: any bytes.
  return line_of("error",
                 json::object{{"code", store::name_of(error.code)},
                              {"detail", store::printable(error.detail, store::LineEnds::Kept)}});
}

Error error_of(std::string_view line) {
  const Error broken{Errc::Io, "the answer cannot be read"};
  boost::system::error_code ec;
  const json::value value = json::parse(line, ec);
  const json::object* outer = ec ? nullptr : value.if_object();
  const json::value* error = outer == nullptr ? nullptr : outer->if_contains("error");
  const json::object* o = error == nullptr ? nullptr : error->if_object();
  const json::value* code = o == nullptr ? nullptr : o->if_contains("code");
  const json::value* detail = o == nullptr ? nullptr : o->if_contains("detail");
  if (code == nullptr || detail == nullptr || !code->is_string() || !detail->is_string())
    return broken;
  return {store::errc_named(code->get_string()).value_or(Errc::Io),
          std::string(detail->get_string())};
}

Result<ReadQuestion> read_question(std::string_view name, const json::object& given) {
  Result<ReadQuestion> out = Error{Errc::BadInput, "there is no such question"};
  (void)with_type(name, [&](auto type) {
    using Q = std::remove_pointer_t<decltype(type)>;
    Q q;
    if (const auto read = read_value(given, q, ""); !read) {
      out = read.error();
    } else if (const auto fine = check(q); !fine) {
      out = fine.error();
    } else {
      out = ReadQuestion{Q::kAsks, write_value(q).as_object(), asked_text(q),
                         [q](const Reader& reader) { return subjects(reader, q); }};
    }
  });
  return out;
}

std::vector<Member> members_of(std::string_view name) {
  std::vector<Member> out;
  (void)with_type(name, [&](auto type) {
    using Q = std::remove_pointer_t<decltype(type)>;
    boost::mp11::mp_for_each<Members<Q>>([&](auto member) {
      using Field = std::decay_t<decltype(std::declval<Q>().*member.pointer)>;
      out.push_back({member.name, is_list<Field>::value});
    });
  });
  return out;
}

std::vector<std::string_view> question_names() {
  std::vector<std::string_view> out;
  boost::mp11::mp_for_each<boost::mp11::mp_transform<std::add_pointer_t, Questions>>(
      [&](auto type) { out.push_back(std::remove_pointer_t<decltype(type)>::kAsks.name); });
  return out;
}

Opens opens_of(std::string_view name) {
  Opens out = Opens::Log;
  (void)with_type(name,
                  [&](auto type) { out = std::remove_pointer_t<decltype(type)>::kAsks.opens; });
  return out;
}

Schemas schemas_of(std::string_view name) {
  Schemas out;
  (void)with_type(name, [&](auto type) {
    using Q = std::remove_pointer_t<decltype(type)>;
    out.question = schema_of<Q>(Of::Request);
    out.summary = schema_of<typename Q::Summary>();
    if constexpr (std::is_same_v<typename Q::Row, EventView>)
      out.row = {{"type", "object"},
                 {"properties", event_schema()},
                 {"required", json::array{"seq", "at", "kind"}}};
    else if constexpr (!std::is_same_v<typename Q::Row, NoRow>)
      out.row = schema_of<typename Q::Row>();
  });
  return out;
}

void answer_in_lines(const Desk& desk, std::string_view name, const json::object& ask, EventsAs as,
                     std::uint64_t rows_most, const std::function<bool(std::string line)>& put) {
  Desk own = desk;
  auto told = std::chrono::steady_clock::now();
  own.progress = [&](std::uint64_t done, std::uint64_t all) {
    constexpr auto kEvery = std::chrono::milliseconds(100);
    const auto now = std::chrono::steady_clock::now();
    if (now - told < kEvery) return;
    told = now;
    (void)put(line_of("progress", json::array{done, all}));
  };
  const bool known = with_type(name, [&](auto type) {
    answer_one<std::remove_pointer_t<decltype(type)>>(own, ask, as, rows_most, put);
  });
  if (!known) (void)put(error_line({Errc::BadInput, "there is no such question"}));
}

}  // namespace rollcall::replay::inline question
