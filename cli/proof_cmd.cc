// rollcall proof SEQ: a receipt that an event is in the signed log, which anyone can check.
#include "cli/commands.h"
#include "cli/output.h"
#include "replay/receipt.h"
#include "store/bytes/files.h"

#include <fmt/format.h>

namespace rollcall::cli {

void add_proof(Command& root) {
  struct Options {
    std::uint64_t seq = 0;
    std::string seq_text, out;
  };
  auto o = std::make_shared<Options>();
  Command command = root.command("proof", "a receipt that an event is in the signed log");
  command.positional("SEQ", o->seq_text, "the event's number", a_number(1));
  command.file("-O,--out", o->out, "write it there (default: stdout)");
  command.examples(
      "  rollcall proof 412 -O event-412.tlog-proof && rollcall verify proof event-412.tlog-proof");
  command.run_here_or_there([o](Context& context) {
    const auto seq = store::parse_decimal(o->seq_text);
    if (!seq) throw store::Failure({store::Errc::BadInput, "SEQ is a number"});
    const auto layout = context.layout();
    const auto reader = replay::Reader::open(layout).value();
    const auto receipt = replay::receipt_for(reader, *seq).value();
    const std::string text = store::render(receipt);
    if (o->out.empty() || o->out == "-")
      fmt::print("{}", text);
    else
      store::replace_file(std::filesystem::absolute(o->out), text).value();
    return 0;
  });
}

}  // namespace rollcall::cli
