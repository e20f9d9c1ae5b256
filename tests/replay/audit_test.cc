// Audit queries against a plain walk over all events; cursors; the formats of other tools.
#include "replay/audit.h"

#include "replay/event_json.h"
#include "store/bytes/files.h"
#include "store/log/newest_events.h"
#include "store/open_store.h"
#include "tests/support/stores.h"

#include <boost/json.hpp>
#include <catch2/catch.hpp>

using namespace rollcall;
using namespace rollcall::replay;
using test::Scratch;

namespace {

std::vector<Seq> found(const Reader& reader, AuditFilter filter, bool back = false) {
  std::vector<Seq> out;
  Audit::prepare(reader, std::move(filter))
      .value()
      .run(back,
           [&](const EventView& e) {
             out.push_back(e.header.seq);
             return true;
           })
      .value();
  return out;
}

std::vector<Seq> plain(const Reader& reader, const std::function<bool(const EventView&)>& wanted) {
  std::vector<Seq> out;
  reader.log()
      .scan(1, reader.last(),
            [&](const Header& h, store::ByteView) {
              if (wanted(view_of(reader, h))) out.push_back(h.seq);
              return true;
            })
      .value();
  return out;
}

}  // namespace

TEST_CASE("every filter gives what a plain walk gives", "[replay]") {
  const Scratch scratch;
  const auto layout = test::make_store(scratch.path(), 1500, 61);
  const auto reader = Reader::open(layout).value();
  const auto with = [&](const std::string& match) {
    AuditFilter f;
    add_match(f, reader, match).value();
    return found(reader, f);
  };
  CHECK(with("action=order.updated") ==
        plain(reader, [](const auto& e) { return e.action == "order.updated"; }));
  CHECK(with("target_id=7") ==
        plain(reader, [](const auto& e) { return e.body.body.target_id == "7"; }));
  CHECK(with("target=order:7") == plain(reader, [](const auto& e) {
          return e.body.body.target_type == "order" && e.body.body.target_id == "7";
        }));
  CHECK(with("changes.attributes.state=paid") ==
        plain(reader, [](const auto& e) { return !e.body.body.changes.empty(); }));
  CHECK(with("kind=login") ==
        plain(reader, [](const auto& e) { return e.header.kind == engine::Kind::Login; }));
  CHECK(with("text 77 ") == plain(reader, [](const auto& e) {
          return e.body.body.description.find("text 77 ") != std::string::npos;
        }));
  CHECK(with("action=no.such").empty());
  AuditFilter f;
  CHECK_FALSE(add_match(f, reader, "nosuch=1"));
  AuditFilter ip;
  ip.addresses = {"10.1.0.3"};
  CHECK(found(reader, ip) ==
        plain(reader, [](const auto& e) { return e.body.body.address == "10.1.0.3"; }));
  ip.addresses = {"10.1.*"};
  CHECK(found(reader, ip) ==
        plain(reader, [](const auto& e) { return e.body.body.address.starts_with("10.1."); }));
  AuditFilter re;
  re.pattern = "^text [0-9]7 of";
  CHECK_FALSE(found(reader, re).empty());
  AuditFilter user;
  user.users = {*reader.vault()->number_of("user-3")};
  auto forward = found(reader, user);
  auto back = found(reader, user, true);
  std::reverse(back.begin(), back.end());
  CHECK(forward == back);
  user.causer_only = true;
  CHECK(found(reader, user).size() < forward.size());
}

TEST_CASE("pages by cursor are the whole answer, each event once", "[replay]") {
  const Scratch scratch;
  const auto layout = test::make_store(scratch.path(), 800, 62);
  const auto reader = Reader::open(layout).value();
  AuditFilter filter;
  filter.kinds = {engine::Kind::Activity};
  const auto whole = found(reader, filter);
  std::vector<Seq> paged;
  std::string cursor;
  while (true) {
    AuditFilter page = filter;
    if (!cursor.empty()) page.from = read_cursor(reader, filter, cursor).value() + 1;
    std::vector<Seq> part;
    Audit::prepare(reader, page)
        .value()
        .run(false,
             [&](const EventView& e) {
               part.push_back(e.header.seq);
               return part.size() < 37;
             })
        .value();
    if (part.empty()) break;
    paged.insert(paged.end(), part.begin(), part.end());
    cursor = make_cursor(reader, filter, part.back()).value();
  }
  CHECK(paged == whole);
}

TEST_CASE("a cursor of another log or filter is an error, and so is one made up", "[replay]") {
  const Scratch scratch;
  const auto reader = Reader::open(test::make_store(scratch.path() / "a", 100, 63)).value();
  store::Writer::create(test::layout_in(scratch.path() / "b"), "rollcall.test/other").value();
  const auto other = Reader::open(test::layout_in(scratch.path() / "b")).value();
  AuditFilter filter, another;
  another.kinds = {engine::Kind::Login};
  const std::string cursor = make_cursor(reader, filter, 10).value();
  CHECK(read_cursor(reader, filter, cursor).value() == 10);
  CHECK(read_cursor(reader, another, cursor).error().code == Errc::CursorForeign);
  CHECK(read_cursor(other, filter, cursor).error().code == Errc::CursorForeign);
  CHECK(read_cursor(reader, filter, "rubbish").error().code == Errc::CursorMalformed);
  for (std::size_t i = 0; i < cursor.size(); ++i) {
    std::string changed = cursor;
    changed[i] = changed[i] == 'A' ? 'B' : 'A';
    CHECK_FALSE(read_cursor(reader, filter, changed));
  }
}

TEST_CASE("a cursor belongs to the question as it was asked, not to what it came to", "[replay]") {
  const Scratch scratch;
  const auto reader = Reader::open(test::make_store(scratch.path(), 100, 64)).value();
  constexpr Micros kNow = test::kStart + 40 * test::kSecond, kLater = kNow + 3600 * test::kSecond;
  AuditFilter early, late, other;
  // The same words an hour later: other events, the same question.
  early.range_asked = "since " + asked_moment("-3s", kNow);
  early.from = 5;
  late.range_asked = "since " + asked_moment(" -3s ", kLater);
  late.from = 50;
  other.range_asked = "since " + asked_moment("-4s", kNow);
  const std::string cursor = make_cursor(reader, early, 10).value();
  CHECK(read_cursor(reader, late, cursor).value() == 10);
  CHECK(read_cursor(reader, other, cursor).error().code == Errc::CursorForeign);
  CHECK(read_cursor(reader, AuditFilter{}, cursor).error().code == Errc::CursorForeign);
  for (const char* relative : {"today", "yesterday 10:00", "now", "-2h", "2 hours ago", "recent",
                               "this-week", "this-month", "10:00"})
    CHECK(asked_moment(relative, kNow) == relative);
  // What is absolute is what it means, in whatever words.
  for (const char* words :
       {"2026-01-14T10:00:00Z", "2026-01-14 10:00", "2026-01-14T11:00:00+01:00", "@1768384800"})
    CHECK(asked_moment(words, kNow) == "@1768384800000000");
  CHECK(asked_moment("2100-01-01", kNow) == asked_moment("2100-01-01", kLater));
  CHECK(asked_moment("seq:5", kNow) == "seq:5");
  // A question without a range has the cursor it had in earlier versions.
  CHECK(store::hex(AuditFilter{}.digest()).substr(0, 16) == "88b04a9ece07215e");
}

TEST_CASE("events are shown in the rows that other tools know", "[replay]") {
  const Scratch scratch;
  const auto layout = test::layout_in(scratch.path());
  const auto writer = store::Writer::create(layout, "rollcall.test/log").value();
  store::Proposal p;
  p.kind = engine::Kind::Activity;
  p.user = "ada";
  p.action = "order.updated";
  p.body.target_type = "App\\Models\\Order";
  p.body.target_id = "7";
  p.body.description = "paid the order";
  p.body.properties = R"({"channel":"web"})";
  p.body.changes = R"({"attributes":{"state":"paid","n":2},"old":{"state":"open"}})";
  p.body.batch = "req-1";
  p.body.address = "10.1.0.7";
  const auto written = writer->write(p, test::kStart).value();
  const auto reader = Reader::open(layout).value();
  const auto event = view_of(reader, written.header);
  CHECK(diff_lines(event) ==
        std::vector<std::string>{"n: (none) \xE2\x86\x92 2", "state: open \xE2\x86\x92 paid"});
  const auto v4 = to_activitylog4(event);
  CHECK(v4.at("properties").at("attributes").at("state") == "paid");
  CHECK(v4.at("properties").at("channel") == "web");
  CHECK(v4.at("batch_uuid") == "req-1");
  CHECK(v4.at("event") == "updated");
  CHECK(v4.at("causer_id") == "ada");
  const auto v5 = to_activitylog5(event);
  CHECK(v5.at("attribute_changes").at("old").at("state") == "open");
  CHECK_FALSE(v5.contains("batch_uuid"));
  const auto owen = to_owenit(event);
  CHECK(owen.at("old_values").at("state") == "open");
  CHECK(owen.at("new_values").at("n") == 2);
  CHECK(owen.at("ip_address") == "10.1.0.7");
}

TEST_CASE("a pattern is looked for in whole texts, and in each of them", "[replay]") {
  const Scratch scratch;
  const auto layout = test::layout_in(scratch.path());
  const auto writer = store::Writer::create(layout, "rollcall.test/log").value();
  const auto write = [&](const std::string& description, const std::string& agent) {
    store::Proposal p;
    p.kind = engine::Kind::Activity;
    p.user = "ada";
    p.action = "note.added";
    p.body.description = description;
    p.body.agent = agent;
    return writer->write(p, test::kStart).value().header.seq;
  };
  const std::string filler(20'000, 'a');
  const Seq at_the_end = write(filler + " the needle", "web");
  const Seq without = write(filler + "!", "web");
  const Seq in_agent = write("short", "needle/1.0");
  const auto reader = Reader::open(layout).value();
  const auto with = [&](const std::string& pattern) {
    AuditFilter f;
    f.pattern = pattern;
    return found(reader, f);
  };
  CHECK(with("needle") == std::vector<Seq>{at_the_end, in_agent});
  CHECK(with("needle$") == std::vector<Seq>{at_the_end});
  CHECK(with("^(a+)+$").empty());
  CHECK(with("^(a+)+!$") == std::vector<Seq>{without});
  AuditFilter f;
  f.pattern = "(?=a)";
  const auto refused = Audit::prepare(reader, f);
  REQUIRE_FALSE(refused.has_value());
  CHECK(refused.error().code == Errc::BadInput);
  CHECK(refused.error().detail.starts_with("-g: '(?=a)' has a lookahead at character 1"));
}

TEST_CASE("a person's newest events are walked to, and are those that a search finds",
          "[replay][property]") {
  const std::uint64_t seed = test::test_seed();
  INFO("reproduce with ROLLCALL_SEED=" << seed);
  std::mt19937_64 rng{seed};
  const Scratch scratch;
  const auto layout = test::make_store(scratch.path(), 1500, seed % 1000);
  {  // as of some moment; what comes after is searched
    const auto writer = store::open_store(layout).value();
    for (int i = 0; i < 40; ++i) {  // to whom nobody ever did anything
      store::Proposal p;
      p.kind = engine::Kind::Activity;
      p.user = "alone-" + std::to_string(i % 3);
      p.action = "message.posted";
      writer->write(p, writer->state().at + 1).value();
    }
    store::NewestEvents::write(layout, writer->log(), writer->state(), writer->census()).value();
    test::fill(*writer, 200, seed % 1000 + 1, writer->state().at);
  }
  const auto newest_file = layout.newest();
  const std::string good = test::slurp(newest_file);
  const auto reader = Reader::open(layout).value();
  const auto newest = store::NewestEvents::open(layout, reader.log());
  REQUIRE(newest);
  CHECK(newest->as_of() < reader.last());
  CHECK(newest->whole());
  bool walked = false;
  for (UserNumber user = 1; user < reader.vault()->users(); ++user) {
    const auto of = newest->of(user);
    REQUIRE(of);
    walked |= of->mention == 0;
    for (int round = 0; round < 6; ++round) {
      AuditFilter filter;
      filter.users = {user};
      if (round > 0) {
        filter.from = 1 + test::below(rng, reader.last());
        filter.to = test::below(rng, reader.last() + 10);
        filter.causer_only = test::below(rng, 2) == 0;
        if (test::below(rng, 3) == 0) filter.kinds = {engine::Kind::Login};
      }
      auto forwards = found(reader, filter);
      std::reverse(forwards.begin(), forwards.end());
      INFO("user #" << user << " from " << filter.from << " to " << filter.to);
      REQUIRE(found(reader, filter, true) == forwards);
    }
  }
  CHECK(walked);
  // Whatever is wrong with the file, the answer stays.
  AuditFilter filter;
  filter.users = {reader.find_user("alone-1").value()};
  const auto right = found(reader, filter, true);
  CHECK(right.size() >= 13);
  for (int round = 0; round < 60; ++round) {
    std::string flipped = good;
    const auto at = round == 0 ? flipped.size() - 1 : test::below(rng, flipped.size());
    flipped[at] = static_cast<char>(flipped[at] ^ (1 << test::below(rng, 8)));
    if (round > 50) flipped.resize(at);
    store::replace_file(newest_file, flipped).value();
    REQUIRE(found(reader, filter, true) == right);
  }
  std::filesystem::remove(newest_file);
  CHECK(found(reader, filter, true) == right);
}
