// Whom events can be about: nobody without a name, and nobody who is not there.
#include "store/writer.h"
#include "tests/support/stores.h"

#include <catch2/catch.hpp>

using namespace rollcall;
using engine::Kind;
using store::Errc;
using store::Proposal;
using store::Writer;
using test::kStart;

TEST_CASE("what only a user does is refused without one, and for the app itself", "[store]") {
  const test::Scratch scratch;
  const auto w = Writer::create(test::layout_in(scratch.path())).value();
  for (const Kind kind :
       {Kind::Login, Kind::Logout, Kind::Inactivity, Kind::LinkUp, Kind::LinkDown, Kind::StatusSet,
        Kind::StatusCleared, Kind::Joined, Kind::Left, Kind::UserErased}) {
    INFO(engine::name_of(kind));
    Proposal p;
    p.kind = kind;
    CHECK(w->stage(p, kStart).error().code == Errc::BadInput);
    p.number = 7;
    CHECK(w->stage(p, kStart).error().code == Errc::NotFound);
  }
  CHECK(w->state().seq == 0);
  CHECK(w->state().sessions.empty());
}

TEST_CASE("a name that is none is refused, and nobody is enrolled", "[store]") {
  const test::Scratch scratch;
  const auto w = Writer::create(test::layout_in(scratch.path())).value();
  const std::vector<std::string> names{
      "a\x01"
      "b",
      "tab\t",
      "\x7f",
      "bad \xff",
      std::string("nul\0", 4),
      std::string(257, 'x')};
  for (const std::string& name : names) {
    Proposal p;
    p.kind = Kind::Login;
    p.user = name;
    CHECK(w->stage(p, kStart).error().code == Errc::BadInput);
  }
  CHECK(w->vault().users() == 1);
  Proposal app;  // what no user does has no user: the app itself
  app.kind = Kind::AliveMark;
  CHECK(w->stage(app, kStart).value().header.user == 0);
}
