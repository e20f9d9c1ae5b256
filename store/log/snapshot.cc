// Writing, checking and choosing snapshots.
#include "store/log/snapshot.h"

#include "store/bytes/crypto.h"
#include "store/bytes/files.h"
#include "store/bytes/in_parallel.h"
#include "store/log/state_digest.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <fstream>

namespace rollcall::store::inline log {
namespace {

constexpr std::string_view kMagic = "rcsnap02";
constexpr std::string_view kMagicBefore = "rcsnap01";  // without what was shown of those who hide
constexpr std::size_t kHead = 8 + 4 + 4 + 4 * 8 + 32 + 32;
constexpr std::size_t kDigits = 20;
constexpr std::size_t kHashSize = sizeof(Hash);

/// Integers and byte strings in order; once one does not fit, nothing does.
class Input {
 public:
  explicit Input(ByteView bytes) : rest_(bytes) {}
  std::uint64_t u64() {
    const ByteView b = bytes(8);
    return b.empty() ? 0 : get_be64(b);
  }
  std::uint32_t u32() {
    const ByteView b = bytes(4);
    return b.empty() ? 0 : get_be32(b);
  }
  Hash hash() {
    Hash out{};
    const ByteView b = bytes(kHashSize);
    std::copy(b.begin(), b.end(), out.begin());
    return out;
  }
  ByteView bytes(std::uint64_t n) {
    if (!ok_ || n > rest_.size()) {
      ok_ = false;
      return {};
    }
    const ByteView out = rest_.first(static_cast<std::size_t>(n));
    rest_ = rest_.subspan(static_cast<std::size_t>(n));
    return out;
  }
  /// A list's length, where so many elements of `element` bytes can follow.
  std::uint64_t count(std::size_t element) {
    const std::uint64_t n = u64();
    ok_ = ok_ && n <= rest_.size() / element;
    return ok_ ? n : 0;
  }
  [[nodiscard]] bool ok() const { return ok_; }
  [[nodiscard]] bool done() const { return ok_ && rest_.empty(); }

 private:
  ByteView rest_;
  bool ok_ = true;
};

template <class Pairs>
void put_pairs(Bytes& out, const Pairs& pairs) {
  put_be64(out, pairs.size());
  for (const auto& [a, b] : pairs) {
    put_be64(out, a);
    put_be64(out, b);
  }
}

template <class Pairs>
void take_pairs(Input& in, Pairs& into) {
  for (std::uint64_t n = in.count(16); n > 0; --n) {
    const std::uint64_t a = in.u64(), b = in.u64();
    using First = std::remove_const_t<typename Pairs::value_type::first_type>;
    into.emplace_hint(into.end(), static_cast<First>(a), b);
  }
}

/// The same members in the same order for both directions.
template <class L, class Each>
void each_member(L& ledger, const Each& each) {
  each(ledger.actions);
  each(ledger.channels);
  each(ledger.holds);
  each(ledger.erase_pending);
  each(ledger.erased);
  each(ledger.retention);
  each(ledger.imports);
}

void put_census(Bytes& out, const Census& census) {
  put_be64(out, census.counts().size());
  for (const Census::Count& count : census.counts()) {
    put_be64(out, count.events);
    put_be64(out, count.bodies);
  }
  put_be64(out, census.mentions().size());
  for (const auto& [user, mentions] : census.mentions()) {
    put_be32(out, user);
    put_be64(out, mentions.size());
    for (const Mention& mention : mentions) {
      put_be64(out, mention.seq);
      put_be32(out, mention.by);
    }
  }
}

bool take_census(Input in, Census& census) {
  std::vector<Census::Count> counts(static_cast<std::size_t>(in.count(16)));
  for (Census::Count& count : counts) {
    count.events = in.u64();
    count.bodies = in.u64();
  }
  Census::Mentions mentions;
  for (std::uint64_t n = in.count(12); n > 0; --n) {
    const UserNumber user = in.u32();
    auto& list = mentions[user];
    for (std::uint64_t m = in.count(12); m > 0; --m) {
      const Seq seq = in.u64();
      list.push_back({seq, in.u32()});
    }
  }
  census = Census(std::move(counts), std::move(mentions));
  return in.done();
}

void put_shown(Bytes& out, const ShownOfHiders& shown) {
  put_be64(out, shown.users().size());
  for (const auto& [user, s] : shown.users()) {
    put_be32(out, user);
    put_be32(out, static_cast<std::uint32_t>(s.visible) | (s.hides ? 0x100U : 0U));
    put_be64(out, static_cast<std::uint64_t>(s.last_seen));
    put_be64(out, static_cast<std::uint64_t>(s.changed_at));
    put_be64(out, s.changed_seq);
  }
}

bool take_shown(Input in, ShownOfHiders& shown) {
  for (std::uint64_t n = in.count(32); n > 0; --n) {
    const UserNumber user = in.u32();
    const std::uint32_t marks = in.u32();
    if ((marks & ~0x100U) > static_cast<std::uint32_t>(engine::Presence::Away)) return false;
    Shown s;
    s.visible = static_cast<engine::Presence>(marks & 0xFF);
    s.hides = (marks & 0x100U) != 0;
    s.last_seen = static_cast<engine::Micros>(in.u64());
    s.changed_at = static_cast<engine::Micros>(in.u64());
    s.changed_seq = in.u64();
    shown.put(user, s);
  }
  return in.done();
}

Hash sha256_of(ByteView bytes) { return sha256({bytes}); }

/// A file's bytes while this lives.
class Mapped {
 public:
  static Result<Mapped> open(const std::filesystem::path& path) {
    const int fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
    struct stat about {};
    if (fd < 0 || ::fstat(fd, &about) != 0 || about.st_size <= 0) {
      if (fd >= 0) ::close(fd);
      return Error{Errc::NotFound, fmt::format("cannot read {}", path.string())};
    }
    const auto size = static_cast<std::size_t>(about.st_size);
    void* at = ::mmap(nullptr, size, PROT_READ, MAP_PRIVATE | MAP_POPULATE, fd, 0);
    ::close(fd);
    if (at == MAP_FAILED) return Error{Errc::Io, fmt::format("cannot map {}", path.string())};
    return Mapped(static_cast<const std::uint8_t*>(at), size);
  }
  Mapped(Mapped&& other) noexcept : at_(std::exchange(other.at_, nullptr)), size_(other.size_) {}
  Mapped& operator=(Mapped&&) = delete;
  ~Mapped() {
    if (at_ != nullptr) ::munmap(const_cast<std::uint8_t*>(at_), size_);
  }
  [[nodiscard]] ByteView bytes() const { return {at_, size_}; }

 private:
  Mapped(const std::uint8_t* at, std::size_t size) : at_(at), size_(size) {}
  const std::uint8_t* at_;
  std::size_t size_;
};

struct Head {
  bool has_shown = false;
  std::uint32_t reducer = 0, pages = 0;
  Seq seq = 0;
  engine::Micros at = 0;
  std::uint64_t sessions = 0, users = 0;
  Hash root{}, digest{};
};

std::optional<Head> take_head(Input& in) {
  Head head;
  const std::string_view magic = as_text(in.bytes(kMagic.size()));
  head.has_shown = magic == kMagic;
  if (!head.has_shown && magic != kMagicBefore) return std::nullopt;
  head.reducer = in.u32();
  head.pages = in.u32();
  head.seq = in.u64();
  head.at = static_cast<engine::Micros>(in.u64());
  head.sessions = in.u64();
  head.users = in.u64();
  head.root = in.hash();
  head.digest = in.hash();
  if (!in.ok()) return std::nullopt;
  return head;
}

}  // namespace

std::vector<SnapshotInfo> list_snapshots(const Layout& layout) {
  std::vector<SnapshotInfo> out;
  std::error_code ec;
  for (const auto& entry : std::filesystem::directory_iterator(layout.snapshots(), ec)) {
    const std::string name = entry.path().filename().string();
    if (name.size() != kDigits || name.find_first_not_of("0123456789") != std::string::npos)
      continue;
    std::string begin(kHead, '\0');
    std::ifstream file(entry.path(), std::ios::binary);
    file.read(begin.data(), static_cast<std::streamsize>(begin.size()));
    Input in(as_bytes(begin));
    const auto head = file ? take_head(in) : std::nullopt;
    if (!head) continue;
    out.push_back({entry.path(), head->seq, head->at, head->reducer, head->users,
                   entry.file_size(ec), head->root, head->digest});
  }
  std::sort(out.begin(), out.end(), [](const auto& a, const auto& b) { return a.seq > b.seq; });
  return out;
}

Result<Snapshot> parse_snapshot(ByteView bytes) {
  const auto bad = [](std::string_view why) {
    return Error{Errc::Incomplete, fmt::format("no sound snapshot: {}", why)};
  };
  if (bytes.size() < kHead + kHashSize) return bad("it is too short");
  const ByteView content = bytes.first(bytes.size() - kHashSize);
  // Hashed on a thread of its own: it takes about as long as reading.
  auto hashed = in_parallel([content] { return sha256_of(content); });
  Input in(content);
  const auto head = take_head(in);
  if (!head) return bad("it does not begin like one");
  if (head->reducer != engine::kReducerVersion) return bad("another reducer made it");
  Snapshot out;
  Input ledger(in.bytes(in.u32()));
  each_member(out.fold.ledger, [&](auto& pairs) { take_pairs(ledger, pairs); });
  if (!ledger.done()) return bad("its ledger is damaged");
  if (!take_census(Input(in.bytes(in.u64())), out.census)) return bad("its census is damaged");
  if (head->has_shown && !take_shown(Input(in.bytes(in.u64())), out.fold.shown))
    return bad("what it says of those who hide is damaged");
  engine::State& state = out.fold.state;
  state.seq = head->seq;
  state.at = head->at;
  // Bounded by what the file can hold, whatever its head says.
  state.users.reserve(static_cast<std::size_t>(
      std::min<std::uint64_t>(head->users, in.ok() ? bytes.size() / 64 : 0)));
  state.sessions.reserve(
      static_cast<std::size_t>(std::min<std::uint64_t>(head->sessions, bytes.size() / 64)));
  for (std::uint32_t page = 0; page < head->pages; ++page) {
    const ByteView written = in.bytes(in.u32());
    if (!in.ok() || !engine::read_page(state, page, written)) return bad("a page is damaged");
  }
  if (!in.done()) return bad("something follows its last page");
  if (state.users.size() != head->users || state.sessions.size() != head->sessions)
    return bad("it does not hold as many users as it says");
  if (!out.fold.shown.users().empty() &&
      out.fold.shown.users().rbegin()->first >= state.users.size())
    return bad("somebody hides whom it does not hold");
  out.knows_shown =
      head->has_shown || std::all_of(state.users.begin(), state.users.end(),
                                     [](const engine::User& u) { return u.override_rev == 0; });
  if (hashed.get() != [&] {
        Hash end{};
        std::copy(bytes.end() - kHashSize, bytes.end(), end.begin());
        return end;
      }())
    return bad("its bytes do not fit the digest at its end");
  return out;
}

Result<Snapshot> read_snapshot(const SnapshotInfo& info, const EventLog& log) {
  const auto named = [&](const Error& error) {
    return Error{error.code, fmt::format("{}: {}", info.path.string(), error.detail)};
  };
  if (info.seq > log.last())
    return named({Errc::Incomplete, fmt::format("the log ends at {}", log.last())});
  const auto root = log.root_at(info.seq);
  if (!root) return root.error();
  if (*root != info.root) return named({Errc::Incomplete, "it was made of another log"});
  const auto file = Mapped::open(info.path);
  if (!file) return file.error();
  auto out = parse_snapshot(file->bytes());
  if (!out) return named(out.error());
  if (out->fold.state.seq != info.seq) return named({Errc::Incomplete, "it has been replaced"});
  return out;
}

Snapshot nearest_snapshot(const Layout& layout, const EventLog& log, Seq upto) {
  for (const SnapshotInfo& info : list_snapshots(layout)) {
    if (info.seq > upto || info.reducer != engine::kReducerVersion) continue;
    if (auto found = read_snapshot(info, log)) return std::move(*found);
  }
  return {};
}

Snapshot nearest_whole_snapshot(const Layout& layout, const EventLog& log, Seq upto) {
  Snapshot found = nearest_snapshot(layout, log, upto);
  return found.knows_shown ? std::move(found) : Snapshot{};  // folded anew: once, after an upgrade
}

Result<SnapshotInfo> write_snapshot(const Layout& layout, const EventLog& log,
                                    const Snapshot& snapshot) {
  const engine::State& state = snapshot.fold.state;
  const auto root = log.root_at(state.seq);
  if (!root) return root.error();
  const std::uint32_t pages = engine::page_count(state);
  SnapshotInfo info{layout.snapshots() / fmt::format("{:020}", state.seq),
                    state.seq,
                    state.at,
                    engine::kReducerVersion,
                    state.users.size(),
                    0,
                    *root,
                    digest_of(state)};
  Bytes out(kMagic.begin(), kMagic.end());
  put_be32(out, info.reducer);
  put_be32(out, pages);
  put_be64(out, info.seq);
  put_be64(out, static_cast<std::uint64_t>(info.at));
  put_be64(out, state.sessions.size());
  put_be64(out, info.users);
  out.insert(out.end(), info.root.begin(), info.root.end());
  out.insert(out.end(), info.digest.begin(), info.digest.end());
  Bytes part;
  each_member(snapshot.fold.ledger, [&](const auto& pairs) { put_pairs(part, pairs); });
  put_be32(out, static_cast<std::uint32_t>(part.size()));
  out.insert(out.end(), part.begin(), part.end());
  part.clear();
  put_census(part, snapshot.census);
  put_be64(out, part.size());
  out.insert(out.end(), part.begin(), part.end());
  part.clear();
  put_shown(part, snapshot.fold.shown);
  put_be64(out, part.size());
  out.insert(out.end(), part.begin(), part.end());
  for (std::uint32_t page = 0; page < pages; ++page) {
    part.clear();
    engine::write_page(state, page, part);
    put_be32(out, static_cast<std::uint32_t>(part.size()));
    out.insert(out.end(), part.begin(), part.end());
  }
  const Hash end = sha256_of(out);
  out.insert(out.end(), end.begin(), end.end());
  info.bytes = out.size();
  RC_TRY(make_directories(layout.snapshots(), Secret::Yes));
  RC_TRY(replace_file(info.path, as_text(out), Secret::Yes));
  return info;
}

Result<SnapshotInfo> make_snapshot(
    const Layout& layout, const EventLog& log, std::size_t keep,
    const std::function<void(std::uint64_t done, std::uint64_t all)>& progress) {
  Snapshot snapshot = nearest_whole_snapshot(layout, log, log.last());
  const Seq from = snapshot.fold.state.seq;
  RC_TRY(snapshot.fold.advance(log, log.last(), [&](const Header& h, ByteView, auto, auto) {
    snapshot.census.note(h);
    if (progress && h.seq % 65'536 == 0) progress(h.seq - from, log.last() - from);
  }));
  auto made = write_snapshot(layout, log, snapshot);
  if (!made) return made;
  const auto all = list_snapshots(layout);
  for (std::size_t i = std::max<std::size_t>(keep, 1); i < all.size(); ++i) {
    std::error_code ec;
    std::filesystem::remove(all[i].path, ec);
  }
  return made;
}

}  // namespace rollcall::store::inline log
