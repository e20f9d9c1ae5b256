// Opening the log anew after a commit failed, and telling of what it holds after all.
#include "store/bytes/files.h"
#include "store/live_impl.h"
#include "store/log/snapshot.h"
#include "store/open_store.h"

#include <fmt/format.h>

#include <chrono>

namespace rollcall::store {
namespace {

/// Whether the disk takes what opening the log anew will write: its write-ahead log as tables. Only
/// then is the log closed, which readers still use.
Result<void> disk_takes_writes(const Layout& layout) {
  constexpr std::uintmax_t kMore = 2U
                                   << 20;  // tables' indexes, the manifest, a new write-ahead log
  std::error_code ec;
  std::uintmax_t needed = kMore;
  for (std::filesystem::directory_iterator it(layout.log(), ec), end; !ec && it != end;
       it.increment(ec)) {
    std::error_code unknown;
    const auto size = it->path().extension() == ".log" ? it->file_size(unknown) : 0;
    if (!unknown) needed += size;
  }
  const auto room = std::filesystem::space(layout.app_dir, ec);
  if (!ec && room.available < needed) {
    constexpr std::uintmax_t kMega = 1U << 20;
    return Error{Errc::Io, fmt::format("the disk is full: to go on, {} MB must be free and {} are",
                                       (needed + kMega - 1) / kMega, room.available / kMega)};
  }
  const auto probe = layout.app_dir / "probe";
  const auto written = replace_file(probe, std::string(1U << 20, '.'));
  std::filesystem::remove(probe, ec);
  return written;
}

}  // namespace

bool Live::reopen() {
  // The clock goes on: a log opened anew is no restart, and a refused clock stays refused. Readers
  // keep the log meanwhile.
  if (clock_->peek(wall_now(), monotonic_now()).refused) return false;
  auto taken = folder_->check();  // another store in its place is not ours
  if (taken) taken = disk_takes_writes(layout_);
  if (!taken) {
    const Lock guard(mutex_);
    problem_ = taken.error();
    return false;
  }
  std::weak_ptr<Writer> old;
  {
    const Lock guard(mutex_);
    old = writer_;
    writer_.reset();
  }
  {
    constexpr auto kPatience = std::chrono::seconds(5);
    Lock count(readers_->mutex);
    readers_->fewer.wait_for(count.waiting(), kPatience, [&] {
      readers_->mutex.held();
      return readers_->reading == 0;
    });
  }
  if (!old.expired()) {  // somebody reads on and on: we cannot have the lock
    const Lock guard(mutex_);
    writer_ = old.lock();
    return false;
  }
  Opening opening;
  opening.nodes = Opening::Nodes::GoOn;
  opening.medium = options_.medium;
  auto opened = open_store(layout_, opening);
  if (!opened) {
    const Lock guard(mutex_);
    problem_ = opened.error();
    return false;
  }
  const std::shared_ptr<Writer> writer = std::move(*opened);
  observe(*writer);
  {
    const Lock guard(mutex_);
    writer_ = writer;  // to be read from: whoever is told of what was missed looks at it
  }
  // A commit that failed may have reached the disk all the same. Nobody heard of it yet.
  if (const auto told = tell_missed(*writer); !told) {
    const Lock guard(mutex_);
    problem_ = told.error();
    return false;
  }
  // A step that was thrown away with its commit: the clock has taken it, so the log must be told.
  if (const engine::Micros missing = clock_offset_ - writer->state().clock_offset; missing != 0)
    writer->stage_clock_step(missing, writer->state().at);
  {
    const Lock guard(mutex_);
    problem_.reset();
    writable_ = true;
    wake_waiting_.notify_all();
  }
  if (options_.on_health) options_.on_health(std::nullopt);
  return true;
}

Result<void> Live::tell_missed(const Writer& writer) {
  const Seq last = writer.log().last();
  const Seq told = told_;
  if (told == last) return {};
  if (told > last) {
    return Error{
        Errc::Incomplete,
        fmt::format("event {} was acknowledged and the log, opened anew, ends at {}", told, last)};
  }
  Fold fold = nearest_snapshot(layout_, writer.log(), told).fold;
  RC_TRY(fold.advance(writer.log(), told));
  Writer::Batch batch;
  const auto tell = [&] {
    if (batch.events.empty()) return;
    told_ = batch.events.back().header.seq;
    if (options_.on_durable) options_.on_durable(batch);
    batch = {};
  };
  RC_TRY(fold.follow(writer.log(), last, {}, [&](const Fold::Step& step) {
    batch.events.push_back({step.header, step.outcome});
    batch.transitions.insert(batch.transitions.end(), step.transitions.begin(),
                             step.transitions.end());
    batch.effects.insert(batch.effects.end(), step.effects.begin(), step.effects.end());
    if (batch.events.size() == kCommitEventsMax) tell();
  }));
  tell();
  return {};
}

}  // namespace rollcall::store
