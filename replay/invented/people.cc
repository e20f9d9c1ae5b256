// Names, habits and texts.
#include "replay/invented/people.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

namespace rollcall::replay::inline invented {
namespace {

constexpr std::array<std::string_view, 40> kFirst{
    "ada",    "alan",  "amir",  "barbara", "bo",    "carlos", "chen",   "chidi", "dana",  "edsger",
    "elif",   "emeka", "fatou", "frances", "grace", "hana",   "hedy",   "ines",  "ivan",  "john",
    "katrin", "ken",   "lars",  "leila",   "linus", "maria",  "margot", "mei",   "nadia", "niklaus",
    "olu",    "paulo", "priya", "radia",   "rosa",  "samir",  "sofia",  "tariq", "wim",   "yuki"};
constexpr std::array<std::string_view, 40> kLast{
    "abara",  "ahlberg", "almeida", "bauer",   "berg",      "castro", "dahl",   "demir",
    "duarte", "endo",    "farah",   "fischer", "garcia",    "haddad", "hansen", "ito",
    "jensen", "keller",  "kim",     "kowal",   "lindqvist", "lopez",  "meyer",  "mori",
    "nadar",  "novak",   "nwosu",   "okoro",   "olsen",     "petrov", "quist",  "rao",
    "rossi",  "sato",    "silva",   "tanaka",  "uddin",     "vogel",  "weber",  "zhou"};
constexpr std::array<std::string_view, 4> kLaptops{
    "Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0",
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 Chrome/126.0.0.0 Safari/537.36",
    "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 Version/17.5 "
    "Safari/605.1.15",
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 Chrome/126.0.0.0 Edg/126.0.0.0"};
constexpr std::array<std::string_view, 2> kPhones{
    "Mozilla/5.0 (Linux; Android 14) AppleWebKit/537.36 Chrome/126.0.0.0 Mobile Safari/537.36",
    "Mozilla/5.0 (iPhone; CPU iPhone OS 17_5 like Mac OS X) AppleWebKit/605.1.15 Mobile/15E148"};
constexpr std::array<std::string_view, 8> kSaid{"good morning",
                                                "has anybody seen the report?",
                                                "the build is green again",
                                                "I am in the next call",
                                                "thanks, that helped",
                                                "lunch?",
                                                "it is deployed",
                                                "can somebody look at my change?"};
constexpr std::array<std::string_view, 10> kRooms{"lobby",  "kitchen",     "support", "sales",
                                                  "design", "engineering", "finance", "people",
                                                  "travel", "music"};
constexpr std::array<std::string_view, 4> kStates{"open", "paid", "packed", "shipped"};

}  // namespace

std::uint64_t Draw::next() {  // Steele, Lea, Flood: Fast splittable pseudorandom number generators
  std::uint64_t z = (state_ += 0x9E3779B97F4A7C15);
  z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9;
  z = (z ^ (z >> 27)) * 0x94D049BB133111EB;
  return z ^ (z >> 31);
}

Habits habits_of(std::uint64_t seed, std::uint32_t person) {
  Draw draw(seed ^ (std::uint64_t{person} << 32));
  (void)draw.next();
  Habits out;
  const std::uint64_t kind = draw.below(100);
  out.kind = kind < 70   ? Habits::Kind::Office
             : kind < 82 ? Habits::Kind::Shift
             : kind < 96 ? Habits::Kind::Casual
                         : Habits::Kind::Script;
  switch (out.kind) {
    case Habits::Kind::Office:
      out.start_minute = static_cast<std::int16_t>(draw.between(7 * 60, 10 * 60));
      out.work_minutes = static_cast<std::int16_t>(draw.between(6 * 60, 9 * 60));
      break;
    case Habits::Kind::Shift:
      out.start_minute = static_cast<std::int16_t>(6 * 60 + 8 * 60 * draw.below(3));  // 6, 14, 22 h
      out.work_minutes = 8 * 60;
      break;
    case Habits::Kind::Casual:
      out.start_minute = static_cast<std::int16_t>(draw.between(8 * 60, 19 * 60));
      break;
    case Habits::Kind::Script:
      out.start_minute = static_cast<std::int16_t>(draw.between(0, 12 * 60));
      break;
  }
  out.first_day = static_cast<std::uint8_t>(draw.below(6));
  out.phone = out.kind == Habits::Kind::Office && draw.percent(60);
  out.tidy = draw.percent(55);
  out.hides = draw.percent(4);
  out.lunch_status = draw.percent(30);
  return out;
}

std::string name_of(const Habits& habits, std::uint32_t person) {
  if (habits.kind == Habits::Kind::Script) return fmt::format("script-{}", person + 1);
  // 7 and 40 have no common factor: neighbours in the list share neither name.
  constexpr std::uint32_t kFirsts = kFirst.size(), kLasts = kLast.size();
  const std::uint32_t first = person % kFirsts, last = (person / kFirsts + 7 * person) % kLasts,
                      again = person / (kFirsts * kLasts);
  if (again == 0) return fmt::format("{}.{}", kFirst[first], kLast[last]);
  return fmt::format("{}.{}{}", kFirst[first], kLast[last], again + 1);
}

std::string_view name_of(Device device) {
  switch (device) {
    case Device::Laptop:
      return "laptop";
    case Device::Phone:
      return "phone";
    case Device::Api:
      return "api";
  }
  return "unknown";
}

void describe_login(std::uint32_t person, Device device, engine::Body& body) {
  body.device = name_of(device);
  switch (device) {  // addresses of RFC 1918 and RFC 5737: nobody's
    case Device::Laptop:
      body.address =
          fmt::format("10.{}.{}.{}", 1 + (person >> 16), (person >> 8) & 255, person & 255);
      body.agent = kLaptops[person % kLaptops.size()];
      break;
    case Device::Phone:
      body.address = fmt::format("203.0.113.{}", person % 254 + 1);
      body.agent = kPhones[person % kPhones.size()];
      break;
    case Device::Api:
      body.address = fmt::format("192.0.2.{}", person % 254 + 1);
      body.agent = "curl/7.88.1";
      break;
  }
}

std::string room_name(std::uint32_t room) {
  const auto name = kRooms[room % kRooms.size()];
  if (room < kRooms.size()) return std::string(name);
  return fmt::format("{}-{}", name, room / kRooms.size() + 1);
}

std::uint32_t rooms_of(std::uint32_t people) {
  constexpr std::uint32_t kPeopleInARoom = 12, kLeast = 3, kMost = 400;
  return std::min(kMost, std::max(kLeast, people / kPeopleInARoom));
}

std::string_view something_done(Draw& draw, std::uint32_t room, const std::string& colleague,
                                engine::Body& body) {
  const std::uint64_t what = draw.below(100);
  const auto about = [&](std::string_view type, std::uint64_t of) {
    body.target_type = type;
    body.target_id = std::to_string(1 + draw.below(of));
  };
  if (what < 40) {
    body.target_type = "room";
    body.target_id = room_name(room);
    body.description = kSaid[draw.below(kSaid.size())];
    return "message.posted";
  }
  if (what < 58) {
    about("document", 500);
    body.description = fmt::format("changed page {}", 1 + draw.below(30));
    return "document.edited";
  }
  if (what < 70) {
    about("ticket", 2000);
    return "ticket.updated";
  }
  if (what < 80) {
    about("order", 5000);
    const std::uint64_t from = draw.below(kStates.size() - 1);
    body.changes = fmt::format(R"({{"attributes":{{"state":"{}"}},"old":{{"state":"{}"}}}})",
                               kStates[from + 1], kStates[from]);
    return "order.updated";
  }
  if (what < 86) {
    about("document", 500);
    return "document.opened";
  }
  if (what < 91) {
    body.properties = fmt::format(R"({{"bytes":{}}})", 1000 + draw.below(4'000'000));
    return "file.uploaded";
  }
  if (what < 96) {
    body.target_type = "user";
    body.target_id = colleague;
    return "user.mentioned";
  }
  about("ticket", 2000);
  body.description = "looks good";
  return "review.approved";
}

std::string_view something_synced(Draw& draw, engine::Body& body) {
  body.properties = fmt::format(R"({{"rows":{}}})", draw.below(10'000));
  return draw.percent(80) ? "orders.synced" : "report.exported";
}

}  // namespace rollcall::replay::inline invented
