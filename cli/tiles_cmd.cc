// rollcall tiles export: the log as static files that any C2SP verifier reads.
#include "cli/ask.h"
#include "cli/bundle_file.h"
#include "cli/commands.h"
#include "replay/question/copies.h"

#include <fmt/format.h>

namespace rollcall::cli {

void add_tiles(Command& root) {
  auto directory = std::make_shared<std::string>();
  Command tiles = root.command("tiles", "the log as static files (C2SP tlog-tiles)");
  Command exporting = tiles.command("export", "write checkpoint, tile/… and tile/entries/…");
  exporting.positional("DIR", *directory, "where; - is a tar on standard output", a_word());
  exporting.examples("  rollcall tiles export public/log1");
  exporting.run([directory](Context& context) {
    const bool stream = *directory == "-";
    BundleTaker together;
    const auto made =
        ask(context, replay::TilesQuestion{}, stream ? together.row() : rows_into(*directory));
    if (stream) together.write_quietly("-");
    fmt::print(stream ? stderr : stdout, "{} files, size {}\n", made.count, made.size);
    return 0;
  });
}

}  // namespace rollcall::cli
