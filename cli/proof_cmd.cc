// rollcall proof SEQ: a receipt that an event is in the signed log, which anyone can check.
#include "cli/ask.h"
#include "cli/commands.h"
#include "replay/question/event.h"
#include "store/bytes/files.h"

#include <fmt/format.h>

namespace rollcall::cli {

void add_proof(Command& root) {
  struct Options {
    std::string seq, out;
  };
  auto o = std::make_shared<Options>();
  Command command = root.command("proof", "a receipt that an event is in the signed log");
  command.positional("SEQ", o->seq, "the event's number", a_number(1));
  command.option("-O,--out", o->out, "write it there (default: stdout)", a_word());
  command.examples(
      "  rollcall proof 412 -O event-412.tlog-proof && rollcall verify proof event-412.tlog-proof");
  command.run([o](Context& context) {
    replay::ProofQuestion q;
    (void)read_number(o->seq, q.seq);
    const std::string receipt = ask(context, q).receipt;
    if (o->out.empty() || o->out == "-")
      fmt::print("{}", receipt);
    else
      store::replace_file(std::filesystem::absolute(o->out), receipt).value();
    return 0;
  });
}

}  // namespace rollcall::cli
