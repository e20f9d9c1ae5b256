// Two lists by seq.
#include "cli/diff_digests.h"

#include "cli/ask.h"
#include "cli/two_logs.h"
#include "replay/question/events.h"
#include "store/bytes/crypto.h"
#include "store/bytes/files.h"

#include <boost/json.hpp>
#include <fmt/format.h>

#include <map>

namespace rollcall::cli {
namespace {

namespace json = boost::json;
using Digests = std::map<std::uint64_t, std::string>;  // by the seq of the event that states it

[[noreturn]] void refuse(const std::string& file, std::size_t line, std::string_view what) {
  throw store::Failure({store::Errc::BadInput, fmt::format("{}, line {}: {}", file, line, what)});
}

/// Other members are passed over; so are lines without a digest, like the one that ends an answer.
Digests read(const std::string& file) {
  constexpr std::uintmax_t kMost = 256U << 20;
  std::error_code ec;
  if (const auto size = std::filesystem::file_size(file, ec); !ec && size > kMost)
    throw store::Failure({store::Errc::BadInput, file + ": more than 256 MB of digests"});
  const std::string text = store::read_file(file).value();
  Digests out;
  std::string_view rest(text);
  for (std::size_t number = 1; !rest.empty(); ++number) {
    const std::size_t end = std::min(rest.find('\n'), rest.size());
    const std::string_view line = rest.substr(0, end);
    rest.remove_prefix(std::min(end + 1, rest.size()));
    if (line.find_first_not_of(" \r\t") == std::string_view::npos) continue;
    boost::system::error_code bad;
    const json::value value = json::parse(line, bad);
    const json::object* row = bad ? nullptr : value.if_object();
    if (row == nullptr)
      refuse(file, number, "not a JSON object; one a line, {\"seq\": N, \"digest\": HEX}");
    const json::value *seq = row->if_contains("seq"), *digest = row->if_contains("digest");
    if (digest == nullptr) continue;
    const auto n = seq == nullptr ? 0 : seq->to_number<std::uint64_t>(bad);
    if (n == 0 || bad) refuse(file, number, "seq is the number of an event");
    if (!digest->is_string() || digest->get_string().size() != 64)
      refuse(file, number, "digest is 64 hexadecimal digits");
    out[n] = std::string(digest->get_string());
  }
  return out;
}

}  // namespace

int diff_digests(Context& context, const std::string& file) {
  const Digests theirs = read(file);
  if (theirs.empty())
    throw store::Failure(
        {store::Errc::BadInput,
         file + ": no digests in it; `audit -e state_digest -o ndjson` prints them"});
  replay::EventsQuestion q;
  q.event = {"state_digest"};
  Digests ours;
  const auto whole = ask(context, q, [&](const replay::EventView& event) {
    ours[event.header.seq] = store::hex(event.header.digest);
    return true;
  });
  std::uint64_t compared = 0, later = 0, agreed = 0;
  std::optional<std::uint64_t> differs;
  for (const auto& [seq, digest] : theirs) {
    if (seq > whole.upto) {
      ++later;
      continue;
    }
    const auto here = ours.find(seq);
    ++compared;
    if (here != ours.end() && here->second == digest)
      agreed = seq;
    else {
      differs = seq;
      break;
    }
  }
  const std::string history =
      differs && ours.contains(*differs) ? ours.at(*differs) : std::string();
  if (machine_output(context)) {
    json::object out{{"compared", compared}, {"later", later}, {"agreed", agreed}};
    out["first_difference"] =
        differs ? json::value(
                      {{"seq", *differs},
                       {"history", history.empty() ? json::value(nullptr) : json::value(history)},
                       {"file", theirs.at(*differs)}})
                : json::value(nullptr);
    fmt::print("{}\n", json_text(out));
  } else if (differs) {
    fmt::print("DIFFERENT  seq {}: history says {}, {} says {}…; {}\n", *differs,
               history.empty() ? std::string("no digest there") : history.substr(0, 16) + "…",
               printable(file), theirs.at(*differs).substr(0, 16),
               agreed == 0
                   ? std::string("none before it agreed")
                   : fmt::format("they agreed at seq {}: the difference lies between", agreed));
  } else {
    fmt::print("{} digests compared, all equal{}\n", compared,
               later == 0
                   ? ""
                   : fmt::format("; {} lie after seq {}, where this log ends", later, whole.upto));
  }
  return differs ? kDiverged : 0;
}

}  // namespace rollcall::cli
