// One table of a TOML file, read key by key; keys that nobody read are unknown.
//
// Why this file exists: a misspelt or out-of-range setting that is accepted is noticed only when it
// is needed. Each fault is one sentence with the line, the key and the accepted values; of several,
// the first in the file is reported. Values that may be secret are not repeated.
#pragma once

#include <toml++/toml.h>

#include <cstdint>
#include <functional>
#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace rollcall::cli {

class Section {
 public:
  struct Fault {
    std::uint32_t line = 0;
    std::string sentence;
  };
  /// What is wrong with one text of a list; nothing if it is right.
  using Check = std::function<std::optional<std::string>(const std::string& text)>;

  Section(const toml::table& table, std::string where) : table_(table), where_(std::move(where)) {}

  [[nodiscard]] bool has(std::string_view key) const { return table_.contains(key); }

  template <class T>
  void integer(const char* key, T& out, std::int64_t least, std::int64_t most) {
    if (const auto value = number(key, least, most)) out = static_cast<T>(*value);
  }
  void boolean(const char* key, bool& out);
  void text(const char* key, std::string& out);
  /// A text, or a number in its written form: ids often are numbers.
  void text_or_number(const char* key, std::string& out);
  void texts(const char* key, std::vector<std::string>& out, const Check& check = {});
  /// A text that is one of `choices`; returns which one, if the key is given.
  std::optional<std::size_t> choice(const char* key, std::initializer_list<const char*> choices);
  /// Texts that are each one of `choices`.
  void choices(const char* key, std::vector<std::string>& out,
               std::initializer_list<const char*> choices);
  template <class Read>
  void tables(const char* key, const Read& read) {
    for (const toml::table* each : tables_at(key)) {
      Section section(*each, where_ + key + ".");
      read(section);
      take(section);
    }
  }
  template <class Read>
  void table(const char* key, const Read& read) {
    const toml::node* node = look(key);
    if (node == nullptr) return;
    if (!node->is_table()) return fail(key, "a table: [" + where_ + key + "]");
    Section section(*node->as_table(), where_ + key + ".");
    read(section);
    take(section);
  }

  /// "KEY must be WHAT", at the key's line, or at the table's if the key is missing.
  void fail(const char* key, const std::string& what);
  /// The caller's own sentence, at the key's line.
  void say(const char* key, const std::string& sentence);
  /// The first fault in the file, including those of nested tables.
  [[nodiscard]] std::optional<Fault> finish();

 private:
  /// The value; marks the key as known.
  const toml::node* look(const char* key);
  std::optional<std::int64_t> number(const char* key, std::int64_t least, std::int64_t most);
  std::vector<const toml::table*> tables_at(const char* key);
  void take(Section& section);
  void fault(std::uint32_t line, std::string sentence);

  const toml::table& table_;
  std::string where_;
  std::vector<std::string> known_;
  std::optional<Fault> fault_;
};

}  // namespace rollcall::cli
