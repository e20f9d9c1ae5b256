// Signing keys and signed checkpoints.
#include "store/log/checkpoints.h"

#include "store/bytes/files.h"

#include <fmt/format.h>

#include <algorithm>

namespace rollcall::store::inline log {
namespace {

constexpr std::string_view kPrefix = "checkpoint/";

std::string meta_key(std::uint64_t size) { return fmt::format("{}{:016x}", kPrefix, size); }

Result<SignedCheckpoint> parse_signed(std::string_view text) {
  auto note = note::parse(text);
  if (!note) return note.error();
  auto checkpoint = note::parse_checkpoint(note->text);
  if (!checkpoint) return checkpoint.error();
  return SignedCheckpoint{std::move(*note), std::move(*checkpoint)};
}

Result<void> store(EventLog& log, const Layout& layout, const SignedCheckpoint& made) {
  const std::string text = note::render(made.note);
  RC_TRY(log.put_meta(meta_key(made.checkpoint.size), text));
  return replace_file(layout.checkpoint(), text);
}

Result<void> write_trusted(const Layout& layout, std::span<const note::Verifier> keys) {
  std::string text;
  for (const auto& key : keys) text += key.vkey() + "\n";
  return replace_file(layout.trusted(), text);
}

}  // namespace

Result<void> create_signing_key(const Layout& layout, std::string_view origin) {
  if (!note::valid_key_name(origin))
    return Error{Errc::BadInput, "an origin has no spaces, control characters or plus signs"};
  RC_TRY(make_directories(layout.keys(), Secret::Yes));
  const note::Signer signer{std::string(origin), note::Algorithm::Ed25519, random_key()};
  const std::array keys{signer.verifier()};
  RC_TRY(write_trusted(layout, keys));
  return replace_file(layout.signing_key(), signer.skey() + "\n", Secret::Yes);
}

Result<note::Signer> signing_key(const Layout& layout) {
  const auto text = read_file(layout.signing_key());
  if (!text) return text.error();
  std::string_view line = *text;
  if (line.ends_with('\n')) line.remove_suffix(1);
  auto signer = note::Signer::parse(line);
  if (!signer)
    return Error{Errc::Incomplete,
                 fmt::format("{}: {}", layout.signing_key().string(), signer.error().detail)};
  return signer;
}

std::optional<Error> signing_key_fault(const Layout& layout) {
  const auto signer = signing_key(layout);
  if (!signer) {
    if (signer.error().code == Errc::Io) return std::nullopt;  // there, and not for us to read
    return signer.error();
  }
  const auto trusted = trusted_keys(layout);
  if (!trusted) return std::nullopt;  // told by whoever reads it
  const auto own = signer->verifier();
  if (std::find(trusted->begin(), trusted->end(), own) != trusted->end()) return std::nullopt;
  return Error{Errc::Incomplete,
               fmt::format("{}: it is none of the keys in {}", layout.signing_key().string(),
                           layout.trusted().string())};
}

Result<std::vector<note::Verifier>> trusted_keys(const Layout& layout) {
  const auto text = read_file(layout.trusted());
  if (!text) return text.error();
  std::vector<note::Verifier> out;
  std::string_view rest = *text;
  while (!rest.empty()) {
    const auto end = rest.find('\n');
    auto key = note::Verifier::parse(rest.substr(0, end));
    if (!key)
      return Error{Errc::Incomplete,
                   fmt::format("{}: {}", layout.trusted().string(), key.error().detail)};
    out.push_back(std::move(*key));
    rest.remove_prefix(end == std::string_view::npos ? rest.size() : end + 1);
  }
  if (out.empty())
    return Error{Errc::Incomplete, fmt::format("{}: it names no key", layout.trusted().string())};
  return out;
}

Result<note::Signer> rotate_signing_key(const Layout& layout) {
  auto keys = trusted_keys(layout);
  if (!keys) return keys.error();
  const note::Signer next{keys->front().name, note::Algorithm::Ed25519, random_key()};
  // Trusted first: a crash in between leaves a key that is trusted and not yet used.
  keys->insert(keys->begin(), next.verifier());
  RC_TRY(write_trusted(layout, *keys));
  RC_TRY(replace_file(layout.signing_key(), next.skey() + "\n", Secret::Yes));
  return next;
}

namespace {

Result<SignedCheckpoint> parse_entry(const std::string& key, const std::string& text) {
  auto parsed = parse_signed(text);
  if (!parsed || meta_key(parsed->checkpoint.size) != key) {
    return Error{Errc::Tampered,
                 fmt::format("the stored checkpoint {} is damaged", key.substr(kPrefix.size()))};
  }
  return parsed;
}

}  // namespace

Result<std::vector<SignedCheckpoint>> checkpoint_history(const EventLog& log) {
  const auto entries = log.scan_meta(kPrefix);
  if (!entries) return entries.error();
  std::vector<SignedCheckpoint> out;
  for (const auto& [key, text] : *entries) {
    auto parsed = parse_entry(key, text);
    if (!parsed) return parsed.error();
    out.push_back(std::move(*parsed));
  }
  return out;
}

Result<NewestCheckpoint> newest_checkpoint(const EventLog& log, const Layout& layout) {
  const auto entry = log.last_meta(kPrefix);
  if (!entry) return entry.error();
  NewestCheckpoint out;
  if (*entry) {
    auto stored = parse_entry((*entry)->first, (*entry)->second);
    if (!stored) return stored.error();
    out.newest = std::move(*stored);
  }
  const auto text = read_file(layout.checkpoint());
  if (!text) {
    if (out.newest) out.file_damage = fmt::format("{} is missing", layout.checkpoint().string());
    return out;
  }
  const auto parsed = parse_signed(*text);
  const auto keys = trusted_keys(layout);
  if (!keys) return keys.error();
  if (!parsed || !note::open(parsed->note, *keys)) {
    out.file_damage = fmt::format("{} is damaged", layout.checkpoint().string());
    return out;
  }
  if (out.newest && parsed->checkpoint.size == out.newest->checkpoint.size &&
      *text != (*entry)->second) {  // a witness's line, say: the log's own signature is whole
    out.file_damage =
        fmt::format("{} is damaged: it is not what the log says", layout.checkpoint().string());
    return out;
  }
  // Signed by a live writer after this reader pinned its size: not yet this reader's concern.
  if (!log.writable() && parsed->checkpoint.size > log.last() &&
      FileLock::held(layout.writer_lock())) {
    return out;
  }
  // A good signature in the file over more than the database holds: the database lost it.
  if (!out.newest || parsed->checkpoint.size > out.newest->checkpoint.size) out.newest = *parsed;
  return out;
}

Result<void> check_signed_history(const EventLog& log, const Layout& layout) {
  const auto newest = newest_checkpoint(log, layout);
  if (!newest) return newest.error();
  if (!newest->newest) return {};
  const note::Checkpoint& signed_last = newest->newest->checkpoint;
  const auto keys = trusted_keys(layout);
  if (!keys) return keys.error();
  if (const auto good = note::open(newest->newest->note, *keys); !good) {
    return Error{Errc::Tampered, fmt::format("the last signed checkpoint (size {}): {}",
                                             signed_last.size, good.error().detail)};
  }
  if (signed_last.origin != log.origin()) {
    return Error{Errc::Tampered,
                 fmt::format("the last signed checkpoint is of {}, the log says it is {}",
                             signed_last.origin, log.origin())};
  }
  if (signed_last.size > log.last()) {
    return Error{Errc::Tampered, fmt::format("a checkpoint was signed for {} events and the log "
                                             "holds {}: events that were acknowledged are gone",
                                             signed_last.size, log.last())};
  }
  const auto root = log.root_at(signed_last.size);
  if (!root) return root.error();
  if (*root != signed_last.root) {
    return Error{Errc::Tampered,
                 fmt::format("the first {} events do not hash to the root that was signed for them",
                             signed_last.size)};
  }
  return {};
}

Result<SignedCheckpoint> sign_checkpoint(EventLog& log, const Layout& layout,
                                         std::span<const note::Signer> signers) {
  RC_TRY(log.sync());
  const note::Checkpoint checkpoint{log.origin(), log.last(), log.root()};
  const auto there = log.meta(meta_key(checkpoint.size));
  if (!there) return there.error();
  SignedCheckpoint made{{note::render(checkpoint), {}}, checkpoint};
  if (*there) {
    auto parsed = parse_signed(**there);
    if (!parsed || parsed->checkpoint != checkpoint) {
      return Error{Errc::Tampered,
                   fmt::format("another checkpoint of size {} was signed before", checkpoint.size)};
    }
    made = std::move(*parsed);
  }
  bool added = !*there;
  for (const note::Signer& signer : signers) {
    const auto verifier = signer.verifier();
    bool present = false;
    for (const auto& line : made.note.signatures) present |= note::is_by(line, verifier);
    if (present) continue;
    made.note.signatures.push_back(note::sign(made.note.text, signer));
    added = true;
  }
  if (added) RC_TRY(store(log, layout, made));
  // Stored before, and the disk had no room for the file.
  const std::string text = note::render(made.note);
  if (const auto file = read_file(layout.checkpoint()); !added && (!file || *file != text))
    RC_TRY(replace_file(layout.checkpoint(), text));
  return made;
}

Result<SignedCheckpoint> add_cosignatures(EventLog& log, const Layout& layout,
                                          const SignedCheckpoint& to,
                                          std::span<const note::SignatureLine> lines) {
  SignedCheckpoint out = to;
  for (const auto& line : lines) {
    std::erase_if(out.note.signatures, [&](const auto& old) {
      return old.name == line.name && old.key_id == line.key_id;
    });
    out.note.signatures.push_back(line);
  }
  RC_TRY(store(log, layout, out));
  return out;
}

Result<void> write_policy(const Layout& layout, const PolicyFile& policy) {
  return replace_file(layout.policy(), with_sum(render(policy)));
}

Result<PolicyFile> store_policy(const Layout& layout) {
  PolicyFile policy;
  if (present(layout.policy())) {
    const auto text = read_file(layout.policy());
    if (!text) return text.error();
    const auto whole = without_sum(*text);
    if (!whole)
      return Error{Errc::Incomplete,
                   fmt::format("{}: damaged, or edited by hand (then take out its last line)",
                               layout.policy().string())};
    auto parsed = parse_policy_file(*whole);
    if (!parsed)
      return Error{Errc::Incomplete,
                   fmt::format("{}: {}", layout.policy().string(), parsed.error().detail)};
    policy = std::move(*parsed);
  }
  const auto keys = trusted_keys(layout);
  if (!keys) return keys.error();
  policy.logs.clear();  // its own keys are those it signs with, rotated ones included
  for (const auto& key : *keys) policy.logs.push_back({key, ""});
  return policy;
}

Result<std::string> add_witness(const Layout& layout, const NewWitness& witness) {
  const auto key = note::Verifier::parse(witness.vkey);
  if (!key) return key.error();
  const auto lock = FileLock::wait(layout.policy().string() + ".lock");
  if (!lock) return lock.error();
  auto policy = store_policy(layout);
  if (!policy) return policy.error();
  std::erase_if(policy->witnesses, [&](const auto& w) { return w.name == witness.name; });
  policy->witnesses.push_back({witness.name, *key, witness.url});
  PolicyFile::Group group;
  for (const auto& w : policy->witnesses) group.members.push_back(w.name);
  const auto count = parse_decimal(witness.quorum);
  const bool words = witness.quorum.empty() || witness.quorum == "any" || witness.quorum == "all";
  if (!words && (!count || *count == 0))
    return Error{Errc::BadInput, "quorum is any, all, or a number from 1 on"};
  if (count && *count > group.members.size())
    return Error{Errc::BadInput, fmt::format("quorum {} is more than the {} witnesses there are",
                                             *count, group.members.size())};
  group.needed = witness.quorum == "any" ? 1 : count ? *count : group.members.size();
  policy->groups["witnesses"] = group;
  policy->quorum = "witnesses";
  std::string text = render(*policy);
  if (const auto sound = parse_policy_file(text); !sound) return sound.error();
  RC_TRY(write_policy(layout, *policy));
  return text;
}

}  // namespace rollcall::store::inline log
