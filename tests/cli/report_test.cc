// rollcall report as pictures and pages: well-formed whatever people are called, signed in the foot
// if the log is, and refused for what has no picture.
#include "tests/support/process.h"
#include "tests/support/stores.h"

#include <boost/property_tree/xml_parser.hpp>
#include <catch2/catch.hpp>

#include <sstream>

using namespace rollcall;
using test::run_rollcall;
using test::Scratch;

namespace {

bool holds(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

/// Throws if it is no XML.
boost::property_tree::ptree parsed(const std::string& text) {
  std::istringstream in(text);
  boost::property_tree::ptree out;
  boost::property_tree::read_xml(in, out);
  return out;
}

const std::vector<std::string> kReports{"presence", "sessions", "attendance", "concurrency",
                                        "heatmap"};
const std::string kHostile = "<script>\"&'\xE2\x80\xAE\xEF\xBF\xBE]]> é";

void make_some(const std::filesystem::path& dir) {
  for (const std::string& user : {std::string("ada"), kHostile}) {
    REQUIRE(run_rollcall(dir, {"login", user, "--address", "<10.1.0.7>"}).code == 0);
    REQUIRE(run_rollcall(dir, {"logout", user}).code == 0);
  }
  REQUIRE(run_rollcall(dir, {"login", "bob"}).code == 0);
}

}  // namespace

TEST_CASE("every report is a picture and a page, well-formed whatever people are called",
          "[cli][report]") {
  const Scratch scratch;
  const auto& dir = scratch.path();
  make_some(dir);
  for (const auto& report : kReports) {
    INFO(report);
    const auto svg = run_rollcall(dir, {"report", report, "-o", "svg", "--tz", "Asia/Kolkata"});
    CHECK(svg.code == 0);
    CHECK(svg.err.empty());
    const auto picture = parsed(svg.out);
    CHECK(picture.get<std::string>("svg.<xmlattr>.role") == "img");
    CHECK(holds(picture.get<std::string>("svg.title"), "(Asia/Kolkata)"));
    CHECK_FALSE(picture.get<std::string>("svg.desc").empty());
    CHECK(holds(svg.out, "prefers-color-scheme:dark"));
    const auto page = run_rollcall(dir, {"report", report, "-o", "html"});
    CHECK(page.code == 0);
    CHECK(page.out.starts_with("<!DOCTYPE html>\n"));
    CHECK(holds(page.out, "<svg "));
    CHECK(holds(page.out, "Unsigned: no checkpoint"));
    CHECK_FALSE(holds(page.out, "<script"));
    CHECK_FALSE(holds(page.out, "src="));
    const auto html = parsed(page.out);
    CHECK(html.get_child("html.body.main").count("table") == 1);
    for (const auto* out : {&svg.out, &page.out})
      if (report == "presence" || report == "sessions")
        CHECK(holds(*out, "&lt;script&gt;&quot;&amp;'\\u202e\xEF\xBF\xBD]]&gt;"));
  }
}

TEST_CASE("a page has in its foot the checkpoint that signs the log", "[cli][report]") {
  const Scratch scratch;
  const auto& dir = scratch.path();
  make_some(dir);
  REQUIRE(run_rollcall(dir, {"checkpoint", "sign"}).code == 0);
  const auto note = run_rollcall(dir, {"checkpoint", "show"}).out;
  auto page = run_rollcall(dir, {"report", "presence", "--by", "user,day", "-o", "html"}).out;
  CHECK(holds(page, "covers all of them:"));
  CHECK(holds(page, "<pre>" + note + "</pre>"));
  REQUIRE(run_rollcall(dir, {"logout", "bob"}).code == 0);
  page = run_rollcall(dir, {"report", "heatmap", "-o", "html"}).out;
  CHECK(holds(page, "; the last 1 are not signed:"));
}

TEST_CASE("a report on a terminal has bars, and the week is a grid", "[cli][report]") {
  const Scratch scratch;
  const auto& dir = scratch.path();
  REQUIRE(run_rollcall(dir, {"login", "ada"}).code == 0);
  for (const auto& report : kReports) {
    INFO(report);
    CHECK(run_rollcall(dir, {"report", report}).code == 0);
    CHECK(run_rollcall(dir, {"report", report, "-o", "csv"}).code == 0);
  }
  const auto grid = run_rollcall(dir, {"report", "heatmap"}).out;
  for (const char* day : {"Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"})
    CHECK(holds(grid, std::string("\n") + day + " "));
  CHECK(holds(grid, "by the clocks of UTC"));
  const auto table = run_rollcall(dir, {"report", "heatmap", "--fields", "weekday,hour"}).out;
  CHECK(std::count(table.begin(), table.end(), '\n') == 169);
  const auto hours = run_rollcall(dir, {"report", "presence", "-U", "tomorrow"});
  CHECK(holds(hours.out, "UNKNOWN"));
  CHECK(holds(hours.out, "?"));
  CHECK(holds(hours.err, "the log ends at"));
}

TEST_CASE("what has no picture refuses one, and a wrong zone is named", "[cli][report]") {
  const Scratch scratch;
  const auto& dir = scratch.path();
  REQUIRE(run_rollcall(dir, {"login", "ada"}).code == 0);
  for (const std::vector<std::string>& words : std::vector<std::vector<std::string>>{
           {"who", "-o", "svg"},
           {"audit", "-o", "html"},
           {"timeline", "-o", "svg"},
           {"verify", "-o", "html"},
           {"report", "heatmap", "-o", "raw"},
           {"report", "heatmap", "-o", "svg", "--fields", "hour"},
           {"report", "presence", "--tz", "Europe/Berln"},
           {"report", "presence", "--tz", "../../etc/passwd"},
           {"report", "presence", "--by", "room"},
           {"report", "concurrency", "--by", "hour,day"},
           {"report", "sessions", "-S", "today", "-U", "yesterday"},
           {"report"}}) {
    INFO(words[0] << " " << words.back());
    const auto refused = run_rollcall(dir, words);
    CHECK(refused.code == 2);
    CHECK(refused.out.empty());
    CHECK(std::count(refused.err.begin(), refused.err.end(), '\n') == 1);
  }
  CHECK(holds(run_rollcall(dir, {"report", "presence", "--tz", "Europe/Berln"}).err,
              "there is no time zone 'Europe/Berln'"));
  CHECK(holds(run_rollcall(dir, {"who", "-o", "svg"}).err, "'who' answers in short, wide"));
}
