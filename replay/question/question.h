// What a question to the history is, and what it takes to answer one.
//
// Why this file exists: the command line asks a store in its own process, a server's reader asks
// for others, and both must give the same answer. So a question is a described struct, its rows and
// its summary are too, and one function answers it. A question Q has
//   static constexpr Asks kAsks;   its name in the log of reads, and what it touches
//   using Row, Summary;            described; an answer is rows, then one summary
//   Result<void> check(const Q&);  what is wrong with it that shows without a log
//   Result<Summary> answer(const Desk&, const Q&, const RowSink<Row>&);
// and where it is about people, the members `user` and `number` that say whose history it is.
#pragma once

#include "replay/as_of.h"
#include "replay/question/described.h"
#include "replay/reader.h"

#include <functional>

namespace rollcall::replay::inline question {

enum class Opens : std::uint8_t {
  Log,    ///< answered from a reader that is open
  Files,  ///< opens the store's files itself, so that it can tell of any damage
};

struct Asks {
  std::string_view name;   ///< as in the log of reads: "audit stats"
  bool of_people = false;  ///< refused without a reason if the store asks for one, and logged
  Opens opens = Opens::Log;
};

/// Where a question is answered.
struct Desk {
  const store::Layout& layout;
  const Reader* reader;  ///< null only for Opens::Files
  Micros now;            ///< what relative moments are relative to
  std::function<void(std::uint64_t done, std::uint64_t all)> progress = [](auto, auto) {};
  Watched watched = Watched::ToItsEnd;
};

/// False ends the answer: nobody wants more rows.
template <class Row>
using RowSink = std::function<bool(const Row&)>;

struct NoRow {};
BOOST_DESCRIBE_STRUCT(NoRow, (), ())
struct NoSummary {};
BOOST_DESCRIBE_STRUCT(NoSummary, (), ())

/// Of a question with nothing in it that could be wrong.
template <class Q>
requires requires { Q::kAsks; }
[[nodiscard]] Result<void> check(const Q&) { return {}; }

/// Whose history is asked about: by name, and by number. Names are one each, whatever they hold.
struct Whose {
  std::vector<std::string> user;
  std::vector<std::uint64_t> number;
  [[nodiscard]] bool anybody() const { return !user.empty() || !number.empty(); }
  [[nodiscard]] std::size_t count() const { return user.size() + number.size(); }
};
BOOST_DESCRIBE_STRUCT(Whose, (), (user, number))

/// Of a list in one text: names with commas between; \\, and \\\\ are a comma and a backslash of a
/// name.
[[nodiscard]] std::vector<std::string> names_in(std::string_view list);

/// In the order given; an error if somebody does not exist.
[[nodiscard]] Result<std::vector<UserNumber>> find_users(const Reader& reader, const Whose& whose);
/// Those that exist, without an error: for the log of reads.
[[nodiscard]] std::vector<UserNumber> known_users(const Reader& reader, const Whose& whose);

// Checks of single members; the error names the member. Of moments, with seq:N or without.
[[nodiscard]] Result<void> check_whose(const Whose& whose);
[[nodiscard]] Result<void> check_moment(std::string_view member,
                                        const std::optional<std::string>& text);
/// A text of a line: at most `most` bytes of UTF-8 without control characters.
[[nodiscard]] Result<void> check_text(std::string_view member, std::string_view text,
                                      std::size_t most = 1000);
[[nodiscard]] Result<void> check_choice(std::string_view member, std::string_view text,
                                        std::initializer_list<std::string_view> choices);
/// The range must not end before it begins.
[[nodiscard]] Result<void> check_range(const std::optional<std::string>& since,
                                       const std::optional<std::string>& until);

/// The events of a range by its two bounds: those after `before`, up to and with `last`. The whole
/// log if neither is given.
struct Bounds {
  Seq before = 0, last = 0;
};
[[nodiscard]] Result<Bounds> bounds_of(const Desk& desk, const std::optional<std::string>& from,
                                       const std::optional<std::string>& to);

/// Whether a member's value may quote a person or what is being looked for.
[[nodiscard]] bool is_private(std::string_view member);

/// What is asked, for the log of reads: without names, patterns and words to find.
template <class Q>
std::string asked_text(const Q& q) {
  std::string out(Q::kAsks.name);
  boost::mp11::mp_for_each<Members<Q>>([&](auto member) {
    const json::value value = write_value(q.*member.pointer);
    const auto put = [&](const json::value& one) {
      out += fmt::format(" {}=", member.name);
      if (is_private(member.name))
        out += "…";
      else
        out += one.is_string() ? std::string(one.get_string()) : json::serialize(one);
    };
    if (value.is_array())
      for (const json::value& one : value.get_array()) put(one);
    else if (!value.is_null())
      put(value);
  });
  return out;
}

}  // namespace rollcall::replay::inline question
