// One function a kind of word.
#include "cli/checks.h"

#include "net/wire/json_text.h"
#include "net/wire/networks.h"
#include "replay/pattern.h"
#include "replay/question/filter.h"
#include "replay/time_text.h"
#include "store/log/event_clock.h"
#include "store/tlog/note.h"
#include "store/writer.h"

#include <boost/json.hpp>
#include <fmt/format.h>

#include <algorithm>
#include <charconv>

namespace rollcall::cli {

std::string listed(const std::vector<std::string>& names) {
  return fmt::format("{}", fmt::join(names, ", "));
}

Check one_of(std::vector<std::string> choices) {
  return [choices = std::move(choices)](const std::string& word) -> std::string {
    if (std::find(choices.begin(), choices.end(), word) != choices.end()) return {};
    return fmt::format("'{}' is none of {}", word, listed(choices));
  };
}

bool read_number(const std::string& text, std::uint64_t& into) {
  const auto [end, ec] = std::from_chars(text.data(), text.data() + text.size(), into);
  return ec == std::errc{} && end == text.data() + text.size();
}

Check a_number(std::uint64_t least, std::uint64_t most) {
  return [least, most](const std::string& word) -> std::string {
    std::uint64_t value = 0;
    if (read_number(word, value) && value >= least && value <= most) return {};
    return fmt::format("'{}' is no whole number from {} to {}", word, least, most);
  };
}

Check a_word() {
  return [](const std::string& word) -> std::string { return word.empty() ? "names nothing" : ""; };
}

Check a_moment() {
  return [](const std::string& word) -> std::string {
    const auto spec = replay::parse_time(word, store::wall_now());
    return spec ? std::string() : spec.error().detail;
  };
}

Check a_time() {
  return [](const std::string& word) -> std::string {
    const auto spec = replay::parse_time(word, store::wall_now());
    if (!spec) return spec.error().detail;
    return std::holds_alternative<engine::Micros>(*spec)
               ? std::string()
               : fmt::format("'{}' is a place in the log: a time is wanted, like +2h", word);
  };
}

Check a_duration() {
  return [](const std::string& word) -> std::string {
    if (replay::parse_duration(word)) return {};
    return fmt::format("'{}' is no span of time: try 30s, 10min, 2h30min or 90d", word);
  };
}

Check a_pattern() {
  return [](const std::string& word) -> std::string {
    const auto compiled = replay::Pattern::compile(word);
    return compiled ? std::string() : compiled.error().detail;
  };
}

Check a_range() {
  return [](const std::string& word) -> std::string {
    const auto range = replay::parse_seqs(word);
    return range ? std::string() : range.error().detail;
  };
}

Check a_key_name() {
  return [](const std::string& word) -> std::string {
    if (store::note::valid_key_name(word)) return {};
    return fmt::format("'{}' is no name: without spaces, control characters and plus signs", word);
  };
}

Check a_web_address() {
  return [](const std::string& word) -> std::string {
    for (const std::string_view scheme : {"http://", "https://"}) {
      if (!word.starts_with(scheme) || word.size() == scheme.size()) continue;
      const std::string_view place = std::string_view(word)
                                         .substr(scheme.size())
                                         .substr(0, word.find('/', scheme.size()) - scheme.size());
      const std::size_t name = place.starts_with('[') ? place.find(']') : 0;
      const std::size_t colon = place.find(':', std::min(name, place.size()));
      if (colon == std::string_view::npos || net::is_port(place.substr(colon + 1))) return {};
      return fmt::format("'{}' has a port that is none: 1 to 65535", word);
    }
    return fmt::format("'{}' is no address: http://HOST:PORT or https://…", word);
  };
}

Check a_json_object() {
  return [](const std::string& word) -> std::string {
    boost::system::error_code ec;
    const auto value = boost::json::parse(word, ec);
    if (ec || !value.is_object()) return "not a JSON object like {\"a\":1}";
    const auto twice = net::key_twice(word);
    return twice ? net::twice_text(*twice, "it") : std::string();
  };
}

std::string nearest(const std::string& word, const std::vector<std::string>& names) {
  const auto distance = [](const std::string& a, const std::string& b) {
    std::vector<std::size_t> row(b.size() + 1);
    for (std::size_t j = 0; j <= b.size(); ++j) row[j] = j;
    for (std::size_t i = 1; i <= a.size(); ++i) {
      std::size_t diagonal = std::exchange(row[0], i);
      for (std::size_t j = 1; j <= b.size(); ++j) {
        const std::size_t swap = diagonal + (a[i - 1] == b[j - 1] ? 0 : 1);
        diagonal = row[j];
        row[j] = std::min({swap, row[j] + 1, row[j - 1] + 1});
      }
    }
    return row.back();
  };
  std::string best;
  std::size_t least = 3;
  if (word.size() > 40) return best;
  for (const auto& name : names) {
    const std::size_t d = distance(word, name);
    if (d < least && d < std::max(word.size(), name.size())) {
      least = d;
      best = name;
    }
  }
  return best;
}

std::vector<std::string> split_list(const std::string& list) {
  std::vector<std::string> out;
  for (std::size_t from = 0; from <= list.size();) {
    const std::size_t end = std::min(list.find(',', from), list.size());
    std::string part = list.substr(from, end - from);
    while (part.ends_with(' ')) part.pop_back();
    part.erase(0, part.find_first_not_of(' '));
    if (!part.empty()) out.push_back(std::move(part));
    from = end + 1;
  }
  return out;
}

std::string meant(const std::string& word, const std::vector<std::string>& names) {
  const std::string near = nearest(word, names);
  return near.empty() ? std::string() : fmt::format("; did you mean {}?", near);
}

}  // namespace rollcall::cli
