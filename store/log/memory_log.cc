// Vectors and maps under one lock; visitors run outside it.
#include "store/log/memory_log.h"

#include "store/bytes/mutex.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <map>
#include <tuple>

namespace rollcall::store::inline log {

struct MemoryLog::Contents {
  mutable SharedMutex mutex;
  std::vector<Header> headers RC_GUARDED_BY(mutex);  ///< seq 1 first
  std::vector<std::uint64_t> marks RC_GUARDED_BY(mutex);
  std::map<Seq, Bytes> bodies RC_GUARDED_BY(mutex);
  std::map<merkle::NodeId, Hash> nodes RC_GUARDED_BY(mutex);
  std::map<std::string, std::string, std::less<>> meta RC_GUARDED_BY(mutex);
  merkle::CompactRange range RC_GUARDED_BY(mutex);
  bool open RC_GUARDED_BY(mutex) = false;
};

namespace {

constexpr std::size_t kAtATime = 256;  ///< headers copied under the lock for a scan

ByteView leaf_of(const Header& header) {
  return {reinterpret_cast<const std::uint8_t*>(&header), sizeof header};
}

}  // namespace

std::shared_ptr<MemoryLog::Contents> MemoryLog::nothing() { return std::make_shared<Contents>(); }

bool MemoryLog::created(const Contents& contents) {
  const SharedLock guard(contents.mutex);
  return contents.meta.contains("origin");
}

MemoryLog::MemoryLog(std::shared_ptr<Contents> contents) : contents_(std::move(contents)) {}

MemoryLog::~MemoryLog() {
  const ExclusiveLock guard(contents_->mutex);
  contents_->open = false;
}

Result<std::unique_ptr<MemoryLog>> MemoryLog::create(std::shared_ptr<Contents> contents,
                                                     std::string_view origin) {
  if (created(*contents)) return Error{Errc::Conflict, "there is a log in memory already"};
  {
    const ExclusiveLock guard(contents->mutex);
    contents->meta.emplace("origin", origin);
  }
  return open(std::move(contents));
}

Result<std::unique_ptr<MemoryLog>> MemoryLog::open(std::shared_ptr<Contents> contents) {
  if (!created(*contents)) return Error{Errc::NotFound, "there is no log in memory"};
  {
    const ExclusiveLock guard(contents->mutex);
    if (std::exchange(contents->open, true))
      return Error{Errc::Conflict, "another writer has the log in memory open"};
  }
  return std::unique_ptr<MemoryLog>(new MemoryLog(std::move(contents)));
}

Seq MemoryLog::last() const {
  const SharedLock guard(contents_->mutex);
  return contents_->headers.size();
}

Hash MemoryLog::root() const {
  const SharedLock guard(contents_->mutex);
  return contents_->range.root();
}

Appended MemoryLog::append(const Commit& commit, Durable, WithTree tree) {
  Contents& c = *contents_;
  const ExclusiveLock guard(c.mutex);
  if (auto gap = gap_in(commit, c.headers.size())) return Appended::refused(std::move(*gap));
  c.headers.insert(c.headers.end(), commit.headers.begin(), commit.headers.end());
  c.marks.resize(c.headers.size(), 0);
  for (const auto& [seq, sealed] : commit.bodies) c.bodies.insert_or_assign(seq, sealed);
  for (const std::string& key : commit.meta_gone) c.meta.erase(key);
  for (const auto& [key, value] : commit.meta) c.meta.insert_or_assign(key, value);
  if (tree == WithTree::Yes) {
    grow(c.range, commit, leaf_hashes(commit.headers),
         {[&c](merkle::NodeId id, const Hash& hash) {
            c.mutex.held();
            c.nodes.emplace(id, hash);
          },
          [&c](Seq first, ByteView marks) {
            c.mutex.held();
            for (std::size_t i = 0; i < marks.size() / 8; ++i)
              c.marks[first - 1 + i] = get_be64(marks.subspan(i * 8));
          }});
  }
  return Appended::durable();
}

Result<void> MemoryLog::scan(Seq from, Seq to, const Visitor& visit) const {
  from = std::max<Seq>(from, 1);
  to = std::min(to, last());
  std::array<Header, kAtATime> some;
  while (from <= to) {
    const auto count = static_cast<std::size_t>(std::min<Seq>(to - from + 1, kAtATime));
    {
      const SharedLock guard(contents_->mutex);
      std::copy_n(contents_->headers.begin() + static_cast<std::ptrdiff_t>(from - 1), count,
                  some.begin());
    }
    for (std::size_t i = 0; i < count; ++i)
      if (!visit(some[i], leaf_of(some[i]))) return {};
    from += count;
  }
  return {};
}

Result<void> MemoryLog::scan_back(Seq from, Seq to, const Visitor& visit) const {
  from = std::max<Seq>(from, 1);
  for (Seq seq = std::min(to, last()); seq >= from; --seq) {
    Header header;
    {
      const SharedLock guard(contents_->mutex);
      header = contents_->headers[seq - 1];
    }
    if (!visit(header, leaf_of(header))) return {};
  }
  return {};
}

Result<std::optional<Bytes>> MemoryLog::body(Seq seq) const {
  const SharedLock guard(contents_->mutex);
  const auto it = contents_->bodies.find(seq);
  return it == contents_->bodies.end() ? std::optional<Bytes>{} : it->second;
}

Result<void> MemoryLog::scan_bodies(Seq from, Seq to, const BodyVisitor& visit) const {
  while (from <= to) {
    Seq seq = 0;
    Bytes sealed;
    {
      const SharedLock guard(contents_->mutex);
      const auto it = contents_->bodies.lower_bound(from);
      if (it == contents_->bodies.end() || it->first > to) return {};
      std::tie(seq, sealed) = *it;
    }
    if (!visit(seq, sealed)) return {};
    from = seq + 1;
  }
  return {};
}

Result<void> MemoryLog::drop_bodies(std::span<const Seq> seqs) {
  const ExclusiveLock guard(contents_->mutex);
  for (const Seq seq : seqs) contents_->bodies.erase(seq);
  return {};
}

Result<std::optional<Hash>> MemoryLog::stored_node(merkle::NodeId id) const {
  const SharedLock guard(contents_->mutex);
  const auto it = contents_->nodes.find(id);
  return it == contents_->nodes.end() ? std::optional<Hash>{} : it->second;
}

Result<std::vector<std::uint64_t>> MemoryLog::leaf_marks(Seq from, Seq to) const {
  std::vector<std::uint64_t> out(to < from ? 0 : to - from + 1, 0);
  const SharedLock guard(contents_->mutex);
  for (Seq seq = std::max<Seq>(from, 1); seq <= to && seq <= contents_->marks.size(); ++seq)
    out[seq - from] = contents_->marks[seq - 1];
  return out;
}

Result<std::optional<std::string>> MemoryLog::meta(std::string_view key) const {
  const SharedLock guard(contents_->mutex);
  const auto it = contents_->meta.find(key);
  return it == contents_->meta.end() ? std::optional<std::string>{} : it->second;
}

Result<EventLog::MetaEntries> MemoryLog::scan_meta(std::string_view prefix, std::string_view from,
                                                   std::size_t most) const {
  MetaEntries out;
  const SharedLock guard(contents_->mutex);
  for (auto it = contents_->meta.lower_bound(from);
       it != contents_->meta.end() && it->first.starts_with(prefix) && out.size() < most; ++it)
    out.push_back(*it);
  return out;
}

Result<std::optional<std::pair<std::string, std::string>>> MemoryLog::last_meta(
    std::string_view prefix) const {
  const SharedLock guard(contents_->mutex);
  auto it = contents_->meta.upper_bound(std::string(prefix) + "\xFF");  // keys are ASCII
  std::optional<std::pair<std::string, std::string>> out;
  if (it != contents_->meta.begin() && (--it)->first.starts_with(prefix)) out.emplace(*it);
  return out;
}

bool InMemory::has_log(const Layout& /*layout*/) const { return MemoryLog::created(*contents_); }

Result<std::unique_ptr<EventLog>> InMemory::create_log(const Layout& /*layout*/,
                                                       std::string_view origin) {
  auto log = MemoryLog::create(contents_, origin);
  if (!log) return log.error();
  return std::unique_ptr<EventLog>(std::move(*log));
}

Result<std::unique_ptr<EventLog>> InMemory::open_log(const Layout& /*layout*/) {
  auto log = MemoryLog::open(contents_);
  if (!log) return log.error();
  return std::unique_ptr<EventLog>(std::move(*log));
}

void InMemory::remove_log(const Layout& /*layout*/) { contents_ = MemoryLog::nothing(); }

}  // namespace rollcall::store::inline log
