// RocksDB with the families as they are found.
#include "tests/support/raw_log.h"

#include <rocksdb/db.h>

#include <stdexcept>

namespace rollcall::test {
namespace {

/// Beside the database there must be nothing that a store does not leave.
class Unwritten final : public rocksdb::Logger {
 public:
  using rocksdb::Logger::Logv;
  void Logv(const char* /*format*/, va_list /*arguments*/) override {}
};

void check(const rocksdb::Status& status) {
  if (!status.ok()) throw std::runtime_error(status.ToString());
}

}  // namespace

struct RawLog::Database {
  std::vector<rocksdb::ColumnFamilyHandle*> handles;
  std::unique_ptr<rocksdb::DB> db;

  rocksdb::ColumnFamilyHandle* family(std::string_view name) const {
    for (auto* handle : handles)
      if (handle->GetName() == name) return handle;
    throw std::runtime_error("no such family");
  }
  ~Database() {
    for (auto* handle : handles) db->DestroyColumnFamilyHandle(handle);
  }
};

RawLog::RawLog(const store::Layout& layout) : database_(std::make_unique<Database>()) {
  rocksdb::Options options;
  options.info_log = std::make_shared<Unwritten>();
  options.compression = rocksdb::kNoCompression;
  std::vector<std::string> names;
  check(rocksdb::DB::ListColumnFamilies(options, layout.log().string(), &names));
  std::vector<rocksdb::ColumnFamilyDescriptor> families;
  for (const auto& name : names) families.emplace_back(name, options);
  rocksdb::DB* db = nullptr;
  check(rocksdb::DB::Open(options, layout.log().string(), families, &database_->handles, &db));
  database_->db.reset(db);
}

RawLog::~RawLog() = default;

std::vector<std::pair<std::string, std::string>> RawLog::dump(std::string_view family) {
  std::vector<std::pair<std::string, std::string>> out;
  const std::unique_ptr<rocksdb::Iterator> it(
      database_->db->NewIterator(rocksdb::ReadOptions(), database_->family(family)));
  for (it->SeekToFirst(); it->Valid(); it->Next())
    out.emplace_back(it->key().ToString(), it->value().ToString());
  check(it->status());
  return out;
}

void RawLog::put(std::string_view family, std::string_view key, std::string_view value) {
  rocksdb::WriteOptions sync;
  sync.sync = true;
  check(database_->db->Put(sync, database_->family(family), rocksdb::Slice(key.data(), key.size()),
                           rocksdb::Slice(value.data(), value.size())));
}

}  // namespace rollcall::test
