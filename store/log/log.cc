// Reading and appending.
#include "store/log/log.h"

#include "store/bytes/in_parallel.h"
#include "store/log/log_impl.h"

#include <rocksdb/options.h>
#include <rocksdb/write_batch.h>

#include <algorithm>
#include <cstring>

namespace rollcall::store::inline log {
namespace {

constexpr std::size_t kHashedAside = 512;  ///< headers in a commit from which a second thread pays

std::vector<Hash> leaf_hashes(std::span<const Header> headers) {
  std::vector<Hash> out;
  out.reserve(headers.size());
  for (const Header& h : headers)
    out.push_back(merkle::leaf_hash({reinterpret_cast<const std::uint8_t*>(&h), sizeof h}));
  return out;
}

}  // namespace

bool Log::writable() const { return impl_->writable; }
bool Log::failed() const { return impl_->failed; }
Seq Log::last() const { return impl_->last; }
Hash Log::root() const { return impl_->range.root(); }

std::string Log::origin() const {
  const auto value = meta("origin");
  return value && *value ? **value : std::string();
}

Result<void> Log::append(const Commit& commit, Durable durable, WithTree tree) {
  RC_TRY(impl_->sound());
  rocksdb::WriteBatch batch;
  Seq expected = impl_->last + 1;
  for (const Header& h : commit.headers) {
    if (h.seq != expected++)
      return Error{Errc::Conflict,
                   fmt::format("a commit skips a seq: expected {}, found {}", expected - 1, h.seq)};
  }
  const bool hashed = tree == WithTree::Yes;
  // A large commit's leaves are hashed on the other core while this one builds the batch.
  const bool aside = hashed && commit.headers.size() >= kHashedAside;
  std::future<std::vector<Hash>> leaves_aside;
  if (aside) leaves_aside = in_parallel([&commit] { return leaf_hashes(commit.headers); });
  for (std::size_t i = 0; i < commit.headers.size(); i += kRecordHeadersMax) {
    const auto part = std::span(commit.headers)
                          .subspan(i, std::min(kRecordHeadersMax, commit.headers.size() - i));
    batch.Put(impl_->log(), slice(seq_key(part.front().seq)), slice(encode_record(part)));
  }
  for (const auto& [seq, sealed] : commit.bodies)
    batch.Put(impl_->body(), slice(seq_key(seq)), slice(sealed));
  for (const std::string& key : commit.meta_gone) batch.Delete(impl_->meta(), key);
  for (const auto& [key, value] : commit.meta) batch.Put(impl_->meta(), key, value);
  merkle::CompactRange range = impl_->range;
  if (hashed) {
    const auto completed = [&](merkle::NodeId id, const Hash& hash) {
      if (id.level >= kStoredLevel) batch.Put(impl_->tree(), slice(node_key(id)), slice(hash));
    };
    const std::vector<Hash> leaves = aside ? leaves_aside.get() : leaf_hashes(commit.headers);
    Bytes marks;
    for (std::size_t i = 0; i < leaves.size(); ++i) {
      range.append(leaves[i], completed);
      marks.insert(marks.end(), leaves[i].begin(), leaves[i].begin() + 8);
      if ((i + 1) % kRecordHeadersMax == 0 || i + 1 == leaves.size()) {
        const Seq first = commit.headers[i / kRecordHeadersMax * kRecordHeadersMax].seq;
        batch.Put(impl_->tree(), slice(node_key({0, first})), slice(marks));
        marks.clear();
      }
    }
  }
  rocksdb::WriteOptions options;
  options.sync = durable == Durable::Yes;
  RC_TRY(impl_->wrote(impl_->db->Write(options, &batch), "appending"));
  impl_->range = std::move(range);
  impl_->last += commit.headers.size();
  return {};
}

Result<void> Log::sync() {
  RC_TRY(impl_->sound());
  return impl_->wrote(impl_->db->SyncWAL(), "syncing");
}

Result<void> Log::scan(Seq from, Seq to, const Visitor& visit) const {
  to = std::min(to, impl_->last.load());
  if (from == 0) from = 1;
  if (from > to) return {};
  rocksdb::ReadOptions options;
  constexpr Seq kMany = 1024;  // fewer lie in a block or two, and reading on would be for nothing
  if (to - from >= kMany) {
    options.readahead_size = 1U << 20;
    options.fill_cache = false;  // each block is read once: those that are read again stay
  }
  const std::unique_ptr<rocksdb::Iterator> it(impl_->db->NewIterator(options, impl_->log()));
  it->SeekForPrev(slice(seq_key(from)));
  Seq expected = from;
  while (expected <= to) {
    if (!it->Valid()) {
      if (!it->status().ok())
        return translate(it->status(), fmt::format("reading seq {}", expected));
      return Error{Errc::Tampered, fmt::format("seq {}: the log has no record of it", expected)};
    }
    const ByteView key = view(it->key());
    const auto record = RecordView::open(view(it->value()));
    if (key.size() != 8 || !record)
      return Error{Errc::Tampered, fmt::format("seq {}: its record is damaged", expected)};
    const Seq first = get_be64(key);
    if (first > expected || first + record->count() <= expected) {
      return Error{Errc::Tampered, fmt::format("seq {}: the log has no record of it", expected)};
    }
    for (std::size_t i = expected - first; i < record->count() && expected <= to; ++i, ++expected) {
      const Header header = record->header(i);
      if (header.seq != expected) {
        return Error{Errc::Tampered, fmt::format("seq {}: the entry in its place says it is {}",
                                                 expected, header.seq)};
      }
      if (!visit(header, record->leaf(i))) return {};
    }
    it->Next();
  }
  return {};
}

Result<void> Log::scan_back(Seq from, Seq to, const Visitor& visit) const {
  to = std::min(to, impl_->last.load());
  if (from == 0) from = 1;
  if (from > to) return {};
  const std::unique_ptr<rocksdb::Iterator> it(
      impl_->db->NewIterator(rocksdb::ReadOptions(), impl_->log()));
  it->SeekForPrev(slice(seq_key(to)));
  Seq expected = to;
  while (expected >= from) {
    if (!it->Valid()) {
      if (!it->status().ok())
        return translate(it->status(), fmt::format("reading seq {}", expected));
      return Error{Errc::Tampered, fmt::format("seq {}: the log has no record of it", expected)};
    }
    const auto record = RecordView::open(view(it->value()));
    if (it->key().size() != 8 || !record)
      return Error{Errc::Tampered, fmt::format("seq {}: its record is damaged", expected)};
    const Seq first = get_be64(view(it->key()));
    if (first > expected || first + record->count() <= expected) {
      return Error{Errc::Tampered, fmt::format("seq {}: the log has no record of it", expected)};
    }
    for (std::size_t i = expected - first + 1; i-- > 0 && expected >= from; --expected) {
      if (!visit(record->header(i), record->leaf(i))) return {};
    }
    it->Prev();
  }
  return {};
}

Result<std::optional<Bytes>> Log::leaf(Seq seq) const {
  std::optional<Bytes> out;
  RC_TRY(scan(seq, seq, [&](const Header&, ByteView leaf) {
    out.emplace(leaf.begin(), leaf.end());
    return false;
  }));
  return out;
}

Result<std::optional<Header>> Log::header(Seq seq) const {
  const auto bytes = leaf(seq);
  if (!bytes) return bytes.error();
  if (!*bytes) return std::optional<Header>{};
  return std::optional<Header>{decode_header(**bytes)};
}

Result<std::optional<Bytes>> Log::body(Seq seq) const {
  std::string value;
  const auto status =
      impl_->db->Get(rocksdb::ReadOptions(), impl_->body(), slice(seq_key(seq)), &value);
  if (status.IsNotFound()) return std::optional<Bytes>{};
  if (!status.ok()) return translate(status, fmt::format("reading the body of seq {}", seq));
  return std::optional<Bytes>{Bytes(value.begin(), value.end())};
}

Result<void> Log::scan_bodies(Seq from, Seq to,
                              const std::function<bool(Seq, ByteView)>& visit) const {
  rocksdb::ReadOptions options;
  options.readahead_size = 1U << 20;
  options.fill_cache = false;  // each block is read once: those that are read again stay
  const std::unique_ptr<rocksdb::Iterator> it(impl_->db->NewIterator(options, impl_->body()));
  for (it->Seek(slice(seq_key(from))); it->Valid(); it->Next()) {
    if (it->key().size() != 8) return Error{Errc::Tampered, "a body's key is not a seq"};
    const Seq seq = get_be64(view(it->key()));
    if (seq > to || !visit(seq, view(it->value()))) return {};
  }
  if (!it->status().ok()) return translate(it->status(), "reading bodies");
  return {};
}

Result<void> Log::drop_bodies(std::span<const Seq> seqs) {
  RC_TRY(impl_->sound());
  rocksdb::WriteBatch batch;
  for (const Seq seq : seqs) batch.Delete(impl_->body(), slice(seq_key(seq)));
  rocksdb::WriteOptions options;
  options.sync = true;
  return impl_->wrote(impl_->db->Write(options, &batch), "dropping bodies");
}

Result<void> Log::compact_bodies() {
  RC_TRY(impl_->sound());
  rocksdb::FlushOptions flush;
  auto status = impl_->db->Flush(flush, impl_->body());
  if (status.ok()) {
    rocksdb::CompactRangeOptions options;
    options.bottommost_level_compaction = rocksdb::BottommostLevelCompaction::kForce;
    status = impl_->db->CompactRange(options, impl_->body(), nullptr, nullptr);
  }
  // The WAL holds the dropped bodies until every family has moved past it.
  if (status.ok()) status = impl_->db->Flush(flush, impl_->handles);
  return impl_->wrote(status, "compacting bodies");
}

Result<std::optional<Hash>> Log::stored_node(merkle::NodeId id) const {
  std::string value;
  const auto status =
      impl_->db->Get(rocksdb::ReadOptions(), impl_->tree(), slice(node_key(id)), &value);
  if (status.IsNotFound()) return std::optional<Hash>{};
  if (!status.ok()) return translate(status, "reading the tree");
  if (value.size() != 32)
    return Error{Errc::Tampered,
                 fmt::format("tree node {}/{} is not 32 bytes", id.level, id.index)};
  Hash hash;
  std::memcpy(hash.data(), value.data(), 32);
  return std::optional<Hash>{hash};
}

Result<std::vector<std::uint64_t>> Log::leaf_marks(Seq from, Seq to) const {
  std::vector<std::uint64_t> out(to < from ? 0 : to - from + 1, 0);
  const std::unique_ptr<rocksdb::Iterator> it(
      impl_->db->NewIterator(rocksdb::ReadOptions(), impl_->tree()));
  const Bytes start = node_key({0, from});
  for (it->SeekForPrev(slice(start)), it->Valid() ? void() : it->SeekToFirst(); it->Valid();
       it->Next()) {
    const ByteView key = view(it->key());
    if (key.size() != 9) return Error{Errc::Tampered, "a key of the tree is not nine bytes long"};
    if (key[0] != 0) break;
    const Seq first = get_be64(key.subspan(1));
    if (first > to) break;
    const ByteView marks = view(it->value());
    for (std::size_t i = 0; i < marks.size() / 8; ++i) {
      if (first + i >= from && first + i <= to)
        out[first + i - from] = get_be64(marks.subspan(i * 8));
    }
  }
  if (!it->status().ok()) return translate(it->status(), "reading the tree");
  return out;
}

merkle::NodeSource Log::nodes() const {
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

Result<Hash> Log::root_at(std::uint64_t size) const { return merkle::root(size, nodes()); }

Result<std::optional<std::string>> Log::meta(std::string_view key) const {
  std::string value;
  const auto status = impl_->db->Get(rocksdb::ReadOptions(), impl_->meta(), slice(key), &value);
  if (status.IsNotFound()) return std::optional<std::string>{};
  if (!status.ok()) return translate(status, fmt::format("reading meta {}", key));
  return std::optional<std::string>{std::move(value)};
}

Result<void> Log::put_meta(std::string_view key, std::string_view value) {
  RC_TRY(impl_->sound());
  rocksdb::WriteOptions options;
  options.sync = true;
  return impl_->wrote(impl_->db->Put(options, impl_->meta(), slice(key), slice(value)),
                      "writing meta");
}

Result<void> Log::delete_meta(std::string_view key) {
  RC_TRY(impl_->sound());
  rocksdb::WriteOptions options;
  options.sync = true;
  return impl_->wrote(impl_->db->Delete(options, impl_->meta(), slice(key)), "writing meta");
}

Result<std::vector<std::pair<std::string, std::string>>> Log::scan_meta(
    std::string_view prefix) const {
  return scan_meta(prefix, prefix, ~std::size_t{0});
}

Result<std::vector<std::pair<std::string, std::string>>> Log::scan_meta(std::string_view prefix,
                                                                        std::string_view from,
                                                                        std::size_t most) const {
  std::vector<std::pair<std::string, std::string>> out;
  const std::unique_ptr<rocksdb::Iterator> it(
      impl_->db->NewIterator(rocksdb::ReadOptions(), impl_->meta()));
  for (it->Seek(slice(from));
       it->Valid() && it->key().starts_with(slice(prefix)) && out.size() < most; it->Next()) {
    out.emplace_back(it->key().ToString(), it->value().ToString());
  }
  if (!it->status().ok()) return translate(it->status(), "reading meta");
  return out;
}

Result<std::optional<std::pair<std::string, std::string>>> Log::last_meta(
    std::string_view prefix) const {
  const std::unique_ptr<rocksdb::Iterator> it(
      impl_->db->NewIterator(rocksdb::ReadOptions(), impl_->meta()));
  it->SeekForPrev(std::string(prefix) + "\xFF");  // keys are ASCII
  if (!it->status().ok()) return translate(it->status(), "reading meta");
  std::optional<std::pair<std::string, std::string>> out;
  if (it->Valid() && it->key().starts_with(slice(prefix)))
    out.emplace(it->key().ToString(), it->value().ToString());
  return out;
}

Result<Seq> Log::seq_at(engine::Micros t) const {
  Seq low = 1;
  Seq high = impl_->last + 1;
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

Result<void> Log::overwrite_for_test(std::string_view family, std::string_view key,
                                     std::string_view value) {
  for (auto* handle : impl_->handles) {
    if (handle->GetName() != family) continue;
    const auto status = impl_->db->Put(rocksdb::WriteOptions(), handle, slice(key), slice(value));
    if (!status.ok()) return translate(status, "overwriting");
    return {};
  }
  return Error{Errc::BadInput, "no such family"};
}

Result<std::vector<std::pair<std::string, std::string>>> Log::dump_for_test(
    std::string_view family) const {
  std::vector<std::pair<std::string, std::string>> out;
  for (auto* handle : impl_->handles) {
    if (handle->GetName() != family) continue;
    const std::unique_ptr<rocksdb::Iterator> it(
        impl_->db->NewIterator(rocksdb::ReadOptions(), handle));
    for (it->SeekToFirst(); it->Valid(); it->Next())
      out.emplace_back(it->key().ToString(), it->value().ToString());
  }
  return out;
}

}  // namespace rollcall::store::inline log
