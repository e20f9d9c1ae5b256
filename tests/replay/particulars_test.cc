// What events of every kind say of their own, in every form, and how it is asked for.
#include "replay/particulars.h"

#include "replay/attendance.h"
#include "replay/audit.h"
#include "replay/event_json.h"
#include "store/forget.h"
#include "store/govern.h"
#include "store/retention.h"
#include "tests/support/stores.h"

#include <boost/json.hpp>
#include <catch2/catch.hpp>

using namespace rollcall;
using namespace rollcall::replay;
using engine::Cause;
using engine::Kind;
using test::kSecond;
using test::kStart;
using test::Scratch;

namespace {

Header header_of(Kind kind, std::uint64_t a = 0, std::uint64_t b = 0, std::uint64_t c = 0,
                 std::uint64_t d = 0) {
  Header h;
  h.kind = kind;
  h.a = a;
  h.b = b;
  h.c = c;
  h.d = d;
  return h;
}

boost::json::object own(const Header& h) {
  EventView e;
  e.header = h;
  return particulars(e);
}

std::vector<Seq> found(const Reader& reader, const std::string& match) {
  AuditFilter filter;
  add_match(filter, reader, match).value();
  std::vector<Seq> out;
  Audit::prepare(reader, filter)
      .value()
      .run(false,
           [&](const EventView& e) {
             out.push_back(e.header.seq);
             return true;
           })
      .value();
  return out;
}

/// ada and bob, both in presence-lobby; ada's history was read twice.
struct Office {
  Scratch scratch;
  std::unique_ptr<store::Writer> writer =
      store::Writer::create(test::layout_in(scratch.path()), "rollcall.test/log").value();
  Seq joined = 0, left = 0, read = 0, other_read = 0;

  Office() {
    for (const char* name : {"ada", "bob"}) {
      store::Proposal login;
      login.kind = Kind::Login;
      login.user = name;
      (void)writer->write(login, kStart).value();
    }
    const auto lobby = *writer->channel_id("presence-lobby", kStart).value();
    store::Proposal come;
    come.kind = Kind::Joined;
    come.user = "ada";
    come.a = lobby;
    come.b = (std::uint64_t{0} << 32) | 3;
    joined = writer->write(come, kStart + kSecond).value().seq;
    come.kind = Kind::Left;
    left = writer->write(come, kStart + 2 * kSecond).value().seq;
    read = note("ada", R"({"what":"timeline","by":"auditors"})");
    other_read = note("bob", R"({"question":"audit -u bob","reader":"eve"})");
  }
  Seq note(const char* subject, const char* detail) {
    store::Proposal p;
    p.kind = Kind::HistoryRead;
    p.a = *writer->vault().number_of(subject);
    p.body.reason = "case 7";
    p.body.detail = detail;
    return writer->write(p, kStart + 3 * kSecond).value().seq;
  }
  [[nodiscard]] Reader reader() const { return Reader::open(writer->layout()).value(); }
  [[nodiscard]] EventView view(const Reader& reader, Seq seq) const {
    return view_of(reader, *reader.log().header(seq).value());
  }
};

}  // namespace

TEST_CASE("coming and going names the channel, a read who read whose history", "[replay]") {
  const Office office;
  const auto reader = office.reader();
  for (const Seq seq : {office.joined, office.left}) {
    const auto json = to_full_json(office.view(reader, seq));
    CHECK(json.at("channel") == "presence-lobby");
    CHECK(json.at("channel_number") == 1);
    CHECK(json.at("node_epoch") == 3);
  }
  const auto read = to_full_json(office.view(reader, office.read));
  CHECK(read.at("subject") == "ada");
  CHECK(read.at("subject_number") == 1);
  CHECK(read.at("reader") == "auditors");
  CHECK(read.at("question") == "timeline");
  const auto other = to_full_json(office.view(reader, office.other_read));
  CHECK(other.at("reader") == "eve");
  CHECK(other.at("question") == "audit -u bob");
  // In the rows of other tools, too.
  const auto view = office.view(reader, office.joined);
  CHECK(to_activitylog4(view).at("properties").at("channel") == "presence-lobby");
  CHECK(to_activitylog5(view).at("properties").at("channel") == "presence-lobby");
  CHECK(to_owenit(view).at("new_values").at("channel") == "presence-lobby");
}

TEST_CASE("particulars are filtered by, alone or by their options", "[replay]") {
  const Office office;
  const auto reader = office.reader();
  using Seqs = std::vector<Seq>;
  CHECK(found(reader, "reader=auditors") == Seqs{office.read});
  CHECK(found(reader, "subject=bob") == Seqs{office.other_read});
  CHECK(found(reader, "question=timeline") == Seqs{office.read});
  const auto naming = found(reader, "kind=channel_named");
  CHECK(found(reader, "channel=presence-lobby") == Seqs{naming[0], office.joined, office.left});
  CHECK(found(reader, "presence-lob") == Seqs{naming[0], office.joined, office.left});
  const auto run = [&](const AuditFilter& filter) {
    Seqs out;
    Audit::prepare(reader, filter)
        .value()
        .run(true,
             [&](const EventView& e) {
               out.push_back(e.header.seq);
               return true;
             })
        .value();
    return out;
  };
  AuditFilter channel, subject, by;
  channel.channels = {1};
  CHECK(run(channel) == Seqs{office.left, office.joined, naming[0]});
  subject.subjects = {1};
  CHECK(run(subject) == Seqs{office.read});
  by.readers = {"eve"};
  CHECK(run(by) == Seqs{office.other_read});
  CHECK(channel.digest() != AuditFilter{}.digest());
  CHECK(subject.digest() != AuditFilter{}.digest());
  CHECK(by.digest() != AuditFilter{}.digest());
}

TEST_CASE("every kind tells its own fields", "[replay]") {
  CHECK(own(header_of(Kind::LinkUp, 12, (std::uint64_t{2} << 32) | 5)) ==
        boost::json::object{{"connection", 12}, {"node", 2}, {"node_epoch", 5}});
  const auto down = own(
      header_of(Kind::NodeDown, (std::uint64_t{1} << 32) | 4, static_cast<std::uint64_t>(kStart)));
  CHECK(down.at("node") == 1);
  CHECK(down.at("last_heard") == "2023-11-14T22:13:20.000000Z");
  Header status = header_of(Kind::StatusSet, static_cast<std::uint64_t>(kStart));
  status.flags = 1 | engine::flag::kDoNotDisturb;
  CHECK(own(status) == boost::json::object{{"shown_as", "away"},
                                           {"do_not_disturb", true},
                                           {"until", "2023-11-14T22:13:20.000000Z"}});
  Header policy = header_of(Kind::PolicySet);
  engine::write_policy({}, policy);
  CHECK(own(policy).at("idle_after_s") == 300);
  CHECK(own(policy).at("grace_node_s") == 30);
  CHECK(own(policy).at("sessions_max") == 10);
  const auto step = own(header_of(Kind::ClockStep, static_cast<std::uint64_t>(-kSecond),
                                  static_cast<std::uint64_t>(7'199 * kSecond)));
  CHECK(step.at("step_s") == 7200);
  CHECK(step.at("offset_before_s") == -1);
  CHECK(own(header_of(Kind::EraseRequested, 9, 31, 1)) ==
        boost::json::object{{"subject_number", 9}, {"events", 31}, {"with_mentions", true}});
  CHECK(own(header_of(Kind::UserErased, 31, 77)) ==
        boost::json::object{{"events", 31}, {"request_seq", 77}});
  CHECK(own(header_of(Kind::HoldSet, 9)).at("subject_number") == 9);
  CHECK(own(header_of(Kind::HoldReleased, 9)).at("subject_number") == 9);
  const auto kind = static_cast<std::uint64_t>(Kind::Activity);
  CHECK(own(header_of(Kind::RetentionApplied, kind, 90, 1)) ==
        boost::json::object{{"of_kind", "activity"}, {"retention", "rule"}, {"keep_s", 90}});
  CHECK(own(header_of(Kind::RetentionApplied, kind, 90, 0, 412)) ==
        boost::json::object{
            {"of_kind", "activity"}, {"retention", "applied"}, {"keep_s", 90}, {"up_to_seq", 412}});
  CHECK(own(header_of(Kind::RetentionApplied, kind, 0, 2, 411)) ==
        boost::json::object{{"of_kind", "activity"}, {"retention", "one"}, {"of_seq", 411}});
  CHECK(own(header_of(Kind::ImportBegan, 1, 2, 3, 0xFF)).at("file_sha256") ==
        "00000000000000010000000000000002000000000000000300000000000000ff");
  CHECK(own(header_of(Kind::ImportEnded, 55)).at("lines") == 55);
  CHECK(own(header_of(Kind::LogContinued, 1000)).at("former_size") == 1000);
  CHECK(own(header_of(Kind::StateDigest, 99, 4)) ==
        boost::json::object{{"covers_seq", 99}, {"reducer", 4}});
  CHECK(own(header_of(Kind::ActionNamed, 3)).at("action_number") == 3);
  Header idle = header_of(Kind::Inactivity, 1, static_cast<std::uint64_t>(kStart));
  CHECK(own(idle).at("last_activity") == "2023-11-14T22:13:20.000000Z");
  Header grace = header_of(Kind::Logout, 6);
  CHECK(own(grace).empty());
  grace.cause = Cause::GraceExpired;
  CHECK(own(grace).at("basis") == 6);
  Header about = header_of(Kind::Activity, 7, 2);
  about.flags = engine::flag::kTargetIsUser;
  CHECK(own(about) == boost::json::object{{"subject_number", 7}, {"producer_no", 2}});
  // Whatever the bits: names that are known, times that can be written, nothing thrown.
  const auto& names = particular_names();
  for (int k = 0; k < 256; ++k)
    for (const std::uint64_t bits : {std::uint64_t{0}, std::uint64_t{1}, ~std::uint64_t{0}}) {
      Header h = header_of(static_cast<Kind>(k), bits, bits, bits, bits);
      h.cause = Cause::Expired;
      h.flags = 0xFFFF;
      for (const auto& [key, value] : own(h))
        CHECK(std::find(names.begin(), names.end(), key) != names.end());
    }
}

TEST_CASE("a number means a person whatever others are called", "[replay]") {
  const Scratch scratch;
  const auto layout = test::layout_in(scratch.path());
  const auto writer = store::Writer::create(layout, "rollcall.test/log").value();
  const auto login = [&](const char* name) {
    store::Proposal p;
    p.kind = Kind::Login;
    p.user = name;
    return writer->write(p, kStart).value().header.user;
  };
  const auto gone = login("gone");
  (void)store::forget(*writer, store::plan_forget(*writer, gone), {"asked", "", false}, kStart)
      .value();
  const auto impostor = login("#1");
  REQUIRE(gone == 1);
  REQUIRE(impostor == 2);
  const auto reader = Reader::open(layout).value();
  CHECK(reader.find_user("#1").value() == impostor);
  CHECK(reader.find_user("#2").error().code == Errc::NotFound);
  CHECK(reader.find_number(1).value() == gone);
  CHECK(reader.find_number(2).value() == impostor);
  for (const std::uint64_t nobody :
       {std::uint64_t{0}, std::uint64_t{3}, std::uint64_t{1} << 32, (std::uint64_t{1} << 32) + 1})
    CHECK(reader.find_number(nobody).error().code == Errc::NotFound);
  CHECK(store::find_user(*writer, {"#1", {}}).value() == impostor);
  CHECK(store::find_user(*writer, {{}, 1}).value() == gone);
  CHECK(store::find_user(*writer, {"#2", {}}).error().code == Errc::NotFound);
  CHECK(store::find_user(*writer, {{}, 3}).error().code == Errc::NotFound);
  CHECK(store::find_user(*writer, {"#1", 1}).error().code == Errc::BadInput);
  CHECK(store::find_user(*writer, {}).error().code == Errc::BadInput);
  CHECK(found(reader, "user=#1").size() == 2);
  CHECK(found(reader, "user_number=1") != found(reader, "user=#1"));
}
