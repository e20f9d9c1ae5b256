// Reading and appending.
#include "store/log/log.h"

#include "engine/check.h"
#include "store/bytes/in_parallel.h"
#include "store/log/log_impl.h"

#include <rocksdb/options.h>
#include <rocksdb/write_batch.h>

#include <algorithm>
#include <cstring>

namespace rollcall::store::inline log {
namespace {

constexpr std::size_t kHashedAside = 512;  ///< headers in a commit from which a second thread pays

Error misplaced(Seq expected, Seq found) {
  return {Errc::Tampered,
          fmt::format("seq {}: the entry in its place says it is {}", expected, found)};
}

/// What is written reads again as what was meant: a seq that changed on its way into the record
/// would be found when nobody can tell any more what it was.
void check_record(ByteView bytes, std::span<const Header> headers) {
  const auto record = RecordView::open(bytes);
  RC_CHECK(record && record->count() == headers.size());
  RC_CHECK(record->header(0).seq == headers.front().seq);
  RC_CHECK(record->header(headers.size() - 1).seq == headers.back().seq);
}

}  // namespace

bool Log::writable() const { return impl_->writable; }
bool Log::failed() const { return impl_->failed; }
Seq Log::last() const { return impl_->last; }
Hash Log::root() const { return impl_->range.root(); }

Appended Log::append(const Commit& commit, Durable durable, WithTree tree) {
  if (const auto sound = impl_->sound(); !sound) return Appended::refused(sound.error());
  if (auto gap = gap_in(commit, impl_->last)) return Appended::refused(std::move(*gap));
  rocksdb::WriteBatch batch;
  const bool hashed = tree == WithTree::Yes;
  // A large commit's leaves are hashed on the other core while this one builds the batch.
  const bool aside = hashed && commit.headers.size() >= kHashedAside;
  std::future<std::vector<Hash>> leaves_aside;
  if (aside) leaves_aside = in_parallel([&commit] { return leaf_hashes(commit.headers); });
  for (std::size_t i = 0; i < commit.headers.size(); i += kRecordHeadersMax) {
    const auto part = std::span(commit.headers)
                          .subspan(i, std::min(kRecordHeadersMax, commit.headers.size() - i));
    const Bytes record = encode_record(part);
    check_record(record, part);
    batch.Put(impl_->log(), slice(seq_key(part.front().seq)), slice(record));
  }
  for (const auto& [seq, sealed] : commit.bodies)
    batch.Put(impl_->body(), slice(seq_key(seq)), slice(sealed));
  for (const std::string& key : commit.meta_gone) batch.Delete(impl_->meta(), key);
  for (const auto& [key, value] : commit.meta) batch.Put(impl_->meta(), key, value);
  merkle::CompactRange range = impl_->range;
  if (hashed) {
    const auto put = [&](merkle::NodeId id, ByteView value) {
      batch.Put(impl_->tree(), slice(node_key(id)), slice(value));
    };
    grow(range, commit, aside ? leaves_aside.get() : leaf_hashes(commit.headers),
         {[&put](merkle::NodeId id, const Hash& hash) { put(id, hash); },
          [&put](Seq first, ByteView marks) {
            put({0, first}, marks);
          }});
  }
  rocksdb::WriteOptions options;
  options.sync = durable == Durable::Yes;
  const auto wrote = impl_->wrote(impl_->db->Write(options, &batch), "appending");
  if (!wrote) return Appended::unknown(wrote.error());
  const bool whole_tree = impl_->range.size() == impl_->last;  // not after WithTree::No
  impl_->range = std::move(range);
  impl_->last += commit.headers.size();
  RC_CHECK(!hashed || !whole_tree || impl_->range.size() == impl_->last);
  return Appended::durable();
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
      if (header.seq != expected) return misplaced(expected, header.seq);
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
      const Header header = record->header(i);
      if (header.seq != expected) return misplaced(expected, header.seq);
      if (!visit(header, record->leaf(i))) return {};
    }
    it->Prev();
  }
  return {};
}

Result<std::optional<Bytes>> Log::body(Seq seq) const {
  std::string value;
  const auto status =
      impl_->db->Get(rocksdb::ReadOptions(), impl_->body(), slice(seq_key(seq)), &value);
  if (status.IsNotFound()) return std::optional<Bytes>{};
  if (!status.ok()) return translate(status, fmt::format("reading the body of seq {}", seq));
  return std::optional<Bytes>{Bytes(value.begin(), value.end())};
}

Result<void> Log::scan_bodies(Seq from, Seq to, const BodyVisitor& visit) const {
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

Result<std::optional<std::string>> Log::meta(std::string_view key) const {
  std::string value;
  const auto status = impl_->db->Get(rocksdb::ReadOptions(), impl_->meta(), slice(key), &value);
  if (status.IsNotFound()) return std::optional<std::string>{};
  if (!status.ok()) return translate(status, fmt::format("reading meta {}", key));
  return std::optional<std::string>{std::move(value)};
}

Result<EventLog::MetaEntries> Log::scan_meta(std::string_view prefix, std::string_view from,
                                             std::size_t most) const {
  MetaEntries out;
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

}  // namespace rollcall::store::inline log
