// Making, opening and copying the log; telling a torn tail from damage.
#include "store/bytes/crypto.h"
#include "store/log/log_impl.h"

#include <rocksdb/cache.h>
#include <rocksdb/convenience.h>
#include <rocksdb/filter_policy.h>
#include <rocksdb/listener.h>
#include <rocksdb/options.h>
#include <rocksdb/table.h>
#include <rocksdb/utilities/checkpoint.h>
#include <rocksdb/write_batch.h>

#include <chrono>
#include <cstring>
#include <thread>

namespace rollcall::store::inline log {
namespace {

/// What a store may hold. 2: UserEnrolled has a body, which a program that knows 1 alone would let
/// retention drop. A store of 1 is one of 2 from its first opening for writing.
constexpr std::string_view kFormat = "rollcall-log-2";
constexpr std::string_view kFormatBefore = "rollcall-log-1";

/// What a clean close leaves: the last seq, with a sum of itself.
std::string clean_text(Seq last) {
  const std::string number = fmt::format("{}", last);
  return fmt::format("{} {}\n", number, hex(ByteView(sha256({as_bytes(number)})).first(8)));
}

/// What the mark says; nothing where it does not fit its own sum.
std::optional<Seq> closed_at(const std::string& mark) {
  const auto parsed = parse_decimal(std::string_view(mark).substr(0, mark.find(' ')));
  return parsed && mark == clean_text(*parsed) ? parsed : std::nullopt;
}

/// What RocksDB would write of itself (its "info log") goes nowhere. A reader leaves nothing
/// behind, wherever it is ended; and a writer's would lie on the log's own disk: when that is full,
/// Debian's build of RocksDB asserts at the second line that it cannot write, which would end the
/// process.
class Unwritten final : public rocksdb::Logger {
 public:
  using rocksdb::Logger::Logv;
  void Logv(const char* /*format*/, va_list /*arguments*/) override {}
};

/// RocksDB would go on by itself once there is room. What was ahead of the disk is then unknown to
/// the writer above, which opens the log anew instead.
class NoResume final : public rocksdb::EventListener {
 public:
  void OnErrorRecoveryBegin(rocksdb::BackgroundErrorReason /*reason*/, rocksdb::Status /*error*/,
                            bool* by_itself) override {
    *by_itself = false;
  }
};

rocksdb::Options db_options() {
  rocksdb::Options o;
  o.create_missing_column_families = true;
  o.allow_concurrent_memtable_write = false;  // one writer, ascending keys: the cheap insert path
  o.max_total_wal_size = 64U << 20;           // every reader replays the WAL
  // Of all families together: what a server holds should not grow for hours until four buffers of
  // RocksDB's default 64 MB are full.
  o.db_write_buffer_size = 16U << 20;
  o.bytes_per_sync = 1U << 20;
  o.wal_bytes_per_sync = 0;
  // Tables are opened on this thread: where the system gives no other, RocksDB would end the
  // program.
  o.max_file_opening_threads = 1;
  o.max_open_files = -1;
  o.info_log = std::make_shared<Unwritten>();
  o.listeners.push_back(std::make_shared<NoResume>());
  o.max_bgerror_resume_count = 0;
  o.stats_dump_period_sec = 0;  // only the info log would tell
  o.stats_persist_period_sec = 0;
  o.recycle_log_file_num = 0;
  o.wal_recovery_mode = rocksdb::WALRecoveryMode::kPointInTimeRecovery;
  return o;
}

rocksdb::Options reader_options() {
  rocksdb::Options o = db_options();
  o.create_missing_column_families = false;
  // Most questions look into few files: what is behind a table's footer is read when it is.
  o.max_open_files = 1024;
  o.skip_stats_update_on_db_open = true;
  o.max_file_opening_threads = 1;  // sixteen threads per family cost more than they save
  return o;
}

/// One for all families of a log: by default each has one of its own.
constexpr std::size_t kBlockCache = 16U << 20;

rocksdb::ColumnFamilyOptions family_options(std::size_t block_size,
                                            const std::shared_ptr<rocksdb::Cache>& cache) {
  rocksdb::ColumnFamilyOptions o;
  o.compression = rocksdb::kZSTD;
  rocksdb::BlockBasedTableOptions table;
  table.block_size = block_size;
  table.block_cache = cache;
  table.format_version = 5;
  o.table_factory.reset(rocksdb::NewBlockBasedTableFactory(table));
  return o;
}

std::vector<rocksdb::ColumnFamilyDescriptor> families() {
  const auto cache = rocksdb::NewLRUCache(kBlockCache);
  auto body = family_options(4U << 10, cache);
  body.compression = rocksdb::kNoCompression;  // sealed bytes do not compress
  return {{rocksdb::kDefaultColumnFamilyName, family_options(4U << 10, cache)},
          {"log", family_options(8U << 10, cache)},
          {"body", body},
          {"tree", family_options(4U << 10, cache)},
          {"meta", family_options(4U << 10, cache)}};
}

}  // namespace

Log::Log(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}

Log::~Log() {
  if (impl_ && impl_->writable && impl_->db && !impl_->failed) {
    // What a clean close leaves for the next opening to compare with.
    if (!impl_->db->SyncWAL().ok()) return;
    // A long WAL is replayed by everyone who opens the log after us.
    rocksdb::VectorLogPtr wals;
    std::uint64_t wal_bytes = 0;
    if (impl_->db->GetSortedWalFiles(wals).ok()) {
      for (const auto& wal : wals) wal_bytes += wal->SizeFileBytes();
    }
    constexpr std::uint64_t kLongWal = 256U << 10;  // replaying it costs a millisecond or two
    if (wal_bytes > kLongWal) (void)impl_->db->Flush(rocksdb::FlushOptions(), impl_->handles);
    (void)replace_file(impl_->layout.clean(), clean_text(impl_->last.load()));
  }
}

namespace {

/// What versions up to 0.5.1 left of RocksDB's own account of itself.
void remove_info_logs(const std::filesystem::path& log) {
  std::error_code ec;
  std::vector<std::filesystem::path> old;
  for (std::filesystem::directory_iterator it(log, ec), end; !ec && it != end; it.increment(ec)) {
    const std::string name = it->path().filename().string();
    if (name == "LOG" || name.starts_with("LOG.old.")) old.push_back(it->path());
  }
  for (const auto& path : old) std::filesystem::remove(path, ec);
}

Result<rocksdb::DB*> open_db(const std::filesystem::path& path, rocksdb::Options options,
                             const char* how, std::vector<ColumnFamilyHandle*>& handles) {
  rocksdb::DB* db = nullptr;
  const rocksdb::DBOptions db_only(options);
  rocksdb::Status status;
  if (std::strcmp(how, "write") == 0) {
    status = rocksdb::DB::Open(db_only, path.string(), families(), &handles, &db);
  } else if (std::strcmp(how, "read") == 0) {
    status = rocksdb::DB::OpenForReadOnly(db_only, path.string(), families(), &handles, &db);
  } else {
    // A secondary's own folder is for its info log alone.
    status = rocksdb::DB::OpenAsSecondary(db_only, path.string(), "/dev/null", families(), &handles,
                                          &db);
  }
  if (!status.ok()) return translate(status, fmt::format("opening {}", path.string()));
  return db;
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
  auto options = reader_options();
  options.wal_recovery_mode = mode;
  std::vector<ColumnFamilyHandle*> handles;
  const auto db = open_db(layout.log(), options, "read", handles);
  if (!db) return db.error();
  const std::unique_ptr<rocksdb::DB> owned(*db);
  auto out = last_seq(*owned, handles[1]);
  for (auto* handle : handles) owned->DestroyColumnFamilyHandle(handle);
  return out;
}

/// Refuses a log whose acknowledged history was damaged, where `last` is what RocksDB's default
/// recovery reads. That recovery drops everything after a damaged WAL record without a word; the
/// strict one refuses a torn tail. Reading on past damage tells them apart: the same last seq is a
/// torn tail. After a clean close the marker tells without reading twice.
Result<void> check_recovery(const Layout& layout, Seq last) {
  if (const auto clean = read_file(layout.clean())) {
    // A damaged marker is no evidence: one that does not fit its own sum counts as absent.
    if (const auto parsed = closed_at(*clean)) {
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
  // A log that could not be made whole (a full disk) is taken away again: the next try makes it.
  const auto made = [&]() -> Result<std::unique_ptr<Log>> {
    const auto db = open_db(layout.log(), options, "write", impl->handles);
    if (!db) return db.error();
    impl->db.reset(*db);
    impl->writable = true;
    std::unique_ptr<Log> log(new Log(std::move(impl)));
    Commit first;
    first.meta = {{"format", std::string(kFormat)}, {"origin", std::string(origin)}};
    RC_TRY(log->append(first));
    return log;
  };
  auto log = made();
  std::error_code ec;
  if (!log) std::filesystem::remove_all(layout.log(), ec);
  return log;
}

bool clean_mark_damaged(const Layout& layout) {
  const auto mark = read_file(layout.clean());
  return mark && !closed_at(*mark);
}

bool writer_about(const Layout& layout) {
  return FileLock::held(layout.writer_lock()) || !present(layout.clean());
}

Result<std::unique_ptr<Log>> Log::open(const Layout& layout, Mode mode) {
  // A writer that starts or ends while a reader opens looks like damage for a moment: real damage
  // is still there when the reader looks again, a little later each time.
  constexpr int kLooks = 6;
  auto opened = open_once(layout, mode);
  for (int look = 1; look < kLooks && !opened && mode != Mode::Write && exists(layout); ++look) {
    const bool quiet = !writer_about(layout);
    if (quiet && look > 1) break;
    if (!quiet) std::this_thread::sleep_for(std::chrono::milliseconds(5 << look));
    opened = open_once(layout, mode);
  }
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
  if (mode == Mode::Write) {
    std::error_code ec;
    std::filesystem::remove(layout.clean(), ec);
    remove_info_logs(layout.log());
  }
  const bool secondary = mode == Mode::Follow || (mode == Mode::Read && writer_alive);
  const char* how = mode == Mode::Write ? "write" : secondary ? "secondary" : "read";
  const auto db = open_db(layout.log(), mode == Mode::Write ? db_options() : reader_options(), how,
                          impl->handles);
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
  if (mode == Mode::Write && !*format && *last == 0)
    return Error{Errc::NotFound,
                 fmt::format("{}: the making of this log was cut short", layout.log().string())};
  if (!*format || (**format != kFormat && **format != kFormatBefore)) {
    return Error{
        Errc::Incomplete,
        fmt::format("the log's format is {}, this program reads {} and {}: a newer version "
                    "wrote it, and reads it",
                    format->value_or("missing"), kFormatBefore, kFormat)};
  }
  if (mode == Mode::Write) {
    auto range = merkle::CompactRange::load(*last, log->nodes());
    if (!range) return range.error();
    log->impl_->range = std::move(*range);
    log->impl_->writable = true;
    if (**format != kFormat) RC_TRY(log->put_meta("format", kFormat));
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
  const auto db = open_db(directory, options, "write", handles);
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

}  // namespace rollcall::store::inline log
