// What questions share: people, moments, checks.
#include "replay/question/question.h"

#include "store/bytes/utf8.h"
#include "store/log/event_clock.h"
#include "store/writer.h"

#include <algorithm>
#include <utility>

namespace rollcall::replay::inline question {

std::vector<std::string> names_in(std::string_view list) {
  std::vector<std::string> out;
  std::string name;
  const auto name_ends = [&] {
    if (!name.empty()) out.push_back(std::exchange(name, {}));
  };
  for (std::size_t i = 0; i < list.size(); ++i) {
    const bool escapes =
        list[i] == '\\' && i + 1 < list.size() && (list[i + 1] == ',' || list[i + 1] == '\\');
    if (list[i] == ',')
      name_ends();
    else
      name += list[escapes ? ++i : i];
  }
  name_ends();
  return out;
}

Result<std::vector<UserNumber>> find_users(const Reader& reader, const Whose& whose) {
  std::vector<UserNumber> out;
  for (const auto& name : whose.user) {
    const auto found = reader.find_user(name);
    if (!found) return found.error();
    out.push_back(*found);
  }
  for (const std::uint64_t number : whose.number) {
    const auto found = reader.find_number(number);
    if (!found) return found.error();
    out.push_back(*found);
  }
  return out;
}

std::vector<UserNumber> known_users(const Reader& reader, const Whose& whose) {
  std::vector<UserNumber> out;
  const auto add = [&](const Result<UserNumber>& found) {
    if (found && std::find(out.begin(), out.end(), *found) == out.end()) out.push_back(*found);
  };
  for (const auto& name : whose.user) add(reader.find_user(name));
  for (const std::uint64_t number : whose.number) add(reader.find_number(number));
  return out;
}

Result<void> check_whose(const Whose& whose) {
  for (const auto& name : whose.user)
    if (const auto fine = store::check_user_name(name); !fine)
      return Error{Errc::BadInput, "user: " + fine.error().detail};
  return {};
}

Result<void> check_moment(std::string_view member, const std::optional<std::string>& text) {
  if (!text) return {};
  RC_TRY(check_text(member, *text, 100));
  const auto spec = parse_time(*text, store::wall_now());
  if (!spec) return Error{Errc::BadInput, fmt::format("{}: {}", member, spec.error().detail)};
  return {};
}

Result<void> check_text(std::string_view member, std::string_view text, std::size_t most) {
  const bool line = std::none_of(text.begin(), text.end(), [](char c) {
    return static_cast<unsigned char>(c) < 0x20 || c == 0x7F;
  });
  if (!text.empty() && text.size() <= most && line && store::valid_utf8(text)) return {};
  return Error{Errc::BadInput,
               fmt::format("{} is a text of 1 to {} bytes, in one line", member, most)};
}

Result<void> check_choice(std::string_view member, std::string_view text,
                          std::initializer_list<std::string_view> choices) {
  if (std::find(choices.begin(), choices.end(), text) != choices.end()) return {};
  return Error{Errc::BadInput, fmt::format("{} is one of {}", member, fmt::join(choices, ", "))};
}

Result<void> check_range(const std::optional<std::string>& since,
                         const std::optional<std::string>& until) {
  RC_TRY(check_moment("since", since));
  RC_TRY(check_moment("until", until));
  if (!since || !until) return {};
  const Micros now = store::wall_now();
  const auto from = parse_time(*since, now), to = parse_time(*until, now);
  if (from->index() == to->index() && *to < *from)
    return Error{Errc::BadInput, fmt::format("until {} is before since {}", *until, *since)};
  return {};
}

Result<Bounds> bounds_of(const Desk& desk, const std::optional<std::string>& from,
                         const std::optional<std::string>& to) {
  Bounds out{0, desk.reader->last()};
  for (const auto& [text, into] : {std::pair{&from, &out.before}, std::pair{&to, &out.last}}) {
    if (!*text) continue;
    const auto bound = last_before(*desk.reader, **text, desk.now);
    if (!bound) return bound.error();
    *into = *bound;
  }
  return out;
}

bool is_private(std::string_view member) {
  constexpr std::array<std::string_view, 11> names{"without", "user",         "users",  "subject",
                                                   "grep",    "match",        "ip",     "room",
                                                   "cursor",  "after_cursor", "channel"};
  return std::find(names.begin(), names.end(), member) != names.end();
}

}  // namespace rollcall::replay::inline question
