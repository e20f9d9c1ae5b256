// rollcall tiles export: the log as static files that any C2SP verifier reads.
#include "cli/commands.h"
#include "cli/output.h"
#include "replay/reader.h"
#include "store/tiles.h"

#include <fmt/format.h>

namespace rollcall::cli {

void add_tiles(Command& root) {
  auto directory = std::make_shared<std::string>();
  Command tiles = root.command("tiles", "the log as static files (C2SP tlog-tiles)");
  Command exporting = tiles.command("export", "write checkpoint, tile/… and tile/entries/…");
  exporting.positional("DIR", *directory, "where; full tiles that are there are kept");
  exporting.examples("  rollcall tiles export public/log1");
  exporting.run([directory](Context& context) {
    const auto reader = replay::Reader::open(context.layout()).value();
    const auto newest = store::newest_checkpoint(reader.log(), context.layout()).value();
    if (!newest.newest)
      throw store::Failure(
          {store::Errc::Incomplete, "nothing was ever signed: `rollcall checkpoint sign` signs"});
    ProgressBar bar(context, "exporting");
    const auto files =
        store::export_tiles(reader.log(), *newest.newest, *directory, [&](auto done, auto all) {
          bar.update(done, all);
        }).value();
    fmt::print("{} files, size {}\n", files, newest.newest->checkpoint.size);
    return 0;
  });
}

}  // namespace rollcall::cli
