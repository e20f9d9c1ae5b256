// Tiles against those of the known log, and proofs made from our own tiles.
#include "store/log/tiles.h"

#include "store/log/log.h"
#include "tests/support/stores.h"

#include <catch2/catch.hpp>

#include <map>

using namespace rollcall;
using namespace rollcall::store;
using test::Scratch;

TEST_CASE("exported tiles rebuild the signed root", "[store]") {
  const Scratch scratch;
  const auto layout = test::make_store(scratch.path() / "data", 900, 31);
  const auto log = Log::open(layout, Log::Mode::Read).value();
  const auto newest = newest_checkpoint(*log, layout).value().newest.value();
  std::map<std::string, std::string> files;
  std::string last;
  const auto count = export_tiles(
                         *log, newest,
                         [&](const std::string& path, ByteView content) -> Result<void> {
                           CHECK(files.emplace(path, as_text(content)).second);
                           last = path;
                           return {};
                         },
                         nullptr)
                         .value();
  CHECK(count == files.size());
  CHECK(last == "checkpoint");
  CHECK(files.at("checkpoint") == note::render(newest.note));
  merkle::CompactRange range;
  const std::uint64_t size = newest.checkpoint.size;
  for (std::uint64_t tile = 0; tile * 256 < size; ++tile) {
    const std::uint64_t width = std::min<std::uint64_t>(256, size - tile * 256);
    const std::string hashes = files.at(tile_path(0, tile, width));
    const std::string entries = files.at(tile_path(-1, tile, width));
    REQUIRE(hashes.size() == width * 32);
    REQUIRE(entries.size() == width * (2 + kHeaderSize));
    for (std::uint64_t i = 0; i < width; ++i) {
      Hash h;
      std::copy_n(hashes.begin() + static_cast<std::ptrdiff_t>(32 * i), 32, h.begin());
      CHECK(merkle::leaf_hash(as_bytes(std::string_view(entries).substr(i * 114 + 2, 112))) == h);
      range.append(h);
    }
  }
  CHECK(range.root() == newest.checkpoint.root);
  CHECK(files.at(tile_path(1, 0, size / 256)).size() == size / 256 * 32);
  // Whoever has enough is asked no more.
  int taken = 0;
  const auto ended = export_tiles(
      *log, newest,
      [&](const std::string&, ByteView) -> Result<void> {
        if (++taken < 3) return {};
        return Error{Errc::Io, "enough"};
      },
      nullptr);
  CHECK(ended.has_error());
  CHECK(taken == 3);
}

TEST_CASE("the tiles of the known log lead to its checkpoint", "[store]") {
  const auto directory = test::test_data("tlog/log");
  if (!directory) {
    WARN("skipped: no tlog/log in the test data");
    return;
  }
  const auto checkpoint =
      note::parse_checkpoint(note::parse(test::slurp(*directory / "checkpoint")).value().text)
          .value();
  merkle::CompactRange range;
  for (std::uint64_t tile = 0; tile * 256 < checkpoint.size; ++tile) {
    const std::uint64_t width = std::min<std::uint64_t>(256, checkpoint.size - tile * 256);
    const std::string hashes = test::slurp(*directory / tile_path(0, tile, width));
    const std::string entries = test::slurp(*directory / tile_path(-1, tile, width));
    std::size_t at = 0;
    for (std::uint64_t i = 0; i < width; ++i) {
      const std::size_t size =
          static_cast<std::size_t>(static_cast<unsigned char>(entries[at])) * 256 +
          static_cast<unsigned char>(entries[at + 1]);
      const Hash leaf = merkle::leaf_hash(as_bytes(std::string_view(entries).substr(at + 2, size)));
      CHECK(as_text(leaf) == std::string_view(hashes).substr(32 * i, 32));
      range.append(leaf);
      at += 2 + size;
    }
  }
  CHECK(range.root() == checkpoint.root);
}
