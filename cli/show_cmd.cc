// rollcall show SEQ: one event, in full.
#include "cli/commands.h"
#include "cli/output.h"
#include "cli/pager.h"
#include "cli/reading.h"
#include "replay/event_proof.h"
#include "replay/time_text.h"

#include <boost/json.hpp>
#include <fmt/format.h>

namespace rollcall::cli {

void add_show(Command& root) {
  struct Options {
    std::string seq;
    bool raw = false, proof = false;
  };
  auto o = std::make_shared<Options>();
  Command command = root.command("show", "one event, in full");
  command.positional("SEQ", o->seq, "the event's number");
  command.flag("--raw", o->raw, "the entry's bytes, as they are hashed");
  command.flag("--proof", o->proof,
               "with its receipt; as JSON with all that proves its words, for `verify proof`");
  command.examples("  rollcall show 412\n  rollcall show 412 --raw | sha256sum\n  rollcall show 412 --proof -o json > "
      "event-412.json && rollcall verify proof event-412.json");
  command.run_here_or_there([o](Context& context) {
    const auto seq = store::parse_decimal(
        o->seq.starts_with('#') ? std::string_view(o->seq).substr(1) : std::string_view(o->seq));
    if (!seq || *seq == 0)
      throw store::Failure({store::Errc::BadInput, "SEQ is a number from 1 on"});
    log_read(context, {}, "show " + o->seq);
    const auto reader = replay::Reader::open(context.layout()).value();
    if (*seq > reader.last())
      throw store::Failure(
          {store::Errc::NotFound,
           fmt::format("there is no event {}: the log ends at {}", *seq, reader.last())});
    const auto leaf = reader.log().leaf(*seq).value();
    if (o->raw) {
      std::fwrite(leaf->data(), 1, leaf->size(), stdout);
      return 0;
    }
    const Pager pager(context);
    const auto event = replay::view_of(reader, store::decode_header(*leaf));
    std::optional<replay::EventProof> proof;
    if (o->proof) proof = replay::prove_event(reader, *seq).value();
    // As JSON the answer is one object, with its proof in it: `verify proof` reads it.
    const bool machine = machine_output(context);
    const auto json = replay::answer_of(event, *leaf, machine && proof ? &*proof : nullptr);
    if (machine) {
      fmt::print("{}\n", boost::json::serialize(json));
    } else {
      for (const auto& [key, value] : json) {
        if (key == "attribute_changes") continue;
        fmt::print("{:<14} {}\n", std::string(key),
                   printable(value.is_string() ? std::string(value.get_string())
                                               : boost::json::serialize(value)));
      }
      for (const auto& line : replay::diff_lines(event))
        fmt::print("{:<14} {}\n", "changed", printable(line));
    }
    if (proof && !machine) fmt::print("\n{}", store::render(proof->event.receipt));
    return 0;
  });
}

}  // namespace rollcall::cli
