// What follows from a log's own answers, whatever it is kept on.
#include "store/log/event_log.h"

#include "store/log/codec.h"

#include <fmt/format.h>

namespace rollcall::store::inline log {

std::optional<Error> EventLog::gap_in(const Commit& commit, Seq last) {
  Seq expected = last + 1;
  for (const Header& h : commit.headers) {
    if (h.seq != expected)
      return Error{Errc::Conflict,
                   fmt::format("a commit skips a seq: expected {}, found {}", expected, h.seq)};
    ++expected;
  }
  return std::nullopt;
}

std::vector<Hash> EventLog::leaf_hashes(std::span<const Header> headers) {
  std::vector<Hash> out;
  out.reserve(headers.size());
  for (const Header& h : headers)
    out.push_back(merkle::leaf_hash({reinterpret_cast<const std::uint8_t*>(&h), sizeof h}));
  return out;
}

void EventLog::grow(merkle::CompactRange& range, const Commit& commit, std::span<const Hash> leaves,
                    const TreeSink& sink) {
  const std::function<void(merkle::NodeId, const Hash&)> completed = [&](merkle::NodeId id,
                                                                         const Hash& hash) {
    if (id.level >= kStoredLevel) sink.node(id, hash);
  };
  Bytes marks;
  for (std::size_t i = 0; i < leaves.size(); ++i) {
    range.append(leaves[i], completed);
    marks.insert(marks.end(), leaves[i].begin(), leaves[i].begin() + 8);
    if ((i + 1) % kRecordHeadersMax == 0 || i + 1 == leaves.size()) {
      sink.marks(commit.headers[i / kRecordHeadersMax * kRecordHeadersMax].seq, marks);
      marks.clear();
    }
  }
}

Result<std::optional<Bytes>> EventLog::leaf(Seq seq) const {
  std::optional<Bytes> out;
  RC_TRY(scan(seq, seq, [&](const Header&, ByteView leaf) {
    out.emplace(leaf.begin(), leaf.end());
    return false;
  }));
  return out;
}

Result<std::optional<Header>> EventLog::header(Seq seq) const {
  const auto bytes = leaf(seq);
  if (!bytes) return bytes.error();
  if (!*bytes) return std::optional<Header>{};
  return std::optional<Header>{decode_header(**bytes)};
}

merkle::NodeSource EventLog::nodes() const {
  // Proofs ask for several nodes of one 256-leaf tile: keep the tile's leaves while they repeat.
  struct Tile {
    std::uint64_t number = ~std::uint64_t{0};
    std::vector<Hash> leaves;
  };
  return [this, tile = std::make_shared<Tile>()](merkle::NodeId id) -> Result<Hash> {
    if (id.level >= kStoredLevel) {
      const auto stored = stored_node(id);
      if (!stored) return stored.error();
      if (!*stored)
        return Error{Errc::Tampered, fmt::format("tree node {}/{} (seq {} on) is missing", id.level,
                                                 id.index, (id.index << id.level) + 1)};
      return **stored;
    }
    const std::uint64_t first = id.index << id.level;
    const std::uint64_t number = first >> kStoredLevel;
    const std::uint64_t width = std::uint64_t{1} << id.level;
    if (tile->number != number || tile->leaves.size() < (first & 255) + width) {
      tile->number = ~std::uint64_t{0};
      tile->leaves.clear();
      RC_TRY(scan((number << kStoredLevel) + 1, (number + 1) << kStoredLevel,
                  [&](const Header&, ByteView leaf) {
                    tile->leaves.push_back(merkle::leaf_hash(leaf));
                    return true;
                  }));
      tile->number = number;
    }
    if (tile->leaves.size() < (first & 255) + width) {
      return Error{Errc::BadInput, fmt::format("the log ends before seq {}", first + width)};
    }
    std::vector<Hash> level(
        tile->leaves.begin() + static_cast<std::ptrdiff_t>(first & 255),
        tile->leaves.begin() + static_cast<std::ptrdiff_t>((first & 255) + width));
    while (level.size() > 1) {
      for (std::size_t i = 0; i < level.size() / 2; ++i)
        level[i] = merkle::node_hash(level[2 * i], level[2 * i + 1]);
      level.resize(level.size() / 2);
    }
    return level.front();
  };
}

Result<Hash> EventLog::root_at(std::uint64_t size) const { return merkle::root(size, nodes()); }

std::string EventLog::origin() const {
  const auto value = meta("origin");
  return value && *value ? **value : std::string();
}

Result<void> EventLog::put_meta(std::string_view key, std::string_view value) {
  Commit commit;
  commit.meta.emplace_back(key, value);
  return append(commit).result();
}

Result<void> EventLog::delete_meta(std::string_view key) {
  Commit commit;
  commit.meta_gone.emplace_back(key);
  return append(commit).result();
}

Result<EventLog::MetaEntries> EventLog::scan_meta(std::string_view prefix) const {
  return scan_meta(prefix, prefix, ~std::size_t{0});
}

Result<Seq> EventLog::seq_at(engine::Micros t) const {
  Seq low = 1;
  Seq high = last() + 1;
  while (low < high) {
    const Seq middle = low + (high - low) / 2;
    const auto h = header(middle);
    if (!h) return h.error();
    if (!*h)
      return Error{Errc::Tampered, fmt::format("seq {}: the log has no record of it", middle)};
    if ((*h)->at >= t)
      high = middle;
    else
      low = middle + 1;
  }
  return low;
}

}  // namespace rollcall::store::inline log
