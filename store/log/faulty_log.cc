// Faults by the count; everything else is the other log's.
#include "store/log/faulty_log.h"

#include "store/log/memory_log.h"

namespace rollcall::store::inline log {
namespace {

using How = Faults::How;

Error failure(const char* what) { return {Errc::Io, std::string(what) + ": a fault for a test"}; }

/// A log in memory that says what `from` says.
std::unique_ptr<EventLog> copy_of(const EventLog& from) {
  auto out = MemoryLog::create(MemoryLog::nothing(), from.origin()).value();
  Commit commit;
  from.scan(1, from.last(),
            [&](const Header& header, ByteView) {
              commit.headers.push_back(header);
              return true;
            })
      .value();
  from.scan_bodies(1, from.last(),
                   [&](Seq seq, ByteView sealed) {
                     commit.bodies.emplace_back(seq, Bytes(sealed.begin(), sealed.end()));
                     return true;
                   })
      .value();
  commit.meta = from.scan_meta("").value();
  out->append(commit).value();
  return out;
}

}  // namespace

FaultyLog::FaultyLog(std::unique_ptr<EventLog> inner, Faults& faults)
    : inner_(std::move(inner)), faults_(faults) {}

FaultyLog::~FaultyLog() {
  if (!failed_) (void)pass_on();
  if (late_) (void)inner_->append(late_->commit, Durable::Yes, late_->tree);
}

std::shared_ptr<const EventLog> FaultyLog::seen() const {
  const Lock guard(mutex_);
  return front_ ? front_ : inner_;
}

Appended FaultyLog::pass_on() {
  for (const Held& held : held_)
    if (auto passed = inner_->append(held.commit, Durable::Yes, held.tree); !passed) return passed;
  held_.clear();
  const Lock guard(mutex_);
  front_.reset();
  return Appended::durable();
}

Appended FaultyLog::append(const Commit& commit, Durable durable, WithTree tree) {
  if (failed_) return Appended::refused(failure("appending after a failed write"));
  if (auto gap = gap_in(commit, last())) return Appended::refused(std::move(*gap));
  const How how = faults_.next();
  if (how == How::Refuse) return Appended::refused(failure("appending"));
  if (how != How::None) {
    failed_ = true;
    if (how == How::Late && pass_on()) late_ = {commit, tree};
    return Appended::unknown(failure("appending"));
  }
  if (durable == Durable::Yes) {
    if (auto passed = pass_on(); !passed) return passed;
    return inner_->append(commit, durable, tree);
  }
  held_.push_back({commit, tree});
  const Lock guard(mutex_);
  if (!front_) front_ = copy_of(*inner_);
  return front_->append(commit, durable, tree);
}

Result<void> FaultyLog::change(const char* what, const std::function<Result<void>()>& work) {
  if (failed_) return failure(what);
  const How how = faults_.next();
  if (how == How::None || how == How::Late) RC_TRY(work());
  if (how == How::None) return {};
  if (how != How::Refuse) failed_ = true;
  return failure(what);
}

Result<void> FaultyLog::sync() {
  return change("syncing", [&]() -> Result<void> {
    RC_TRY(pass_on());
    return inner_->sync();
  });
}

Result<void> FaultyLog::drop_bodies(std::span<const Seq> seqs) {
  return change("dropping bodies", [&]() -> Result<void> {
    RC_TRY(pass_on());
    return inner_->drop_bodies(seqs);
  });
}

Result<void> FaultyLog::compact_bodies() {
  return change("compacting bodies", [&] { return inner_->compact_bodies(); });
}

Result<void> FaultyLog::scan(Seq from, Seq to, const Visitor& visit) const {
  return seen()->scan(from, to, visit);
}

Result<void> FaultyLog::scan_back(Seq from, Seq to, const Visitor& visit) const {
  return seen()->scan_back(from, to, visit);
}

Result<std::optional<Bytes>> FaultyLog::body(Seq seq) const { return seen()->body(seq); }

Result<void> FaultyLog::scan_bodies(Seq from, Seq to, const BodyVisitor& visit) const {
  return seen()->scan_bodies(from, to, visit);
}

Result<std::optional<Hash>> FaultyLog::stored_node(merkle::NodeId id) const {
  return seen()->stored_node(id);
}

Result<std::vector<std::uint64_t>> FaultyLog::leaf_marks(Seq from, Seq to) const {
  return seen()->leaf_marks(from, to);
}

Result<std::optional<std::string>> FaultyLog::meta(std::string_view key) const {
  return seen()->meta(key);
}

Result<EventLog::MetaEntries> FaultyLog::scan_meta(std::string_view prefix, std::string_view from,
                                                   std::size_t most) const {
  return seen()->scan_meta(prefix, from, most);
}

Result<std::optional<std::pair<std::string, std::string>>> FaultyLog::last_meta(
    std::string_view prefix) const {
  return seen()->last_meta(prefix);
}

bool FaultyMedium::has_log(const Layout& layout) const { return inner_.has_log(layout); }

Result<std::unique_ptr<EventLog>> FaultyMedium::create_log(const Layout& layout,
                                                           std::string_view origin) {
  const How how = faults_.next();
  if (how != How::None && how != How::Late) return failure("creating the log");
  auto made = inner_.create_log(layout, origin);
  if (!made) return made;
  if (how == How::Late) return failure("creating the log");
  return std::unique_ptr<EventLog>(std::make_unique<FaultyLog>(std::move(*made), faults_));
}

Result<std::unique_ptr<EventLog>> FaultyMedium::open_log(const Layout& layout) {
  auto opened = inner_.open_log(layout);
  if (!opened) return opened;
  return std::unique_ptr<EventLog>(std::make_unique<FaultyLog>(std::move(*opened), faults_));
}

void FaultyMedium::remove_log(const Layout& layout) { inner_.remove_log(layout); }

}  // namespace rollcall::store::inline log
