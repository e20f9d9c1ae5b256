// The clock of a replay, and the thread that follows it.
#include "replay/playback.h"

#include "replay/as_of.h"
#include "replay/time_text.h"
#include "store/log/snapshot.h"

#include <fmt/format.h>
#include <sys/stat.h>

#include <algorithm>
#include <charconv>
#include <system_error>

namespace rollcall::replay {
namespace {

using store::Lock;

constexpr Seq kPiece = 512;                           // events until it looks what is asked of it
constexpr auto kLookEvery = std::chrono::seconds(1);  // whether somebody was forgotten

Error of_the_past() {
  return {Errc::Refused, "this is a replay of the past: nothing is written to it"};
}

std::uint64_t file_number(const std::filesystem::path& path) {
  struct stat is {};
  return ::stat(path.c_str(), &is) == 0 ? is.st_ino : 0;
}

}  // namespace

Result<Speed> read_speed(std::string_view text) {
  if (text == "max") return kAtOnce;
  const Error none{Errc::BadInput, fmt::format("'{}' is no speed: 1x, 60x or max", text)};
  if (!text.ends_with('x')) return none;
  Speed out = 0;
  const char* const end = text.data() + text.size() - 1;
  const auto [stop, ec] = std::from_chars(text.data(), end, out);
  if (ec != std::errc() || stop != end || !(out >= 0.001) || out > 1e9) return none;
  return out;
}

std::string speed_text(Speed speed) {
  return speed == kAtOnce ? std::string("max") : fmt::format("{:g}x", speed);
}

Playback::Opened::Opened(Reader open, const std::atomic<Seq>& end)
    : reader(std::move(open)),
      log(reader.log(), end),
      view(reader.layout(), log, *reader.vault(), actions, channels) {
  const auto assign = [](store::InternedNames& names, const auto& by_number) {
    store::InternedNames::ByName by_name;
    for (const auto& [number, name] : by_number) by_name.emplace(name, number);
    names.assign(std::move(by_name));
  };
  assign(actions, reader.action_names());
  assign(channels, channel_names(reader));
}

Playback::Playback(store::Layout layout, PlaybackOptions options)
    : layout_(std::move(layout)), options_(std::move(options)), speed_(options_.speed) {}

Playback::~Playback() { stop(); }

Result<std::shared_ptr<Playback::Opened>> Playback::open_store(const store::Layout& layout,
                                                               const std::atomic<Seq>& end) {
  auto reader = Reader::open(layout, store::Log::Mode::Follow);
  if (!reader) return reader.error();
  RC_TRY(reader->catch_up());
  if (reader->vault() == nullptr)
    return reader->vault_problem().value_or(
        Error{Errc::NotPermitted, "a replay for clients needs the vault: names are in it"});
  return std::make_shared<Opened>(std::move(*reader), end);
}

Result<std::unique_ptr<Playback>> Playback::open(const store::Layout& layout,
                                                 PlaybackOptions options, Micros now) {
  std::unique_ptr<Playback> out(new Playback(layout, std::move(options)));
  out->vault_file_ = file_number(layout.vault());
  auto opened = open_store(layout, out->end_);
  if (!opened) return opened.error();
  const Reader& reader = (*opened)->reader;
  out->last_ = reader.last();
  const auto& [from, to] = std::tie(out->options_.from, out->options_.to);
  for (const auto& [text, into] : {std::pair{&from, &out->first_}, std::pair{&to, &out->last_}}) {
    if (!*text) continue;
    const auto bound = last_before(reader, **text, now);
    if (!bound) return bound.error();
    *into = *bound;
  }
  if (out->first_ >= out->last_)
    return Error{Errc::NotFound, reader.last() == 0
                                     ? std::string("the log is empty: there is nothing to replay")
                                     : std::string("nothing happened in that range: see the log's "
                                                   "begin and end with `rollcall store info`")};
  const auto begins = time_of(reader.log(), out->first_ + 1);
  const auto ends = time_of(reader.log(), out->last_);
  if (!begins) return begins.error();
  if (!ends) return ends.error();
  out->from_ = *begins;
  out->to_ = *ends;
  // A moment is where the clock begins, though nothing may happen for a while.
  if (from)
    if (const auto spec = parse_time(*from, now); spec && std::holds_alternative<Micros>(*spec))
      out->from_ = std::clamp(std::get<Micros>(*spec), Micros{0}, *begins);
  {
    const Lock guard(out->mutex_);
    out->opened_ = std::move(*opened);
    out->at_ = out->from_;
    out->paused_ = true;
  }
  RC_TRY(out->place(out->first_));
  return out;
}

void Playback::run(bool paused) {
  {
    const Lock guard(mutex_);
    paused_ = paused;
    since_ = Clock::now();
  }
  thread_ = std::thread([this] { play(); });
}

void Playback::stop() {
  {
    const Lock guard(mutex_);
    stopping_ = true;
    changed_.notify_all();
  }
  if (thread_.joinable()) thread_.join();
}

Micros Playback::time_at(Clock::time_point now) const {
  if (paused_ || ended_ || speed_ == kAtOnce) return at_;
  const std::chrono::duration<double, std::micro> passed = now - since_;
  const double at = static_cast<double>(at_) + passed.count() * speed_;
  return at >= static_cast<double>(to_) ? to_ : static_cast<Micros>(at);
}

Playback::Position Playback::position() const {
  const Lock guard(mutex_);
  return {time_at(Clock::now()), end_, speed_, paused_, ended_, from_, to_};
}

void Playback::pause(bool paused) {
  const Lock guard(mutex_);
  at_ = time_at(Clock::now());
  since_ = Clock::now();
  paused_ = paused;
  changed_.notify_all();
}

void Playback::set_speed(Speed speed) {
  const Lock guard(mutex_);
  at_ = time_at(Clock::now());
  since_ = Clock::now();
  speed_ = speed;
  changed_.notify_all();
}

Result<void> Playback::move_to(std::string_view moment, Micros now) {
  const auto spec = parse_time(moment, now);
  if (!spec) return spec.error();
  std::shared_ptr<Opened> opened;
  {
    const Lock guard(mutex_);
    opened = opened_;
  }
  const auto move = std::make_shared<Move>();
  if (const auto* after = std::get_if<Seq>(&*spec)) {
    move->seq = std::clamp(*after, first_, last_);
    move->at = from_;
    if (move->seq > first_) {
      const auto at = time_of(opened->reader.log(), move->seq);
      if (!at) return at.error();
      move->at = *at;
    }
  } else {
    move->at = std::clamp(std::get<Micros>(*spec), from_, to_);
    const auto seq = last_at(opened->reader.log(), move->at);
    if (!seq) return seq.error();
    move->seq = std::clamp(*seq, first_, last_);
  }
  Lock lock(mutex_);
  const auto free = [&] {
    mutex_.held();
    return !move_ || stopping_;
  };
  changed_.wait(lock.waiting(), free);
  if (stopping_) return Error{Errc::Io, "the replay ends"};
  move_ = move;
  changed_.notify_all();
  changed_.wait(lock.waiting(), [&] {
    mutex_.held();
    return move->done || stopping_;
  });
  if (!move->done) return Error{Errc::Io, "the replay ends"};
  return *move->done;
}

bool Playback::submit(Task) { return false; }

Result<void> Playback::exclusively(const std::function<Result<void>(store::Writer&, Micros)>&) {
  return of_the_past();
}

std::optional<Error> Playback::problem() const { return of_the_past(); }

std::shared_ptr<const store::ReadView> Playback::reading() const {
  const Lock guard(mutex_);
  return {opened_, &opened_->view};
}

Result<void> Playback::place(Seq seq) {
  std::shared_ptr<Opened> opened;
  {
    const Lock guard(mutex_);
    opened = opened_;
  }
  store::Snapshot nearest = store::nearest_whole_snapshot(layout_, opened->reader.log(), seq);
  RC_TRY(nearest.fold.advance(opened->reader.log(), seq));
  fold_ = std::move(nearest.fold);
  end_ = seq;
  if (options_.on_place) options_.on_place(fold_);
  return {};
}

Result<void> Playback::advance(Seq last) {
  std::shared_ptr<Opened> opened;
  {
    const Lock guard(mutex_);
    opened = opened_;
  }
  // One after the other, so that what each did is told before the next is there.
  store::Writer::Batch batch;
  const Seq to = std::min(last, fold_.state.seq + kPiece);
  return fold_.follow(opened->reader.log(), to, engine::Effects(), [&](const auto& step) {
    batch.events.assign(1, {step.header, step.outcome});
    batch.transitions.assign(step.transitions.begin(), step.transitions.end());
    batch.effects.assign(step.effects.begin(), step.effects.end());
    end_ = step.header.seq;
    if (options_.on_event) options_.on_event(batch);
  });
}

void Playback::look_for_erasures() {
  if (Clock::now() - looked_ < kLookEvery) return;
  looked_ = Clock::now();
  const std::uint64_t file = file_number(layout_.vault());
  if (file == vault_file_) return;
  auto opened = open_store(layout_, end_);
  if (!opened) return;  // being written just now: looked at again
  vault_file_ = file;
  {
    const Lock guard(mutex_);
    opened_ = std::move(*opened);
  }
  if (options_.on_erasure) options_.on_erasure();
}

void Playback::play() {
  Lock lock(mutex_);
  while (!stopping_) {
    if (const auto move = move_) {
      lock.unlock();
      auto done = place(move->seq);
      lock.lock();
      at_ = move->at;
      since_ = Clock::now();
      ended_ = false;
      move->done = std::move(done);
      move_.reset();
      changed_.notify_all();
      continue;
    }
    const Micros due = speed_ == kAtOnce ? to_ : time_at(Clock::now());
    const bool stands = paused_ || ended_;
    const auto opened = opened_;
    lock.unlock();
    look_for_erasures();
    std::optional<Micros> next;  // when the next event comes
    Seq came = fold_.state.seq;
    bool failed = false;
    if (!stands) {
      const auto upto = last_at(opened->reader.log(), due);
      failed = !upto;
      if (upto && std::min(*upto, last_) > came) {
        failed = !advance(std::min(*upto, last_));
      } else if (upto && came < last_) {
        const auto at = time_of(opened->reader.log(), came + 1);
        failed = !at;
        if (at) next = *at;
      }
    }
    const bool advanced = fold_.state.seq > came;
    came = fold_.state.seq;
    lock.lock();
    if (speed_ == kAtOnce && advanced) {
      at_ = fold_.state.at;
      since_ = Clock::now();
    }
    if (!stands && (failed || (came == last_ && due >= to_))) {
      at_ = to_;
      ended_ = true;
    }
    if (advanced && !ended_) continue;
    auto until = Clock::now() + kLookEvery;
    if (!stands && !ended_ && speed_ != kAtOnce) {
      const double left = static_cast<double>(next.value_or(to_) - time_at(Clock::now())) / speed_;
      until = std::min(until, Clock::now() + std::chrono::microseconds(static_cast<std::int64_t>(
                                                 std::clamp(left, 0.0, 1e6))));
    }
    changed_.wait_until(lock.waiting(), until);
  }
}

}  // namespace rollcall::replay
