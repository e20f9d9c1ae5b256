// Exporting tiles.
#include "store/log/tiles.h"

#include <fmt/format.h>

#include <algorithm>

namespace rollcall::store::inline log {
namespace {

constexpr std::uint64_t kTileWidth = 256;

}  // namespace

std::string tile_path(int level, std::uint64_t index, std::uint64_t width) {
  std::string number = fmt::format("{:03}", index % 1000);
  for (std::uint64_t rest = index / 1000; rest > 0; rest /= 1000)
    number = fmt::format("x{:03}/{}", rest % 1000, number);
  const std::string name = level < 0 ? "entries" : fmt::format("{}", level);
  return width == kTileWidth ? fmt::format("tile/{}/{}", name, number)
                             : fmt::format("tile/{}/{}.p/{}", name, number, width);
}

Result<std::uint64_t> export_tiles(
    const EventLog& log, const SignedCheckpoint& checkpoint, const TileSink& put,
    const std::function<void(std::uint64_t, std::uint64_t)>& progress) {
  const std::uint64_t size = checkpoint.checkpoint.size;
  if (size > log.last())
    return Error{Errc::Tampered, "the checkpoint covers more than the log holds"};
  std::uint64_t files = 0;
  // Level 0 and the entries in one pass over the headers.
  Bytes hashes;
  Bytes entries;
  std::optional<Error> failed;
  const auto flush = [&](std::uint64_t leaves) -> Result<void> {
    const std::uint64_t width = hashes.size() / 32;
    const std::uint64_t index = (leaves - 1) / kTileWidth;
    for (const auto& [level, content] :
         {std::pair<int, const Bytes*>{0, &hashes}, {-1, &entries}}) {
      RC_TRY(put(tile_path(level, index, width), *content));
      ++files;
    }
    hashes.clear();
    entries.clear();
    return {};
  };
  RC_TRY(log.scan(1, size, [&](const Header& h, ByteView leaf) {
    const Hash hash = merkle::leaf_hash(leaf);
    hashes.insert(hashes.end(), hash.begin(), hash.end());
    entries.push_back(static_cast<std::uint8_t>(leaf.size() >> 8));
    entries.push_back(static_cast<std::uint8_t>(leaf.size() & 0xFF));
    entries.insert(entries.end(), leaf.begin(), leaf.end());
    if (h.seq % kTileWidth == 0 || h.seq == size) {
      if (const auto ok = flush(h.seq); !ok) {
        failed = ok.error();
        return false;
      }
      if (progress) progress(h.seq, size);
    }
    return true;
  }));
  if (failed) return *failed;
  // Each level above holds the roots of the full tiles below it.
  const merkle::NodeSource nodes = log.nodes();
  for (std::uint32_t level = 1; size >> (8 * level) > 0; ++level) {
    const std::uint64_t count = size >> (8 * level);
    for (std::uint64_t first = 0; first < count; first += kTileWidth) {
      Bytes content;
      const std::uint64_t width = std::min(kTileWidth, count - first);
      for (std::uint64_t i = 0; i < width; ++i) {
        const auto hash = nodes({8 * level, first + i});
        if (!hash) return hash.error();
        content.insert(content.end(), hash->begin(), hash->end());
      }
      RC_TRY(put(tile_path(static_cast<int>(level), first / kTileWidth, width), content));
      ++files;
    }
  }
  RC_TRY(put("checkpoint", as_bytes(note::render(checkpoint.note))));
  return files + 1;
}

}  // namespace rollcall::store::inline log
