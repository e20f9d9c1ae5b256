// Tiles at the C2SP paths (tlog-tiles v0.1.0): what any static web server can serve to a verifier.
#pragma once

#include "store/log/checkpoints.h"

#include <functional>

namespace rollcall::store::inline log {

/// tile/<L>/<N>[.p/<W>]; `level` below 0 is the entries' tile. Width 256 is a full tile.
[[nodiscard]] std::string tile_path(int level, std::uint64_t index, std::uint64_t width);

/// Writes checkpoint, tile/… and tile/entries/… for the checkpoint's size; keeps existing files of
/// full tiles. Returns the number of files written.
[[nodiscard]] Result<std::uint64_t> export_tiles(
    const EventLog& log, const SignedCheckpoint& checkpoint, const std::filesystem::path& directory,
    const std::function<void(std::uint64_t, std::uint64_t)>& progress);

}  // namespace rollcall::store::inline log
