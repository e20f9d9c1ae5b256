// A question, and rows of an answer, as somebody on the other side of a socket may write them: what
// is taken is written the same again, and what is refused says so in valid UTF-8.
//
// Input: the question's number in the list, then JSON.
#include "replay/question/answer.h"
#include "replay/question/bundle_rows.h"
#include "replay/question/presence.h"
#include "replay/question/sessions.h"
#include "store/bytes/utf8.h"

#include <boost/json.hpp>

#include <cstdlib>

namespace {

namespace json = boost::json;
using namespace rollcall;

template <class Row>
void as_row(const json::value& value) {
  const auto row = replay::row_from_json<Row>(value);
  if (!row && !store::valid_utf8(row.error().detail)) std::abort();
  if (row) (void)json::serialize(replay::row_to_json(*row, replay::EventsAs::Entries));
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  static const auto names = replay::question_names();
  const std::string_view name = names[data[0] % names.size()];
  const std::string_view text(reinterpret_cast<const char*>(data) + 1, size - 1);
  boost::system::error_code ec;
  json::parse_options options;
  options.max_depth = 32;
  const json::value value = json::parse(text, ec, {}, options);
  (void)replay::error_of(text);
  if (ec || !value.is_object()) return 0;
  const auto read = replay::read_question(name, value.get_object());
  if (!read) {
    if (!store::valid_utf8(read.error().detail)) std::abort();
  } else {
    if (!store::valid_utf8(read->text)) std::abort();
    const auto again = replay::read_question(name, read->ask);
    if (!again || again->ask != read->ask) std::abort();
  }
  as_row<replay::EventView>(value);
  as_row<replay::PresenceQuestion::Row>(value);
  as_row<replay::SessionsQuestion::Row>(value);
  if (const auto file = replay::row_from_json<replay::BundleFile>(value)) {
    replay::BundleFiles files;
    if (replay::take_file(*file, files) && files.begin()->first.starts_with('/')) std::abort();
  }
  return 0;
}
