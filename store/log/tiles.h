// Tiles at the C2SP paths (tlog-tiles v0.1.0): what any static web server can serve to a verifier.
#pragma once

#include "store/log/checkpoints.h"

#include <functional>

namespace rollcall::store::inline log {

/// tile/<L>/<N>[.p/<W>]; `level` below 0 is the entries' tile. Width 256 is a full tile.
[[nodiscard]] std::string tile_path(int level, std::uint64_t index, std::uint64_t width);

/// Takes a file of the export: its path, and all of it.
using TileSink = std::function<Result<void>(const std::string& path, ByteView content)>;

/// Hands over tile/…, tile/entries/… and at last the checkpoint, for its size: whoever finds the
/// checkpoint finds every tile that it needs. Returns the number of files. A tile of a path never
/// changes.
[[nodiscard]] Result<std::uint64_t> export_tiles(
    const EventLog& log, const SignedCheckpoint& checkpoint, const TileSink& put,
    const std::function<void(std::uint64_t, std::uint64_t)>& progress);

}  // namespace rollcall::store::inline log
