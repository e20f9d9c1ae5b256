// Opening for writing, staging and committing.
#include "store/writer.h"

#include "store/bytes/files.h"
#include "store/bytes/in_parallel.h"
#include "store/bytes/utf8.h"
#include "store/log/event_clock.h"
#include "store/log/newest_events.h"
#include "store/log/snapshot.h"
#include "store/log/state_digest.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <utility>

namespace rollcall::store {
namespace {

using engine::Header;
using engine::Kind;

constexpr std::size_t kActionsMax = 4096;
constexpr std::size_t kChannelsMax = 100'000;
constexpr engine::Micros kTouchLoggedEvery = 60'000'000;

}  // namespace

std::string enrolment_key(UserNumber user) { return fmt::format("user/{:08x}", user); }

Writer::Writer(Layout layout, std::unique_ptr<EventLog> log, Vault vault, Files& files)
    : layout_(std::move(layout)),
      log_(std::move(log)),
      files_(files),
      vault_(std::move(vault)),
      sealer_(vault_, layout_.app) {}

Writer::~Writer() {
  if (!sequencer_ || broken() || state().seq < NewestEvents::kWorthAFile ||
      state().seq != log_->last())
    return;
  const auto known = NewestEvents::open(layout_, *log_);
  if (known && known->as_of() == state().seq) return;
  (void)NewestEvents::write(layout_, *log_, state(), census_);  // readers do without it
}

Result<std::unique_ptr<Writer>> Writer::create(const Layout& layout, std::string origin,
                                               Medium& medium) {
  if (origin.empty()) {
    std::array<std::uint8_t, 4> id;
    random_bytes(id);
    origin = fmt::format("rollcall.local/{}-{}", layout.app, hex(id));
  }
  if (!note::valid_key_name(origin))
    return Error{Errc::BadInput, "an origin has no spaces, control characters or plus signs"};
  RC_TRY(make_directories(layout.app_dir, Secret::Yes));
  // Keys and vault first: a log without them could never be written again.
  if (!present(layout.signing_key())) RC_TRY(create_signing_key(layout, origin));
  const auto signer = signing_key(layout);
  if (!signer) return signer.error();
  Files& files = medium.files();
  auto vault = present(layout.vault() / "records")
                   ? Vault::open(layout.vault(), layout.app, files)
                   : Vault::create(layout.vault(), layout.app, files);
  if (!vault) return vault.error();
  auto log = medium.create_log(layout, signer->name);
  if (!log) return log.error();
  std::unique_ptr<Writer> writer(new Writer(layout, std::move(*log), std::move(*vault), files));
  RC_TRY(writer->vault_.keep_index());
  writer->sequencer_ = std::make_unique<engine::Sequencer>(engine::State{});
  return writer;
}

Result<std::unique_ptr<Writer>> Writer::load(const Layout& layout, Medium& medium) {
  // The vault is unsealed while the log is opened and folded: neither needs the other.
  Files& files = medium.files();
  auto names =
      in_parallel([&layout, &files] { return Vault::open(layout.vault(), layout.app, files); });
  auto log = medium.open_log(layout);
  if (!log) return log.error();
  RC_TRY(check_signed_history(**log, layout));
  Snapshot known = nearest_whole_snapshot(layout, **log, (*log)->last());
  const Seq from_snapshot = known.fold.state.seq;
  RC_TRY(known.fold.advance(
      **log, (*log)->last(),
      [&](const Header& h, ByteView, engine::Outcome, auto) { known.census.note(h); }));
  auto vault = names.get();
  if (!vault) return vault.error();
  std::unique_ptr<Writer> writer(new Writer(layout, std::move(*log), std::move(*vault), files));
  writer->from_snapshot_ = from_snapshot;
  writer->census_ = std::move(known.census);
  RC_TRY(writer->recover(std::move(known.fold)));
  return writer;
}

Result<void> Writer::recover(Fold fold) {
  ledger_ = std::move(fold.ledger);
  shown_ = std::move(fold.shown);
  // A process that was killed before its sync left what we read in the page cache alone: a new
  // epoch of keys, or the file's own name if it was written anew. Nothing may be sealed under what
  // a power failure takes away.
  const auto names = files_.open(vault_.file());
  if (!names) return names.error();
  RC_TRY((*names)->sync());
  RC_TRY(files_.sync_directory(layout_.vault()));
  // A crash between vault and log leaves names that no event knows; the other way round is damage.
  const auto users = static_cast<UserNumber>(fold.state.users.size());
  for (const UserNumber number : vault_.without_key(users)) {
    const bool gone = fold.state.users[number].erased || vault_.erased(number) ||
                      ledger_.erase_pending.contains(number);
    if (!gone) {
      return Error{Errc::Incomplete, fmt::format("{}: user #{} of the log is missing",
                                                 vault_.file().string(), number)};
    }
  }
  RC_TRY(vault_.drop_from(users));
  RC_TRY(vault_.keep_index());
  auto actions = named(ledger_.actions);
  if (!actions) return actions.error();
  actions_.assign(std::move(*actions));
  auto channels = named(ledger_.channels);
  if (!channels) return channels.error();
  channels_.assign(std::move(*channels));
  sequencer_ = std::make_unique<engine::Sequencer>(std::move(fold.state));
  return {};
}

Result<InternedNames::ByName> Writer::named(const std::map<std::uint64_t, Seq>& events) const {
  InternedNames::ByName out;
  BodyOpener opener(vault_, layout_.app);
  for (const auto& [id, seq] : events) {
    const auto header = log_->header(seq);
    const auto body = log_->body(seq);
    if (!header || !*header || !body)
      return Error{Errc::Incomplete, fmt::format("seq {}: the name it gives cannot be read", seq)};
    const OpenedBody opened = opener.open(**header, *body);
    if (opened.state == BodyState::Damaged)
      return Error{Errc::Tampered, fmt::format("seq {}: the name it gives is damaged", seq)};
    if (opened.state == BodyState::Open) out[opened.body.name] = id;
  }
  return out;
}

void Writer::gather(std::size_t from) {
  for (std::size_t i = from; i < sequenced_.size(); ++i) {
    pending_.headers.push_back(sequenced_[i].header);
    ledger_.note(sequenced_[i].header);
    census_.note(sequenced_[i].header);
  }
}

engine::Sequenced Writer::place(const Header& draft, engine::Micros at,
                                std::optional<Bytes> sealed) {
  close_dead_nodes(at);
  const std::size_t from = sequenced_.size();
  const std::size_t index = sequencer_->append(draft, at, sequenced_, transitions_, &effects_);
  if (sealed) pending_.bodies.emplace_back(sequenced_[index].header.seq, std::move(*sealed));
  gather(from);
  return sequenced_[index];
}

void Writer::conclude(engine::Micros at) {
  close_dead_nodes(at);
  const std::size_t from = sequenced_.size();
  sequencer_->conclude(at, sequenced_, transitions_, &effects_);
  gather(from);
}

Result<UserNumber> Writer::number_for(const Proposal& proposal, engine::Micros at) {
  if (proposal.user.empty()) {
    if (proposal.number == 0 && of_a_user(proposal.kind)) return check_user_name({}).error();
    if (proposal.number >= std::max<std::size_t>(state().users.size(), 1))
      return Error{Errc::NotFound, fmt::format("there is no user #{}", proposal.number)};
    return proposal.number;
  }
  if (const auto known = vault_.number_of(proposal.user)) return *known;
  RC_TRY(check_user_name(proposal.user));
  conclude(at);  // conclusions due before come first, as before any event
  const auto number = static_cast<UserNumber>(state().users.size());
  vault_.enroll(number, proposal.user);
  Header draft;
  draft.kind = Kind::UserEnrolled;
  draft.user = number;
  engine::Body body;
  body.name =
      proposal.user;  // its digest is in the header: so the name is signed, and goes with the key
  auto sealed = seal_into(draft, body);
  if (!sealed) return sealed.error();
  const engine::Sequenced placed = place(draft, at, std::move(*sealed));
  // Where a proof of the name finds its event; the event is the truth, this only points.
  pending_.meta.emplace_back(enrolment_key(number), fmt::format("{}", placed.header.seq));
  return number;
}

Result<std::optional<Bytes>> Writer::seal_into(Header& draft, const engine::Body& body) {
  if (body.empty()) return std::optional<Bytes>{};
  auto sealed = sealer_.seal(draft.user, draft.kind, body);
  if (!sealed) return sealed.error();
  draft.digest = sealed->digest;
  draft.body_len = sealed->body_len;
  draft.epoch = sealed->epoch;
  draft.flags |= sealed->flags;
  return std::optional<Bytes>{std::move(sealed->bytes)};
}

Result<std::uint64_t> Writer::intern(Kind kind, std::uint64_t id, std::string_view name,
                                     engine::Micros at) {
  Proposal named;
  named.kind = kind;
  engine::write_fields(named, engine::NameFields{id});
  named.body.name = std::string(name);
  const auto written = stage(named, at);
  if (!written) return written.error();
  // Where readers find the name without walking the log; the event is the truth, this only points.
  pending_.meta.emplace_back(kind == Kind::ActionNamed ? fmt::format("action/{:04x}", id)
                                                       : fmt::format("channel/{:06x}", id),
                             fmt::format("{}", written->seq));
  return id;
}

Result<std::uint64_t> Writer::action_id(std::string_view action, engine::Micros at) {
  if (const auto known = actions_.number(action)) return *known;
  if (actions_.size() >= kActionsMax) return std::uint64_t{0};  // further ones stay in the body
  const auto id = intern(Kind::ActionNamed, actions_.size() + 1, action, at);
  if (id) actions_.add(action, *id);
  return id;
}

Result<std::optional<std::uint64_t>> Writer::channel_id(std::string_view name, engine::Micros at) {
  if (const auto known = channels_.number(name)) return known;
  if (channels_.size() >= kChannelsMax) return std::optional<std::uint64_t>{};
  const auto id = intern(Kind::ChannelNamed, channels_.size() + 1, name, at);
  if (!id) return id.error();
  channels_.add(name, *id);
  return std::optional<std::uint64_t>(*id);
}

std::optional<Seq> Writer::session_by_key(std::string_view user,
                                          std::string_view external_key) const {
  const auto number = vault_.number_of(user);
  if (!number) return std::nullopt;
  const Hash tag = hmac_sha256(*vault_.user_key(*number), {as_bytes(external_key)});
  const engine::User* found = state().find(*number);
  if (found == nullptr) return std::nullopt;
  for (const Seq id : found->sessions) {
    const engine::Session& s = state().sessions.at(id);
    if (s.tag_high == get_be64(tag) && s.tag_low == get_be64(ByteView(tag).subspan(8))) return id;
  }
  return std::nullopt;
}

Result<Written> Writer::stage(const Proposal& proposal, engine::Micros at) {
  RC_TRY(check_body_texts(proposal.body));
  const auto number = number_for(proposal, at);
  if (!number) return number.error();
  Header draft;
  draft.kind = proposal.kind;
  draft.cause = proposal.cause;
  draft.flags = proposal.flags;
  draft.user = *number;
  draft.session = proposal.session;
  engine::copy_fields(proposal, draft);
  draft.digest = proposal.digest;
  engine::Body body = proposal.body;
  if (proposal.kind == Kind::Activity) {
    auto activity = engine::activity_of(draft);
    if (proposal.action.empty()) {
      draft.flags |= engine::flag::kTouch;
    } else {
      if (!valid_action(proposal.action))
        return Error{Errc::BadInput, "an action is 1 to 64 of a-z, 0-9, dot, underscore and dash"};
      const auto id = action_id(proposal.action, at);
      if (!id) return id.error();
      activity.action = *id;
      if (*id == 0) body.action = proposal.action;
    }
    const TargetTag target = target_tag(vault_, body.target_type, body.target_id);
    activity.target = target.tag;
    if (target.is_user) draft.flags |= engine::flag::kTargetIsUser;
    engine::write_fields(draft, activity);
  }
  if (proposal.kind == Kind::Login && !body.external_key.empty()) {
    const Hash tag = hmac_sha256(*vault_.user_key(*number), {as_bytes(body.external_key)});
    engine::write_fields(draft,
                         engine::LoginFields{get_be64(tag), get_be64(ByteView(tag).subspan(8))});
  }
  auto sealed = seal_into(draft, body);
  if (!sealed) return sealed.error();
  const engine::Sequenced placed = place(draft, at, std::move(*sealed));
  return Written{placed.header.seq, placed.header, placed.outcome};
}

Result<bool> Writer::stage_touch(Seq session, engine::Micros at) {
  const auto it = state().sessions.find(session);
  if (it == state().sessions.end()) return Error{Errc::Conflict, "that session is not open"};
  if (!it->second.away && at - it->second.last_activity_at < kTouchLoggedEvery) {
    sequencer_->hold_touch(session, at);
    return false;
  }
  Header draft;
  draft.kind = Kind::Activity;
  draft.flags = engine::flag::kTouch;
  draft.user = it->second.user;
  draft.session = session;
  place(draft, at, std::nullopt);
  return true;
}

std::uint64_t Writer::stage_restart(std::uint32_t node, engine::Micros at) {
  const std::size_t from = sequenced_.size();
  const engine::Micros last_heard = state().at;
  sequencer_->conclude(last_heard, sequenced_, transitions_, &effects_);
  nodes_died_ = false;
  append_node_downs(at);
  std::uint64_t epoch = 1;
  for (const auto* nodes : {&state().nodes_open, &state().nodes_closed})
    if (const auto it = nodes->find(node); it != nodes->end())
      epoch = std::max(epoch, it->second + 1);
  Header draft;
  draft.kind = Kind::NodeUp;
  const std::uint64_t node_epoch = engine::node_epoch(node, epoch);
  engine::write_fields(draft, engine::NodeFields{node_epoch, last_heard});
  sequencer_->append_unconcluded(draft, at, sequenced_, transitions_, &effects_);
  gather(from);
  return node_epoch;
}

void Writer::close_dead_nodes(engine::Micros at) {
  if (!std::exchange(nodes_died_, false)) return;
  const std::size_t from = sequenced_.size();
  append_node_downs(at);
  gather(from);
}

/// Of every node that is up in the log and whose process is not there any more: what was due
/// strictly before it was last heard, then its NodeDown, which tells the gap and moves the
/// deadlines by it.
void Writer::append_node_downs(engine::Micros at) {
  for (const auto& [node, epoch] : std::map(state().nodes_open)) {
    const auto closed = state().nodes_closed.find(node);
    if (closed != state().nodes_closed.end() && closed->second >= epoch) continue;
    const engine::Micros last_heard = state().at;
    sequencer_->conclude(last_heard, sequenced_, transitions_, &effects_);
    Header draft;
    draft.kind = Kind::NodeDown;
    draft.cause = engine::Cause::Restart;
    engine::write_fields(draft, engine::NodeFields{engine::node_epoch(node, epoch), last_heard});
    sequencer_->append_unconcluded(draft, at, sequenced_, transitions_, &effects_);
  }
}

void Writer::stage_clock_step(engine::Micros step, engine::Micros at) {
  const std::size_t from = sequenced_.size();
  sequencer_->conclude(at, sequenced_, transitions_, &effects_);
  Header draft;
  draft.kind = Kind::ClockStep;
  engine::write_fields(draft,
                       engine::ClockFields{state().clock_offset,
                                           engine::saturating_add(state().clock_offset, step)});
  sequencer_->append_unconcluded(draft, at, sequenced_, transitions_, &effects_);
  gather(from);
}

void Writer::stage_farewell(engine::Micros at) {
  const std::size_t from = sequenced_.size();
  sequencer_->flush_touches(at, sequenced_, transitions_, &effects_);
  Header mark;
  mark.kind = Kind::AliveMark;
  mark.cause = engine::Cause::Drain;
  sequencer_->append_unconcluded(mark, at, sequenced_, transitions_, &effects_);
  gather(from);
}

Writer::Batch Writer::take_batch() {
  Batch out{std::exchange(pending_, {}), vault_.take_pending(), std::exchange(sequenced_, {}),
            std::exchange(transitions_, {}), std::exchange(effects_.list, {})};
  return out;
}

Result<void> Writer::write_batch(const Batch& batch, Durable durable, WithTree tree) {
  if (batch.commit.headers.empty() && batch.commit.meta.empty() && batch.commit.meta_gone.empty())
    return {};
  if (broken()) return Error{Errc::Io, "an earlier write failed"};
  // A name is durable before the event that first names it.
  auto written = vault_.write(batch.names);
  if (written) written = log_->append(batch.commit, durable, tree).result();
  if (!written) {
    broken_ = true;
    return written;
  }
  if (observer_ && !batch.events.empty()) observer_(batch);
  return {};
}

void Writer::stage_meta(std::string key, std::string value) {
  pending_.meta.emplace_back(std::move(key), std::move(value));
}

void Writer::stage_meta_gone(std::string key) { pending_.meta_gone.push_back(std::move(key)); }

Result<void> Writer::commit(Durable durable, WithTree tree) {
  if (pending_.headers.empty()) return {};
  return write_batch(take_batch(), durable, tree);
}

Result<Written> Writer::write(const Proposal& proposal, engine::Micros at) {
  auto written = stage(proposal, at);
  if (!written) return written;
  RC_TRY(commit());
  return written;
}

Result<SignedCheckpoint> Writer::sign(engine::Micros at) {
  const auto signer = signing_key(layout_);
  if (!signer) return signer.error();
  conclude(at);
  RC_TRY(commit());
  const auto last = log_->header(log_->last());
  if (!last) return last.error();
  const bool digested = *last && (*last)->kind == Kind::StateDigest;
  if (!digested && log_->last() > 0) {
    Proposal digest;
    digest.kind = Kind::StateDigest;
    engine::write_fields(digest, engine::DigestFields{log_->last(), engine::kReducerVersion});
    digest.digest = digester_.root(sequencer_->state_for_digest());
    const auto written = write(digest, at);
    if (!written) return written.error();
  }
  const std::array signers{*signer};
  return sign_checkpoint(*log_, layout_, signers);
}

}  // namespace rollcall::store
