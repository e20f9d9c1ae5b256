// The log over RocksDB.
#include "store/log.h"

#include "store/crypto.h"
#include "store/files.h"

#include <fmt/format.h>
#include <rocksdb/convenience.h>
#include <rocksdb/db.h>
#include <rocksdb/filter_policy.h>
#include <rocksdb/options.h>
#include <rocksdb/table.h>
#include <rocksdb/utilities/checkpoint.h>
#include <rocksdb/write_batch.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cstring>
#include <future>

namespace rollcall::store {
namespace {

using rocksdb::ColumnFamilyHandle;
using rocksdb::Slice;

constexpr std::uint32_t kStoredLevel = 8;  ///< smallest subtrees that the tree family holds
constexpr std::string_view kFormat = "rollcall-log-1";

Slice slice(ByteView bytes) { return {reinterpret_cast<const char*>(bytes.data()), bytes.size()}; }
Slice slice(std::string_view text) { return {text.data(), text.size()}; }
ByteView view(const Slice& s) {
  return {reinterpret_cast<const std::uint8_t*>(s.data()), s.size()};
}

Bytes seq_key(Seq seq) {
  Bytes key;
  put_be64(key, seq);
  return key;
}

Bytes node_key(merkle::NodeId id) {
  Bytes key{static_cast<std::uint8_t>(id.level)};
  put_be64(key, id.index);
  return key;
}

Error translate(const rocksdb::Status& status, std::string_view doing) {
  Errc code = Errc::Io;
  if (status.IsCorruption()) code = Errc::Incomplete;
  if (status.IsBusy() || status.ToString().find("lock") != std::string::npos) code = Errc::Conflict;
  return {code, fmt::format("{}: {}", doing, status.ToString())};
}

constexpr std::size_t kHashedAside = 512;  ///< headers in a commit from which a second thread pays

std::vector<Hash> leaf_hashes(std::span<const Header> headers) {
  std::vector<Hash> out;
  out.reserve(headers.size());
  for (const Header& h : headers)
    out.push_back(merkle::leaf_hash({reinterpret_cast<const std::uint8_t*>(&h), sizeof h}));
  return out;
}

/// What a clean close leaves: the last seq, with a sum of itself.
std::string clean_text(Seq last) {
  const std::string number = fmt::format("{}", last);
  return fmt::format("{} {}\n", number, hex(ByteView(sha256({as_bytes(number)})).first(8)));
}

rocksdb::Options db_options() {
  rocksdb::Options o;
  o.create_missing_column_families = true;
  o.allow_concurrent_memtable_write = false;  // one writer, ascending keys: the cheap insert path
  o.max_total_wal_size = 64U << 20;           // every reader replays the WAL
  o.bytes_per_sync = 1U << 20;
  o.wal_bytes_per_sync = 0;
  o.max_open_files = -1;
  o.keep_log_file_num = 2;
  o.info_log_level = rocksdb::WARN_LEVEL;
  o.recycle_log_file_num = 0;
  o.wal_recovery_mode = rocksdb::WALRecoveryMode::kPointInTimeRecovery;
  return o;
}

rocksdb::ColumnFamilyOptions family_options(std::size_t block_size) {
  rocksdb::ColumnFamilyOptions o;
  o.compression = rocksdb::kZSTD;
  rocksdb::BlockBasedTableOptions table;
  table.block_size = block_size;
  table.format_version = 5;
  o.table_factory.reset(rocksdb::NewBlockBasedTableFactory(table));
  return o;
}

std::vector<rocksdb::ColumnFamilyDescriptor> families() {
  auto body = family_options(4U << 10);
  body.compression = rocksdb::kNoCompression;  // sealed bytes do not compress
  return {{rocksdb::kDefaultColumnFamilyName, family_options(4U << 10)},
          {"log", family_options(8U << 10)},
          {"body", body},
          {"tree", family_options(4U << 10)},
          {"meta", family_options(4U << 10)}};
}

}  // namespace

struct Log::Impl {
  Layout layout;
  std::unique_ptr<rocksdb::DB> db;
  std::vector<ColumnFamilyHandle*> handles;
  std::optional<FileLock> lock;
  std::filesystem::path scratch;  ///< a secondary's own folder
  Seq last = 0;
  merkle::CompactRange range;
  bool writable = false;

  ~Impl() {
    for (ColumnFamilyHandle* handle : handles) db->DestroyColumnFamilyHandle(handle);
    db.reset();
    if (!scratch.empty()) {
      std::error_code ec;
      std::filesystem::remove_all(scratch, ec);
    }
  }

  ColumnFamilyHandle* log() const { return handles[1]; }
  ColumnFamilyHandle* body() const { return handles[2]; }
  ColumnFamilyHandle* tree() const { return handles[3]; }
  ColumnFamilyHandle* meta() const { return handles[4]; }
};

Log::Log(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}

Log::~Log() {
  if (impl_ && impl_->writable && impl_->db) {
    // What a clean close leaves for the next opening to compare with.
    (void)impl_->db->SyncWAL();
    // A long WAL is replayed by everyone who opens the log after us.
    rocksdb::VectorLogPtr wals;
    std::uint64_t wal_bytes = 0;
    if (impl_->db->GetSortedWalFiles(wals).ok()) {
      for (const auto& wal : wals) wal_bytes += wal->SizeFileBytes();
    }
    constexpr std::uint64_t kLongWal = 4U << 20;
    if (wal_bytes > kLongWal) (void)impl_->db->Flush(rocksdb::FlushOptions(), impl_->handles);
    (void)replace_file(impl_->layout.clean(), clean_text(impl_->last));
  }
}

namespace {

Result<rocksdb::DB*> open_db(const std::filesystem::path& path, rocksdb::Options options,
                             const char* how, const std::filesystem::path& scratch,
                             std::vector<ColumnFamilyHandle*>& handles) {
  rocksdb::DB* db = nullptr;
  const rocksdb::DBOptions db_only(options);
  rocksdb::Status status;
  if (std::strcmp(how, "write") == 0) {
    status = rocksdb::DB::Open(db_only, path.string(), families(), &handles, &db);
  } else if (std::strcmp(how, "read") == 0) {
    status = rocksdb::DB::OpenForReadOnly(db_only, path.string(), families(), &handles, &db);
  } else {
    status = rocksdb::DB::OpenAsSecondary(db_only, path.string(), scratch.string(), families(),
                                          &handles, &db);
  }
  if (!status.ok()) return translate(status, fmt::format("opening {}", path.string()));
  return db;
}

std::filesystem::path scratch_folder() {
  static std::atomic<unsigned> counter{0};
  return std::filesystem::temp_directory_path() /
         fmt::format("rollcall-{}-{}", ::getpid(), counter++);
}

/// The last seq of an open database.
Result<Seq> last_seq(rocksdb::DB& db, ColumnFamilyHandle* log) {
  const std::unique_ptr<rocksdb::Iterator> it(db.NewIterator(rocksdb::ReadOptions(), log));
  it->SeekToLast();
  if (!it->status().ok()) return translate(it->status(), "reading the log's end");
  if (!it->Valid()) return Seq{0};
  const auto record = RecordView::open(view(it->value()));
  if (!record) return record.error();
  if (it->key().size() != 8) return Error{Errc::Tampered, "the log's last key is not a seq"};
  return get_be64(view(it->key())) + record->count() - 1;
}

/// The last seq under one WAL recovery mode, read-only.
Result<Seq> probe(const Layout& layout, rocksdb::WALRecoveryMode mode) {
  auto options = db_options();
  options.wal_recovery_mode = mode;
  options.create_missing_column_families = false;
  const auto scratch = scratch_folder();
  std::filesystem::create_directories(scratch);
  options.db_log_dir = scratch.string();
  std::vector<ColumnFamilyHandle*> handles;
  const auto db = open_db(layout.log(), options, "read", {}, handles);
  Result<Seq> out = Seq{0};
  if (db) {
    const std::unique_ptr<rocksdb::DB> owned(*db);
    out = last_seq(*owned, handles[1]);
    for (auto* handle : handles) owned->DestroyColumnFamilyHandle(handle);
  } else {
    out = db.error();
  }
  std::error_code ec;
  std::filesystem::remove_all(scratch, ec);
  return out;
}

/// Refuses a log whose acknowledged history was damaged, where `last` is what RocksDB's default
/// recovery reads. That recovery drops everything after a damaged WAL record without a word; the
/// strict one refuses a torn tail. Reading on past damage tells them apart: the same last seq is a
/// torn tail. After a clean close the marker tells without reading twice.
Result<void> check_recovery(const Layout& layout, Seq last) {
  if (const auto clean = read_file(layout.clean())) {
    // A damaged marker is no evidence: one that does not fit its own sum counts as absent.
    const auto parsed = parse_decimal(std::string_view(*clean).substr(0, clean->find(' ')));
    if (parsed && *clean == clean_text(*parsed)) {
      if (*parsed == last) return {};
      return Error{
          Errc::Tampered,
          fmt::format(
              "damage inside acknowledged history: the log was closed at seq {} and now ends at {}",
              *parsed, last)};
    }
  }
  const auto loose = probe(layout, rocksdb::WALRecoveryMode::kSkipAnyCorruptedRecords);
  if (!loose) return loose.error();
  if (last != *loose) {
    return Error{Errc::Tampered,
                 fmt::format("damage inside acknowledged history: the write-ahead log reads up to "
                             "seq {}, and goes on after a gap to {}",
                             last, *loose)};
  }
  return {};
}

}  // namespace

Result<std::unique_ptr<Log>> Log::create(const Layout& layout, std::string_view origin) {
  if (exists(layout))
    return Error{Errc::Conflict, fmt::format("{} is a log already", layout.log().string())};
  RC_TRY(make_directories(layout.app_dir));
  auto impl = std::make_unique<Impl>();
  impl->layout = layout;
  auto lock = FileLock::try_lock(layout.writer_lock());
  if (!lock) return lock.error();
  if (!*lock)
    return Error{Errc::Conflict,
                 fmt::format("another process is writing to {}", layout.app_dir.string())};
  impl->lock.emplace(std::move(**lock));
  auto options = db_options();
  options.create_if_missing = true;
  const auto db = open_db(layout.log(), options, "write", {}, impl->handles);
  if (!db) return db.error();
  impl->db.reset(*db);
  impl->writable = true;
  std::unique_ptr<Log> log(new Log(std::move(impl)));
  RC_TRY(log->put_meta("format", kFormat));
  RC_TRY(log->put_meta("origin", origin));
  return log;
}

Result<std::unique_ptr<Log>> Log::open(const Layout& layout, Mode mode) {
  // A writer that starts or ends while a reader opens looks like damage for a moment: real damage
  // is still there when the reader looks again.
  constexpr int kLooks = 4;
  auto opened = open_once(layout, mode);
  for (int look = 1; look < kLooks && !opened && mode != Mode::Write && exists(layout); ++look)
    opened = open_once(layout, mode);
  return opened;
}

Result<std::unique_ptr<Log>> Log::open_once(const Layout& layout, Mode mode) {
  if (!exists(layout)) {
    return Error{Errc::NotFound,
                 fmt::format("there is no log in {} (a login, an import or `store init` makes one)",
                             layout.app_dir.string())};
  }
  auto impl = std::make_unique<Impl>();
  impl->layout = layout;
  const bool writer_alive = mode != Mode::Write && FileLock::held(layout.writer_lock());
  if (mode == Mode::Write) {
    auto lock = FileLock::try_lock(layout.writer_lock());
    if (!lock) return lock.error();
    if (!*lock)
      return Error{Errc::Conflict,
                   fmt::format("another process is writing to {}", layout.app_dir.string())};
    impl->lock.emplace(std::move(**lock));
  }
  if (mode == Mode::Write) {  // before anything is opened for writing: recovery itself would drop
                              // what it cannot read
    const auto readable = probe(layout, rocksdb::WALRecoveryMode::kPointInTimeRecovery);
    if (!readable) return readable.error();
    RC_TRY(check_recovery(layout, *readable));
  }
  auto options = db_options();
  if (mode != Mode::Write) {
    impl->scratch = scratch_folder();
    RC_TRY(make_directories(impl->scratch));
    options.db_log_dir = impl->scratch.string();
    options.create_missing_column_families = false;
  } else {
    std::error_code ec;
    std::filesystem::remove(layout.clean(), ec);
  }
  const bool secondary = mode == Mode::Follow || (mode == Mode::Read && writer_alive);
  const char* how = mode == Mode::Write ? "write" : secondary ? "secondary" : "read";
  const auto db = open_db(layout.log(), options, how, impl->scratch, impl->handles);
  if (!db) return db.error();
  impl->db.reset(*db);
  if (secondary) {
    const auto status = impl->db->TryCatchUpWithPrimary();
    if (!status.ok()) return translate(status, "catching up with the writer");
  }
  const auto last = last_seq(*impl->db, impl->log());
  if (!last) return last.error();
  if (mode != Mode::Write && !writer_alive) RC_TRY(check_recovery(layout, *last));
  impl->last = *last;
  std::unique_ptr<Log> log(new Log(std::move(impl)));
  const auto format = log->meta("format");
  if (!format) return format.error();
  if (!*format || **format != kFormat) {
    return Error{Errc::Incomplete, fmt::format("the log's format is {}, this program reads {}",
                                               format->value_or("missing"), kFormat)};
  }
  if (mode == Mode::Write) {
    auto range = merkle::CompactRange::load(*last, log->nodes());
    if (!range) return range.error();
    log->impl_->range = std::move(*range);
    log->impl_->writable = true;
  }
  return log;
}

Result<void> Log::catch_up() {
  const auto status = impl_->db->TryCatchUpWithPrimary();
  if (!status.ok()) return translate(status, "catching up with the writer");
  const auto last = last_seq(*impl_->db, impl_->log());
  if (!last) return last.error();
  impl_->last = *last;
  return {};
}

Seq Log::last() const { return impl_->last; }
Hash Log::root() const { return impl_->range.root(); }

std::string Log::origin() const {
  const auto value = meta("origin");
  return value && *value ? **value : std::string();
}

Result<void> Log::append(const Commit& commit, Durable durable, WithTree tree) {
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
  if (aside)
    leaves_aside =
        std::async(std::launch::async, [&commit] { return leaf_hashes(commit.headers); });
  for (std::size_t i = 0; i < commit.headers.size(); i += kRecordHeadersMax) {
    const auto part = std::span(commit.headers)
                          .subspan(i, std::min(kRecordHeadersMax, commit.headers.size() - i));
    batch.Put(impl_->log(), slice(seq_key(part.front().seq)), slice(encode_record(part)));
  }
  for (const auto& [seq, sealed] : commit.bodies)
    batch.Put(impl_->body(), slice(seq_key(seq)), slice(sealed));
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
  const auto status = impl_->db->Write(options, &batch);
  if (!status.ok()) return translate(status, "appending");
  impl_->range = std::move(range);
  impl_->last += commit.headers.size();
  return {};
}

Result<void> Log::sync() {
  const auto status = impl_->db->SyncWAL();
  if (!status.ok()) return translate(status, "syncing");
  return {};
}

Result<void> Log::scan(Seq from, Seq to, const Visitor& visit) const {
  to = std::min(to, impl_->last);
  if (from == 0) from = 1;
  if (from > to) return {};
  rocksdb::ReadOptions options;
  options.readahead_size = 1U << 20;
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
  to = std::min(to, impl_->last);
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
  rocksdb::WriteBatch batch;
  for (const Seq seq : seqs) batch.Delete(impl_->body(), slice(seq_key(seq)));
  rocksdb::WriteOptions options;
  options.sync = true;
  const auto status = impl_->db->Write(options, &batch);
  if (!status.ok()) return translate(status, "dropping bodies");
  return {};
}

Result<void> Log::compact_bodies() {
  rocksdb::FlushOptions flush;
  auto status = impl_->db->Flush(flush, impl_->body());
  if (status.ok()) {
    rocksdb::CompactRangeOptions options;
    options.bottommost_level_compaction = rocksdb::BottommostLevelCompaction::kForce;
    status = impl_->db->CompactRange(options, impl_->body(), nullptr, nullptr);
  }
  // The WAL holds the dropped bodies until every family has moved past it.
  if (status.ok()) status = impl_->db->Flush(flush, impl_->handles);
  if (!status.ok()) return translate(status, "compacting bodies");
  return {};
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
  rocksdb::WriteOptions options;
  options.sync = true;
  const auto status = impl_->db->Put(options, impl_->meta(), slice(key), slice(value));
  if (!status.ok()) return translate(status, "writing meta");
  return {};
}

Result<void> Log::delete_meta(std::string_view key) {
  rocksdb::WriteOptions options;
  options.sync = true;
  const auto status = impl_->db->Delete(options, impl_->meta(), slice(key));
  if (!status.ok()) return translate(status, "writing meta");
  return {};
}

Result<std::vector<std::pair<std::string, std::string>>> Log::scan_meta(
    std::string_view prefix) const {
  std::vector<std::pair<std::string, std::string>> out;
  const std::unique_ptr<rocksdb::Iterator> it(
      impl_->db->NewIterator(rocksdb::ReadOptions(), impl_->meta()));
  for (it->Seek(slice(prefix)); it->Valid() && it->key().starts_with(slice(prefix)); it->Next()) {
    out.emplace_back(it->key().ToString(), it->value().ToString());
  }
  if (!it->status().ok()) return translate(it->status(), "reading meta");
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

Result<void> Log::copy_to(const std::filesystem::path& directory) const {
  if (impl_->writable) {
    rocksdb::Checkpoint* made = nullptr;
    auto status = rocksdb::Checkpoint::Create(impl_->db.get(), &made);
    const std::unique_ptr<rocksdb::Checkpoint> checkpoint(made);
    if (status.ok()) status = checkpoint->CreateCheckpoint(directory.string());
    if (!status.ok()) return translate(status, fmt::format("copying to {}", directory.string()));
    return {};
  }
  auto options = db_options();
  options.create_if_missing = true;
  options.error_if_exists = true;
  std::vector<ColumnFamilyHandle*> handles;
  const auto db = open_db(directory, options, "write", {}, handles);
  if (!db) return db.error();
  const std::unique_ptr<rocksdb::DB> copy(*db);
  rocksdb::Status status;
  for (std::size_t family = 1; family < handles.size() && status.ok(); ++family) {
    const std::unique_ptr<rocksdb::Iterator> it(
        impl_->db->NewIterator(rocksdb::ReadOptions(), impl_->handles[family]));
    rocksdb::WriteOptions write;
    write.disableWAL = true;  // flushed below
    rocksdb::WriteBatch batch;
    for (it->SeekToFirst(); it->Valid() && status.ok(); it->Next()) {
      batch.Put(handles[family], it->key(), it->value());
      if (batch.GetDataSize() > (1U << 20)) {
        status = copy->Write(write, &batch);
        batch.Clear();
      }
    }
    if (status.ok()) status = it->status();
    if (status.ok()) status = copy->Write(write, &batch);
  }
  if (status.ok()) status = copy->Flush(rocksdb::FlushOptions(), handles);
  for (auto* handle : handles) copy->DestroyColumnFamilyHandle(handle);
  if (!status.ok()) return translate(status, fmt::format("copying to {}", directory.string()));
  return {};
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

}  // namespace rollcall::store
