// rollcall show SEQ: one event, in full.
#include "cli/ask.h"
#include "cli/commands.h"
#include "cli/event_rows.h"
#include "cli/pager.h"
#include "replay/event_json.h"
#include "replay/event_proof.h"
#include "replay/question/event.h"
#include "store/log/codec.h"

#include <boost/json.hpp>
#include <fmt/format.h>

namespace rollcall::cli {
namespace {

boost::json::object chosen(const boost::json::object& row, const std::vector<std::string>& fields) {
  boost::json::object out;
  for (const auto& f : fields) out[f] = row.contains(f) ? row.at(f) : boost::json::value(nullptr);
  return out;
}

void show(Context& context, const replay::EventView& event, const store::Bytes& leaf,
          const replay::EventQuestion::Summary& found) {
  const std::string receipt = found.receipt.value_or("");
  const Pager pager(context);
  if (context.output == "cat" && context.fields.empty()) {
    fmt::print("{}\n", printable(sentence(event)));
    if (found.receipt) fmt::print("\n{}", receipt);
    return;
  }
  const bool table = !machine_output(context);
  auto row = machine_row(table ? "ndjson" : context.output, event);
  row["prev"] = event.header.prev;
  row["leaf"] = found.leaf;
  if (found.receipt && !table) row["receipt"] = receipt;
  if (context.output == "csv") {
    std::vector<std::string> columns;
    for (const auto& [key, value] : row) columns.emplace_back(key);
    Rows rows(context, columns);
    rows.add(std::move(row));
    rows.finish();
    return;
  }
  if (!context.fields.empty()) row = chosen(row, split_list(context.fields));
  const bool json = context.output == "json" || context.output == "ndjson";
  if (found.proof && json && context.fields.empty()) {
    // One object with its proof in it, in the very form that `verify proof` reads.
    const auto proof = replay::parse_event_proof(*found.proof).value();
    fmt::print("{}\n", json_text(replay::answer_of(event, leaf, proof)));
    return;
  }
  if (!table) {
    fmt::print("{}\n", json_text(row));
    return;
  }
  for (const auto& [key, value] : row) {
    if (key == "attribute_changes" && context.fields.empty()) continue;
    fmt::print("{:<14} {}\n", std::string(key),
               printable(value.is_string() ? std::string(value.get_string())
                                           : boost::json::serialize(value)));
  }
  if (context.fields.empty())
    for (const auto& line : replay::diff_lines(event))
      fmt::print("{:<14} {}\n", "changed", printable(line));
  if (found.receipt) fmt::print("\n{}", receipt);
}

}  // namespace

void add_show(Command& root) {
  struct Options {
    std::string seq;
    bool raw = false, proof = false;
  };
  auto o = std::make_shared<Options>();
  Command command = root.command("show", "one event, in full");
  command.positional("SEQ", o->seq, "the event's number", [](const std::string& word) {
    return a_number(1)(word.starts_with('#') ? word.substr(1) : word);
  });
  command.flag("--raw", o->raw, "the entry's bytes, as they are hashed");
  command.flag("--proof", o->proof,
               "with its receipt; as JSON with all that proves its words, for `verify proof`");
  command.formats(event_formats(), [o](const Context& context) {
    if (o->raw) return std::vector<std::string>{};
    auto out = event_fields(context.output);
    if (!out.empty()) out.insert(out.end(), {"prev", "leaf", "receipt"});
    return out;
  });
  command.check([o](const Context& context) {
    if (context.output == "raw") o->raw = true;
    if (o->raw && context.output_given && context.output != "raw")
      usage_error(
          fmt::format("--raw is the entry's bytes: -o {} does not go with it", context.output));
    if (o->raw && o->proof) usage_error("--raw is the entry's bytes alone: --proof is text");
  });
  command.examples(
      "  rollcall show 412\n  rollcall show 412 --raw | sha256sum\n  rollcall show 412 --proof -o "
      "json > "
      "event-412.json && rollcall verify proof event-412.json");
  command.run([o](Context& context) {
    replay::EventQuestion q;
    (void)read_number(o->seq.starts_with('#') ? o->seq.substr(1) : o->seq, q.seq);
    if (o->proof) q.proof = true;
    std::optional<replay::EventView> event;
    const auto found = ask(context, q, [&](const replay::EventView& e) {
      event = e;
      return true;
    });
    if (!event) throw store::Failure({store::Errc::Io, "the answer holds no event"});
    const store::Bytes leaf = store::encode_header(event->header);
    if (o->raw) {
      std::fwrite(leaf.data(), 1, leaf.size(), stdout);
      return 0;
    }
    show(context, *event, leaf, found);
    return 0;
  });
}

}  // namespace rollcall::cli
