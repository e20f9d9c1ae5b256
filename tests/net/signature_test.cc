// What is checked of a signed request is what was signed, however its query is written.
#include "net/wire/pusher_signature.h"
#include "tests/support/scratch.h"

#include <catch2/catch.hpp>

using namespace rollcall;
using namespace rollcall::net;

namespace {

const std::string kKey = "278d425bdf160c739803", kSecret = "7ad3773142a6692b25b8";
constexpr std::int64_t kThen = 1'353'088'179, kNow = kThen + 86'400;
const std::string kOldBody = R"({"name":"foo","channel":"c","data":"1"})",
                  kNewBody = R"({"name":"foo","channel":"c","data":"forged"})";

/// Signed as a server library does it.
std::string sign(const std::string& method, const std::string& path, Parameters parameters,
                 const std::string& body, std::int64_t at) {
  parameters["auth_key"] = kKey;
  parameters["auth_timestamp"] = std::to_string(at);
  parameters["auth_version"] = "1.0";
  if (!body.empty()) parameters["body_md5"] = md5_hex(body);
  std::string query;
  for (const auto& [name, value] : parameters)
    query += (query.empty() ? "" : "&") + name + "=" + percent_encode(value);
  return query + "&auth_signature=" + hmac_hex(kSecret, signed_text(method, path, parameters));
}

}  // namespace

TEST_CASE("a captured request, written anew around what was signed, is refused", "[net]") {
  const std::string captured = sign("POST", "/apps/3/events", {}, kOldBody, kThen);
  CHECK(signed_parameters({"POST", "/apps/3/events", captured, kOldBody}, kKey, kSecret, kThen)
            .has_value());
  const std::string old = "auth_timestamp=" + std::to_string(kThen),
                    fresh = "auth_timestamp=" + std::to_string(kNow),
                    md5 = "body_md5=" + md5_hex(kOldBody), forged = "body_md5=" + md5_hex(kNewBody);
  const std::string signature = captured.substr(captured.find("auth_signature="));
  const std::string rest = "auth_key=" + kKey + "&auth_version=1.0&";
  std::string upper_old = old, upper_md5 = md5;
  upper_old.replace(0, 14, "AUTH_TIMESTAMP");
  upper_md5.replace(0, 8, "BODY_MD5");
  const auto array = [](std::string parameter, const std::string& index) {
    return parameter.insert(parameter.find('='), index);
  };
  for (const std::string& query :
       {rest + fresh + "&" + forged + "&" + upper_old + "&" + upper_md5 + "&" + signature,
        rest + upper_old + "&" + upper_md5 + "&" + fresh + "&" + forged + "&" + signature,
        rest + fresh + "&" + forged + "&" + old + "&" + md5 + "&" + signature,
        rest + old + "&" + md5 + "&" + fresh + "&" + forged + "&" + signature,
        rest + fresh + "&" + forged + "&" + array(old, "[]") + "&" + array(md5, "[]") + "&" +
            signature,
        rest + array(old, "[0]") + "&" + array(md5, "[0]") + "&" + fresh + "&" + forged + "&" +
            signature,
        rest + array(old, "[]") + "&" + array(md5, "[]") + "&" + signature,
        // Two parameters in one: names and values are signed unescaped.
        "auth_key=" + kKey + "%26" + old + "&auth_version=1.0&" + forged + "&" + signature,
        "auth_key=" + kKey + "&auth_timestamp%3D" + std::to_string(kThen) + "%26auth_version=1.0&" +
            forged + "&" + fresh + "&" + signature,
        rest + fresh + "&" + forged + "&auth_signature=x&" + signature,
        rest + fresh + "&" + forged + "&AUTH_SIGNATURE=x&" + signature,
        rest + upper_old + "&" + upper_md5 + "&" + signature}) {
    INFO(query);
    CHECK_FALSE(signed_parameters({"POST", "/apps/3/events", query, kNewBody}, kKey, kSecret, kNow)
                    .has_value());
  }
  // A line feed in the path would move what follows it into what was signed.
  const std::string moved = sign("GET", "/apps/3/x\ny", {}, "", kThen);
  CHECK_FALSE(
      signed_parameters({"GET", "/apps/3/x%0Ay", moved, ""}, kKey, kSecret, kThen).has_value());
}

TEST_CASE("a parameter occurs once, whatever its case; arrays are lists", "[net]") {
  const auto read = [](const Query& query) { return canonical(query); };
  CHECK(read({{"A", "1"}, {"b", "2"}}).value() == Parameters{{"a", "1"}, {"b", "2"}});
  CHECK(read({{"info[]", "a"}, {"info[]", "b"}}).value() == Parameters{{"info", "a,b"}});
  CHECK(read({{"info[0]", "a"}, {"info[1]", "b"}}).value() == Parameters{{"info", "a,b"}});
  CHECK(read({{"x", "R&D"}, {"y", "a=b"}}).value() == Parameters{{"x", "R&D"}, {"y", "a=b"}});
  for (const Query& query : std::vector<Query>{{{"a", "1"}, {"a", "1"}},
                                               {{"a", "1"}, {"A", "1"}},
                                               {{"info", "a"}, {"info[]", "b"}},
                                               {{"info[]", "a"}, {"Info", "b"}},
                                               {{"info[0]", "a"}, {"info[0]", "b"}},
                                               {{"auth_key[]", "a"}},
                                               {{"Body_MD5[0]", "a"}},
                                               {{"", "a"}},
                                               {{"[]", "a"}},
                                               {{"a=b", "c"}},
                                               {{"a&b", "c"}},
                                               {{"a", "1&b=2"}},
                                               {{"a[]", "1&b"}, {"a[]", "c=2"}}})
    CHECK_FALSE(read(query).has_value());
}

TEST_CASE("a signed query that is written otherwise says the same or nothing", "[net][property]") {
  const std::uint64_t seed = test::test_seed();
  INFO("reproduce with ROLLCALL_SEED=" << seed);
  std::mt19937_64 rng{seed};
  const std::vector<std::string> names{"info",     "filter_by_prefix", "auth_timestamp", "auth_key",
                                       "body_md5", "auth_version",     "auth_signature", "x"},
      values{"1",   "a,b", "presence-", std::to_string(kNow), md5_hex(kNewBody), "",
             "a&b", "a=b", "x&y=z"};
  const auto any = [&](const auto& list) { return list[test::below(rng, list.size())]; };
  int accepted = 0;
  for (int round = 0; round < 3000; ++round) {
    Parameters said;
    for (std::size_t i = test::below(rng, 3); i > 0; --i)
      said[any(std::vector<std::string>{"info", "filter_by_prefix", "x"})] =
          any(std::vector<std::string>{"1", "a,b", "presence-", "a=b"});
    const bool post = test::below(rng, 2) == 0;
    const std::string method = post ? "POST" : "GET", body = post ? kOldBody : "";
    const bool stale = test::below(rng, 2) == 0;
    const std::string query = sign(method, "/apps/3/x", said, body, stale ? kThen : kNow);
    Query pieces = *parse_query(query);
    for (std::size_t changes = test::below(rng, 4); changes > 0; --changes) {
      const std::size_t at = test::below(rng, pieces.size());
      auto& [name, value] = pieces[at];
      switch (test::below(rng, 8)) {
        case 0:
          for (char& c : name)
            if (test::below(rng, 2) == 0) c = static_cast<char>(std::toupper(c));
          break;
        case 1:
          name += any(std::vector<std::string>{"[]", "[0]", "[x]", "["});
          break;
        case 2:
          pieces.emplace_back(any(names), any(values));
          break;
        case 3:
          pieces.insert(pieces.begin() + static_cast<std::ptrdiff_t>(at), pieces[at]);
          break;
        case 4:
          value = any(values);
          break;
        case 5:  // one of two
          if (pieces.size() > 1) {
            const auto [other, said_there] = pieces[(at + 1) % pieces.size()];
            pieces[at].second += "&" + other + "=" + said_there;
            pieces.erase(pieces.begin() + static_cast<std::ptrdiff_t>((at + 1) % pieces.size()));
          }
          break;
        case 6:  // two of a list
          if (const auto comma = value.find(','); comma != std::string::npos) {
            const std::string tail = value.substr(comma + 1), plain = name;
            value.resize(comma);
            name = plain + "[]";
            pieces.insert(pieces.begin() + static_cast<std::ptrdiff_t>(at) + 1,
                          {plain + "[]", tail});
          }
          break;
        default:
          std::swap(pieces[at], pieces[test::below(rng, pieces.size())]);
      }
    }
    std::string written;
    for (const auto& [name, value] : pieces)
      written += (written.empty() ? "" : "&") + percent_encode(name) + "=" + percent_encode(value);
    const std::string sent = post && test::below(rng, 2) == 0 ? kNewBody : body;
    INFO(written);
    const auto read = signed_parameters({method, "/apps/3/x", written, sent}, kKey, kSecret, kNow);
    if (!read) continue;
    ++accepted;
    REQUIRE_FALSE(stale);
    REQUIRE(sent == body);
    Parameters asked = *read;
    std::erase_if(
        asked, [](const auto& p) { return p.first.starts_with("auth_") || p.first == "body_md5"; });
    REQUIRE(asked == said);
  }
  CHECK(accepted > 100);
}
