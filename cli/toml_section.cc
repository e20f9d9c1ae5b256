// Types, choices, and keys that nobody asked for.
#include "cli/toml_section.h"

#include "net/wire/refusals.h"

#include <fmt/format.h>

#include <algorithm>

namespace rollcall::cli {
namespace {

constexpr std::size_t kShownMost = 60;

std::string shown(std::string_view text) { return net::for_log(text, kShownMost); }

std::uint32_t line_of(const toml::node& node) { return node.source().begin.line; }

}  // namespace

const toml::node* Section::look(const char* key) {
  known_.emplace_back(key);
  return table_.get(key);
}

void Section::fault(std::uint32_t line, std::string sentence) {
  if (!fault_ || line < fault_->line) fault_ = Fault{line, std::move(sentence)};
}

void Section::say(const char* key, const std::string& sentence) {
  const toml::node* node = table_.get(key);
  fault(line_of(node != nullptr ? *node : table_), sentence);
}

void Section::fail(const char* key, const std::string& what) {
  say(key, fmt::format("{}{} must be {}", where_, key, what));
}

std::optional<std::int64_t> Section::number(const char* key, std::int64_t least,
                                            std::int64_t most) {
  const toml::node* node = look(key);
  if (node == nullptr) return std::nullopt;
  const auto value = node->value_exact<std::int64_t>();
  if (value && *value >= least && *value <= most) return value;
  fail(key, fmt::format("a whole number from {} to {}{}", least, most,
                        value ? fmt::format(", not {}", *value) : std::string()));
  return std::nullopt;
}

void Section::boolean(const char* key, bool& out) {
  const toml::node* node = look(key);
  if (node == nullptr) return;
  if (!node->is_boolean()) return fail(key, "true or false, without quotes");
  out = *node->value<bool>();
}

void Section::text(const char* key, std::string& out) {
  const toml::node* node = look(key);
  if (node == nullptr) return;
  if (!node->is_string()) return fail(key, "a text in quotes");
  out = *node->value<std::string>();
}

void Section::text_or_number(const char* key, std::string& out) {
  const toml::node* node = look(key);
  if (node == nullptr) return;
  if (const auto number = node->value_exact<std::int64_t>())
    out = std::to_string(*number);
  else
    text(key, out);
}

void Section::texts(const char* key, std::vector<std::string>& out, const Check& check) {
  const toml::node* node = look(key);
  if (node == nullptr) return;
  const toml::array* list = node->as_array();
  if (list == nullptr) return fail(key, "a list of texts, like [\"one\", \"two\"]");
  out.clear();
  for (const auto& entry : *list) {
    if (!entry.is_string()) {
      fault(line_of(entry), fmt::format("{}{} must be a list of texts in quotes", where_, key));
      return;
    }
    out.push_back(*entry.value<std::string>());
    if (!check) continue;
    if (const auto wrong = check(out.back())) {
      fault(line_of(entry), fmt::format("{}{}: '{}' {}", where_, key, shown(out.back()), *wrong));
      return;
    }
  }
}

std::optional<std::size_t> Section::choice(const char* key,
                                           std::initializer_list<const char*> choices) {
  const toml::node* node = look(key);
  if (node == nullptr) return std::nullopt;
  const auto given = node->value_exact<std::string>();
  const auto found = given ? std::find(choices.begin(), choices.end(), *given) : choices.end();
  if (found != choices.end()) return static_cast<std::size_t>(found - choices.begin());
  fail(key, fmt::format("one of {}{}", fmt::join(choices, ", "),
                        given ? fmt::format(", not '{}'", shown(*given)) : std::string()));
  return std::nullopt;
}

void Section::choices(const char* key, std::vector<std::string>& out,
                      std::initializer_list<const char*> choices) {
  texts(key, out, [&](const std::string& text) -> std::optional<std::string> {
    if (std::find(choices.begin(), choices.end(), text) != choices.end()) return std::nullopt;
    return fmt::format("is not one of {}", fmt::join(choices, ", "));
  });
}

std::vector<const toml::table*> Section::tables_at(const char* key) {
  std::vector<const toml::table*> out;
  const toml::node* node = look(key);
  if (node == nullptr) return out;
  const toml::array* list = node->as_array();
  const bool right = list != nullptr &&
                     std::all_of(list->begin(), list->end(), [](auto& n) { return n.is_table(); });
  if (!right) {
    fail(key, fmt::format("written as [[{}{}]]", where_, key));
    return out;
  }
  for (const auto& entry : *list) out.push_back(entry.as_table());
  return out;
}

void Section::take(Section& section) {
  if (auto inner = section.finish()) fault(inner->line, std::move(inner->sentence));
}

std::optional<Section::Fault> Section::finish() {
  for (const auto& [key, value] : table_) {
    const std::string name(key.str());
    if (std::find(known_.begin(), known_.end(), name) != known_.end()) continue;
    std::vector<std::string> names = known_;
    std::sort(names.begin(), names.end());
    names.erase(std::unique(names.begin(), names.end()), names.end());
    fault(key.source().begin.line, fmt::format("there is no setting {}{}: there are {}", where_,
                                               shown(name), fmt::join(names, ", ")));
  }
  return fault_;
}

}  // namespace rollcall::cli
