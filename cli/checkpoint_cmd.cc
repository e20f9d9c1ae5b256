// rollcall checkpoint: show, sign, history.
#include "cli/commands.h"
#include "cli/output.h"
#include "cli/remote.h"
#include "cli/writing.h"
#include "replay/reader.h"
#include "store/log/event_clock.h"
#include "store/writer.h"

#include <boost/json.hpp>
#include <fmt/format.h>

namespace rollcall::cli {

void add_checkpoint(Command& root) {
  Command checkpoint = root.command("checkpoint", "what the log has signed");
  Command show = checkpoint.command("show", "the newest signed note, and nothing else");
  show.examples("  rollcall checkpoint show > kept-in-january.txt");
  show.run_here_or_there([](Context& context) {
    const auto reader = replay::Reader::open(context.layout()).value();
    const auto newest = store::newest_checkpoint(reader.log(), context.layout()).value();
    if (!newest.newest)
      throw store::Failure(
          {store::Errc::Incomplete, "nothing was ever signed: `rollcall checkpoint sign` signs"});
    fmt::print("{}", store::note::render(newest.newest->note));
    return 0;
  });
  Command sign = checkpoint.command("sign", "append a state digest and sign all that is durable");
  sign.examples("  rollcall checkpoint sign");
  sign.run([](Context& context) {
    if (!context.url.empty()) {
      const auto made = call(context, "/v1/checkpoint", {});
      fmt::print("{}", std::string(made.at("note").as_string()));
      return 0;
    }
    const auto writer = open_writer(context);
    const auto made = writer->sign(store::wall_now()).value();
    fmt::print("{}", store::note::render(made.note));
    return 0;
  });
  Command history = checkpoint.command("history", "every checkpoint ever signed, oldest first");
  history.rows({"size", "root", "signatures", "note"});
  history.examples("  rollcall checkpoint history");
  history.run_here_or_there([](Context& context) {
    const auto reader = replay::Reader::open(context.layout()).value();
    Rows rows(context, {"size", "root", "signatures"});
    for (const auto& made : store::checkpoint_history(reader.log()).value()) {
      rows.add({{"size", made.checkpoint.size},
                {"root", store::base64(made.checkpoint.root)},
                {"signatures", made.note.signatures.size()},
                {"note", store::note::render(made.note)}});
    }
    rows.finish();
    return 0;
  });
}

}  // namespace rollcall::cli
