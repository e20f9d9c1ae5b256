// Planning, doing and finishing erasures.
#include "store/forget.h"

#include "store/backup.h"
#include "store/bytes/files.h"
#include "store/erasures.h"
#include "store/writer.h"

#include <fmt/format.h>

namespace rollcall::store {
namespace {

using engine::Kind;

Result<Written> append_erased(Writer& writer, UserNumber user, Seq request, std::uint64_t events,
                              engine::Micros at) {
  Proposal erased;
  erased.kind = Kind::UserErased;
  erased.cause = engine::Cause::Erased;
  erased.number = user;
  engine::write_fields(erased, engine::ErasedFields{events, request});
  return writer.write(erased, at);
}

/// Puts the number on the list beside every backup, and takes the key out of every copy of the
/// vault. A folder that is gone has nothing to forget.
Result<void> tell_backups(const Layout& layout, UserNumber user) {
  const auto text = read_backup_folders(layout);
  if (!text) return text.error();
  std::string_view rest = *text;
  while (!rest.empty()) {
    const auto end = rest.find('\n');
    const std::string_view line = rest.substr(0, end);
    rest.remove_prefix(end == std::string_view::npos ? rest.size() : end + 1);
    const auto space = line.find(' ');
    if (space == std::string_view::npos) continue;
    const std::filesystem::path directory(std::string(line.substr(space + 1)));
    std::error_code ec;
    if (!std::filesystem::is_directory(directory, ec)) continue;
    const auto lock = lock_copies(directory);
    if (!lock) return lock.error();
    if (line.starts_with("data ")) {
      auto numbers = read_erasures(directory / "erasures");
      if (!numbers) return numbers.error();
      numbers->insert(user);
      RC_TRY(write_erasures(directory / "erasures", *numbers));
      continue;
    }
    std::filesystem::directory_iterator entry(directory, ec);
    for (; !ec && entry != std::filesystem::directory_iterator(); entry.increment(ec)) {
      std::error_code unknown;
      const auto name = entry->path().filename().string();
      if (name.starts_with('.') || !entry->is_regular_file(unknown)) continue;
      if (name.ends_with(".new"))  // a copy that was cut short: nobody makes one now
        std::filesystem::remove(entry->path(), unknown);
      else
        RC_TRY(Vault::scrub_copy(entry->path(), {user}));
    }
    if (ec)
      return Error{Errc::Io, fmt::format("cannot read {}: {}", directory.string(), ec.message())};
  }
  return {};
}

/// Destroys key and name, durably. Idempotent.
Result<void> shred(Writer& writer, UserNumber user) {
  writer.drop_cached(user);
  auto erased = read_erasures(writer.layout().erasures());
  if (!erased) return erased.error();
  erased->insert(user);
  RC_TRY(write_erasures(writer.layout().erasures(), *erased, writer.files()));
  RC_TRY(writer.vault().forget({user}));
  return tell_backups(writer.layout(), user);
}

}  // namespace

ForgetPlan plan_forget(const Writer& writer, UserNumber user) {
  ForgetPlan plan;
  plan.user = user;
  plan.held = writer.ledger().holds.contains(user);
  const auto count = writer.census().of(user);
  plan.events = count.events;
  plan.bodies = count.bodies;
  plan.mentions = writer.census().mentions_of(user);
  return plan;
}

namespace {

/// What follows once the log says that it was asked for.
Result<Forgotten> erase(Writer& writer, const ForgetPlan& plan, const ForgetRequest& request,
                        Seq request_seq, std::int64_t at) {
  RC_TRY(shred(writer, plan.user));
  Forgotten out;
  if (request.with_mentions && !plan.mentions.empty()) {
    std::vector<Seq> seqs;
    for (const Mention& m : plan.mentions) seqs.push_back(m.seq);
    RC_TRY(writer.log().drop_bodies(seqs));
    RC_TRY(writer.log().compact_bodies());
    out.bodies_dropped = seqs.size();
  }
  const auto erased = append_erased(writer, plan.user, request_seq, plan.events, at);
  if (!erased) return erased.error();
  out.erased_seq = erased->seq;
  const auto checkpoint = writer.sign(at);
  if (!checkpoint) return checkpoint.error();
  auto path =
      merkle::inclusion_proof(erased->seq - 1, checkpoint->checkpoint.size, writer.log().nodes());
  if (!path) return path.error();
  out.receipt = {erased->seq - 1, encode_header(erased->header), std::move(*path),
                 checkpoint->note};
  return out;
}

}  // namespace

Result<Forgotten> forget(Writer& writer, const ForgetPlan& plan, const ForgetRequest& request,
                         std::int64_t at) {
  const engine::User* user = writer.state().find(plan.user);
  if (plan.user == 0 || user == nullptr)
    return Error{Errc::NotFound, fmt::format("there is no user #{}", plan.user)};
  if (user->erased)
    return Error{Errc::Refused, fmt::format("user #{} was forgotten before", plan.user)};
  if (writer.ledger().holds.contains(plan.user))
    return Error{Errc::Refused,
                 fmt::format("a hold on user #{} forbids it (hold release ends it)", plan.user)};
  Proposal requested;
  requested.kind = Kind::EraseRequested;
  engine::write_fields(requested,
                       engine::EraseFields{plan.user, plan.events, request.with_mentions});
  requested.body.reason = request.reason;
  requested.body.ticket = request.ticket;
  const auto asked = writer.write(requested, at);
  if (!asked) return asked.error();
  auto done = erase(writer, plan, request, asked->seq, at);
  if (done) return done;
  Error error = done.error();
  error.detail +=
      writer.ledger().erase_pending.contains(plan.user)
          ? " (the erasure has begun: whatever opens the store for writing next ends it)"
          : " (the erasure is done; a checkpoint over it is not signed yet)";
  return error;
}

Result<void> finish_pending_erasures(Writer& writer) {
  // Also what the list says and the vault does not know yet: a restored store.
  const auto listed = read_erasures(writer.layout().erasures());
  if (!listed) return listed.error();
  std::set<UserNumber> missing;
  for (const UserNumber number : *listed) {
    if (!writer.vault().erased(number) || writer.vault().user_key(number)) missing.insert(number);
  }
  if (!missing.empty()) RC_TRY(writer.vault().forget(missing));
  for (const UserNumber number :
       *listed) {  // a restored log does not know what happened after its backup
    const engine::User* user = writer.state().find(number);
    if (user == nullptr || user->erased || writer.ledger().erase_pending.contains(number)) continue;
    Proposal again;
    again.kind = Kind::EraseRequested;
    engine::write_fields(again, engine::EraseFields{number, 0, false});
    again.body.reason = "on the list of erasures when the store was restored";
    const auto asked = writer.write(again, writer.state().at);
    if (!asked) return asked.error();
  }
  const auto pending = writer.ledger().erase_pending;
  for (const auto& [user, request] : pending) {
    const auto header = writer.log().header(request);
    if (!header) return header.error();
    const auto asked = *header ? engine::erase_request_of(**header) : engine::EraseFields{};
    const auto at = writer.state().at;
    RC_TRY(shred(writer, user));
    if (asked.with_mentions) {
      std::vector<Seq> seqs;
      for (const Mention& m : writer.census().mentions_of(user)) seqs.push_back(m.seq);
      RC_TRY(writer.log().drop_bodies(seqs));
      RC_TRY(writer.log().compact_bodies());
    }
    const auto erased = append_erased(writer, user, request, asked.events, at);
    if (!erased) return erased.error();
  }
  return {};
}

}  // namespace rollcall::store
