// rollcall checkpoint: show, sign, history.
#include "cli/ask.h"
#include "cli/commands.h"
#include "cli/remote.h"
#include "cli/writing.h"
#include "replay/question/store.h"
#include "store/log/event_clock.h"
#include "store/writer.h"

#include <boost/json.hpp>
#include <fmt/format.h>

namespace rollcall::cli {

using replay::CheckpointsQuestion;

void add_checkpoint(Command& root) {
  Command checkpoint = root.command("checkpoint", "what the log has signed");
  Command show = checkpoint.command("show", "the newest signed note, and nothing else");
  show.examples("  rollcall checkpoint show > kept-in-january.txt");
  show.run([](Context& context) {
    ask(context, CheckpointsQuestion{true}, [](const CheckpointsQuestion::Row& newest) {
      fmt::print("{}", newest.note);
      return true;
    });
    return 0;
  });
  Command sign = checkpoint.command("sign", "append a state digest and sign all that is durable");
  sign.examples("  rollcall checkpoint sign");
  sign.run_writing([](Context& context) {
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
  history.run([](Context& context) {
    Rows rows(context, {"size", "root", "signatures"});
    ask(context, CheckpointsQuestion{}, [&](const CheckpointsQuestion::Row& made) {
      rows.add(replay::write_value(made).as_object());
      return true;
    });
    rows.finish();
    return 0;
  });
}

}  // namespace rollcall::cli
