// Questions as they travel: nothing that is let through names a file or another store, every one
// says what is wrong with it, and an answer that travelled is the answer.
#include "replay/event_json.h"
#include "replay/question/answer.h"
#include "replay/question/copies.h"
#include "replay/question/event.h"
#include "replay/question/events.h"
#include "replay/question/export.h"
#include "replay/question/presence.h"
#include "replay/question/sessions.h"
#include "replay/question/verify.h"
#include "store/open_store.h"
#include "tests/support/stores.h"

#include <boost/json.hpp>
#include <catch2/catch.hpp>

#include <set>

using namespace rollcall;
using namespace rollcall::replay;
using test::Scratch;

namespace {

json::object object(std::string_view text) { return json::parse(text).as_object(); }

/// What is wrong with the question; empty if nothing is.
std::string fault(std::string_view name, std::string_view given) {
  const auto read = read_question(name, object(given));
  return read ? std::string() : read.error().detail;
}

struct Answered {
  std::vector<json::object> rows;
  json::object end;
  std::string error;
};

Answered asked(const store::Layout& layout, std::string_view name, std::string_view given,
               EventsAs as = EventsAs::Json, std::uint64_t rows_most = 0) {
  const auto reader = Reader::open(layout).value();
  const auto read = read_question(name, object(given)).value();
  Answered out;
  const Desk desk{layout, &reader, test::kStart + 3600 * test::kSecond};
  answer_in_lines(desk, name, read.ask, as, rows_most, [&](std::string line) {
    const json::object o = json::parse(line).as_object();
    if (const auto* row = o.if_contains("row")) out.rows.push_back(row->as_object());
    if (const auto* end = o.if_contains("end")) out.end = end->as_object();
    if (o.contains("error")) out.error = error_of(line).detail;
    return true;
  });
  return out;
}

}  // namespace

TEST_CASE("a member that no question has is refused by its name", "[replay]") {
  // Options that name files were once words of the same list: a proof could be written anywhere.
  for (const auto name : question_names()) {
    for (const char* member : {"out", "q", "output", "data", "app", "url", "token_file", "fields",
                               "arguments", "cursor_file", "reason"}) {
      const auto members = members_of(name);
      const bool known = std::any_of(members.begin(), members.end(),
                                     [&](const Member& m) { return m.name == member; });
      INFO(name << " " << member);
      REQUIRE_FALSE(known);
      json::object given{{member, "/etc/passwd"}};
      const auto read = read_question(name, given);
      CHECK_FALSE(read.has_value());
    }
  }
  CHECK(fault("audit", R"({"out":"/tmp/x"})") == "there is no field 'out'");
}

TEST_CASE("only backups name folders, and from the root", "[replay]") {
  std::set<std::string_view> with_folder;
  for (const auto name : question_names())
    for (const Member& m : members_of(name))
      if (m.name == "folder" || m.name == "vault" || m.name == "path" || m.name == "file")
        with_folder.insert(name);
  CHECK(with_folder == std::set<std::string_view>{"backup list", "backup create", "backup verify",
                                                  "backup prune"});
  CHECK(fault("backup list", R"({"folder":"x"})") == "folder is a folder from the root: /…");
  CHECK(fault("backup create", R"({"folder":"/b","name":"../x"})") ==
        "name is the name of a folder, without a slash");
  CHECK(fault("backup create", R"({"folder":"/b","vault":"keys"})") ==
        "folder is a folder from the root: /…");
  CHECK(fault("backup prune", R"({"folder":"/b","keep":3,"dry_run":true})").empty());
}

TEST_CASE("what a question says is checked before anybody reads", "[replay]") {
  const std::vector<std::tuple<std::string_view, std::string_view, std::string_view>> cases{
      {"audit", R"({"since":"whenever"})", "since"},
      {"audit", R"({"since":"2026-02-01","until":"2026-01-01"})", "is before since"},
      {"audit", R"({"seq":"9..3"})", "ends before it begins"},
      {"audit", R"({"event":["login","nonsense"]})", "event: "},
      {"audit", R"x({"grep":"(?=x)"})x", "grep: "},
      {"audit", R"({"grep":""})", "an empty pattern"},
      {"audit", R"({"match":["nonsense=1"]})", "match: "},
      {"audit", R"({"user":[""]})", "user: "},
      {"audit", R"({"user":"ada"})", "user is not a list"},
      {"audit", R"({"ip":["10.0\n"]})", "in one line"},
      {"audit", R"({"limit":-1})", "limit is not a whole number"},
      {"audit", R"({"cursor":"a","after":3})", "say where to go on once"},
      {"audit stats", R"({"by":"weather"})", "by is one of user, kind, hour, action, ip"},
      {"audit stats", R"({"by":"user","summary":true})", "summary is one row"},
      {"audit fields", R"({"field":"nonsense"})", "field: "},
      {"audit queries", R"({"event":["login"]})", "queries are of one kind"},
      {"who", R"({"at":"sometime"})", "at: "},
      {"who", R"({"state":["present"]})", "state is one of"},
      {"who --proof", R"({"user":["ada","bob"]})", "a proof is for one user"},
      {"last", R"({"min":"long"})", "min: "},
      {"show", R"({"seq":0})", "from 1 on"},
      {"show", R"({})", "seq is missing"},
      {"proof", R"({"seq":"x"})", "seq is not a whole number"},
      {"export", R"({"complete":"chain"})", "complete chain is for one user"},
      {"export", R"({"complete":"half"})", "complete is one of"},
      {"subject export", R"({})", "say who"},
      {"subject export", R"({"user":"ada","number":1})", "say who"},
      {"verify", R"({"checkpoint":"not a note"})", ""},
      {"timeline", R"({"user":"ada","from":"now","to":"-1h"})", "from must be before to"},
      {"concurrency", R"({"slices":0})", "slices is 1 to 5000"},
      {"snapshot rm", R"({})", "say which"},
      {"snapshot create", R"({"keep":0})", "keep is a number from 1 on"}};
  for (const auto& [name, given, sentence] : cases) {
    INFO(name << " " << given);
    const std::string said = fault(name, given);
    CHECK_FALSE(said.empty());
    CHECK(said.find(sentence) != std::string::npos);
  }
  CHECK_FALSE(read_question("rm", {}).has_value());
}

TEST_CASE("the log of reads holds what was asked, without names and words to find", "[replay]") {
  const auto text = [](std::string_view name, std::string_view given) {
    return read_question(name, object(given)).value().text;
  };
  CHECK(text("audit", R"({"user":["ada"],"grep":"secret","since":"2026-01-01","limit":5})") ==
        "audit user=… since=2026-01-01 grep=… limit=5");
  CHECK(text("audit", R"({"match":["description=her illness"],"ip":["10.0.0.7"]})") ==
        "audit ip=… match=…");
  CHECK(text("who", R"({"at":"seq:5","number":[3]})") == "who number=3 at=seq:5");
  CHECK(text("timeline", R"({"user":"ada"})") == "timeline user=…");
}

TEST_CASE("whose history a question is about follows from all that names somebody", "[replay]") {
  const Scratch scratch;
  const auto layout = test::make_store(scratch.path(), 300, 5);
  const auto reader = Reader::open(layout).value();
  const auto name = reader.user_text(3);
  const auto of = [&](std::string_view question, const json::object& given) {
    return read_question(question, given).value().subjects(reader);
  };
  using Users = std::vector<UserNumber>;
  CHECK(of("audit", {{"user", json::array{name}}}) == Users{3});
  CHECK(of("audit", {{"match", json::array{"user=" + name}}}) == Users{3});
  CHECK(of("audit", {{"match", json::array{"user_number=3"}}}) == Users{3});
  CHECK(of("audit", {{"subject", json::array{name}}}) == Users{3});
  CHECK(of("who", {{"number", json::array{3, 3}}}) == Users{3});
  CHECK(of("timeline", {{"user", name}}) == Users{3});
  CHECK(of("subject export", {{"number", 3}}) == Users{3});
  CHECK(of("audit", {}) == Users{});
  // A session's events are its user's.
  Seq login = 0;
  reader.log()
      .scan(1, reader.last(),
            [&](const Header& h, store::ByteView) {
              if (h.kind == engine::Kind::Login && h.user == 3) login = h.seq;
              return login == 0;
            })
      .value();
  REQUIRE(login != 0);
  CHECK(of("audit", {{"session", json::array{login}}}) == Users{3});
  CHECK(of("show", {{"seq", login}}) == Users{3});
}

TEST_CASE("an event that travelled is the event, whatever its kind", "[replay]") {
  const Scratch scratch;
  const auto layout = test::make_store(scratch.path(), 800, 17);
  const auto reader = Reader::open(layout).value();
  std::set<engine::Kind> kinds;
  reader.log()
      .scan(1, reader.last(),
            [&](const Header& h, store::ByteView) {
              kinds.insert(h.kind);
              const EventView here = view_of(reader, h);
              const json::value line = row_to_json(here, EventsAs::Entries);
              const auto there =
                  row_from_json<EventView>(json::parse(json::serialize(line))).value();
              CHECK(store::encode_header(there.header) == store::encode_header(h));
              CHECK(there.body.body == here.body.body);
              CHECK(there.body.state == here.body.state);
              CHECK(json::serialize(to_full_json(there)) == json::serialize(to_full_json(here)));
              return true;
            })
      .value();
  CHECK(kinds.size() >= 5);
}

TEST_CASE("an answer in lines is the answer itself", "[replay]") {
  const Scratch scratch;
  const auto layout = test::make_store(scratch.path(), 500, 23);
  const auto reader = Reader::open(layout).value();
  const Desk desk{layout, &reader, test::kStart + 3600 * test::kSecond};
  SessionsQuestion q;
  q.limit = 7;
  std::vector<std::string> here;
  (void)answer(desk, q, RowSink<SessionsQuestion::Row>([&](const auto& row) {
                 here.push_back(json::serialize(write_value(row)));
                 return true;
               }))
      .value();
  const auto there = asked(layout, "last", R"({"limit":7})");
  REQUIRE(there.rows.size() == here.size());
  for (std::size_t i = 0; i < here.size(); ++i) {
    // Read as a row and written again: nothing is lost on the way.
    const auto row = row_from_json<SessionsQuestion::Row>(there.rows[i]).value();
    CHECK(json::serialize(write_value(row)) == here[i]);
  }
  CHECK(there.end.at("upto").to_number<std::uint64_t>() == reader.last());
}

TEST_CASE("events are paged by their cursor, each once", "[replay]") {
  const Scratch scratch;
  const auto layout = test::make_store(scratch.path(), 300, 29);
  const auto all = asked(layout, "audit", R"({"event":["activity"]})");
  std::vector<std::uint64_t> whole, paged;
  for (const auto& row : all.rows) whole.push_back(row.at("seq").to_number<std::uint64_t>());
  std::string cursor;
  while (true) {
    json::object given{{"event", json::array{"activity"}}, {"limit", 37}};
    if (cursor.empty())
      given["seq"] = "1..";  // from the beginning
    else
      given["after_cursor"] = cursor;
    given["seq"] = "1..";
    if (cursor.empty()) given["after"] = 0;
    const auto page = asked(layout, "audit", json::serialize(given));
    REQUIRE(page.error.empty());
    for (const auto& row : page.rows) paged.push_back(row.at("seq").to_number<std::uint64_t>());
    if (page.rows.empty()) break;
    cursor = std::string(page.end.at("cursor").as_string());
  }
  CHECK(paged == whole);
  // Of another filter it goes on nowhere.
  const auto foreign =
      asked(layout, "audit", json::serialize(json::object{{"after_cursor", cursor}}));
  CHECK(foreign.error == "the cursor belongs to another filter");
}

TEST_CASE("an answer has as many rows as it may have, or says so", "[replay]") {
  const Scratch scratch;
  const auto layout = test::make_store(scratch.path(), 300, 31);
  const auto cut = asked(layout, "audit", "{}", EventsAs::Json, 10);
  CHECK(cut.rows.size() == 10);
  CHECK(cut.error == "the answer has more than 10 rows: ask for less");
  CHECK(asked(layout, "audit", R"({"limit":10})", EventsAs::Json, 10).error.empty());
}

TEST_CASE("files of an answer stay inside their folder", "[replay]") {
  BundleFiles files;
  for (const char* path : {"/etc/passwd", "../x", "a/../../x", "", ".."})
    CHECK_FALSE(take_file({path, "aGk="}, files).has_value());
  CHECK_FALSE(take_file({"a", "no base64!"}, files).has_value());
  CHECK(take_file({"bodies/1", "aGk="}, files).has_value());
  CHECK(files == BundleFiles{{"bodies/1", "hi"}});
}

TEST_CASE("every answer's members are those of its schema", "[replay]") {
  const Scratch scratch;
  const auto layout = test::make_store(scratch.path(), 200, 37);
  for (const auto& [name, given] : std::vector<std::pair<std::string_view, std::string_view>>{
           {"who", R"({"state":["any"],"detail":true})"},
           {"last", "{}"},
           {"audit", "{}"},
           {"audit stats", "{}"},
           {"audit fields", "{}"},
           {"show", R"({"seq":5})"},
           {"store info", "{}"},
           {"checkpoint history", "{}"},
           {"key show", "{}"},
           {"verify", "{}"},
           {"snapshot create", "{}"},
           {"snapshot list", "{}"},
           {"concurrency", R"({"from":"@1700000000","to":"@1700003600"})"}}) {
    INFO(name);
    const auto schemas = schemas_of(name);
    const auto got = asked(layout, name, given);
    REQUIRE(got.error.empty());
    const auto fits = [](const json::object& o, const json::object& schema) {
      const auto& properties = schema.at("properties").as_object();
      for (const auto& member : o) CHECK(properties.contains(member.key()));
      if (const auto* needed = schema.if_contains("required"))
        for (const auto& member : needed->as_array()) CHECK(o.contains(member.as_string()));
    };
    fits(got.end, schemas.summary);
    for (const auto& row : got.rows) fits(row, schemas.row);
  }
}
