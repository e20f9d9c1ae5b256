// rollcall tiles export: the log as static files that any C2SP verifier reads.
#include "cli/commands.h"
#include "cli/output.h"
#include "replay/bundle.h"
#include "replay/reader.h"
#include "store/log/tiles.h"

#include <fmt/format.h>

#include <cstdlib>

namespace rollcall::cli {

void add_tiles(Command& root) {
  auto directory = std::make_shared<std::string>();
  Command tiles = root.command("tiles", "the log as static files (C2SP tlog-tiles)");
  Command exporting = tiles.command("export", "write checkpoint, tile/… and tile/entries/…");
  exporting.file_positional(
      "DIR", *directory,
      "where; full tiles that are there are kept; - is a tar on standard output");
  exporting.examples("  rollcall tiles export public/log1");
  exporting.run_here_or_there([directory](Context& context) {
    const auto reader = replay::Reader::open(context.layout()).value();
    const auto newest = store::newest_checkpoint(reader.log(), context.layout()).value();
    if (!newest.newest)
      throw store::Failure(
          {store::Errc::Incomplete, "nothing was ever signed: `rollcall checkpoint sign` signs"});
    std::string folder = *directory;
    const bool stream = folder == "-";
    if (stream) {
      folder = (std::filesystem::temp_directory_path() / "rollcall-tiles-XXXXXX").string();
      if (::mkdtemp(folder.data()) == nullptr)
        throw store::Failure({store::Errc::Io, "no temporary folder can be made"});
    }
    std::uint64_t files = 0;
    {
      ProgressBar bar(context, "exporting");
      files = store::export_tiles(reader.log(), *newest.newest, folder, [&](auto done, auto all) {
                bar.update(done, all);
              }).value();
    }
    if (stream) {
      const auto made = replay::read_bundle(folder);
      std::filesystem::remove_all(folder);
      replay::write_bundle(made.value(), "-").value();
    }
    fmt::print(stream ? stderr : stdout, "{} files, size {}\n", files,
               newest.newest->checkpoint.size);
    return 0;
  });
}

}  // namespace rollcall::cli
