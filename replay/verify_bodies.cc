// Bodies against digests, absences against reasons.
#include "replay/verify_bodies.h"

#include "store/erasures.h"

#include <fmt/format.h>

#include <chrono>

namespace rollcall::replay {

using engine::Kind;

void BodyCheck::note(const Header& h) {
  if (h.kind == Kind::UserErased) erased_.insert(h.user);
  if (h.kind == Kind::EraseRequested) {
    const auto erase = engine::erase_request_of(h);
    requested_.insert(erase.subject);
    if (erase.with_mentions) mentions_dropped_[erase.subject] = h.seq;
  }
  if (h.kind != Kind::RetentionApplied) return;
  const auto said = engine::retention_of(h);
  if (said.form == engine::Retention::Applied) {
    Seq& upto = retention_[said.of_kind];
    upto = std::max(upto, said.event);
  }
  if (said.form == engine::Retention::One) removed_.insert(said.event);
}

bool BodyCheck::chunk(std::span<const Header> headers, Seq from, Seq to) {
  const auto start = std::chrono::steady_clock::now();
  Seq next = from;
  const auto absent_until = [&](Seq end) {
    for (; next < end; ++next) absent(headers[next - from]);
  };
  const auto scanned = reader_.log().scan_bodies(from, to, [&](Seq seq, store::ByteView sealed) {
    absent_until(seq);
    opened(headers[seq - from], sealed);
    next = seq + 1;
    return true;
  });
  if (scanned)
    absent_until(to + 1);
  else
    find_(Verdict::Incomplete, 0, scanned.error().detail);
  report_.seconds_bodies +=
      std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  return scanned.has_value();
}

void BodyCheck::opened(const Header& h, store::ByteView sealed) {
  if (h.body_len == 0) {
    find_(Verdict::Tampered, h.seq,
          fmt::format("seq {}: a body is stored for an event that has none", h.seq));
    return;
  }
  if (!opener_) opener_.emplace(*reader_.vault(), reader_.layout().app);
  switch (opener_->open(h, sealed, store::BodyOpener::Decode::No).state) {
    case store::BodyState::Open:
      ++report_.bodies_opened;
      break;
    case store::BodyState::Shredded:
      ++report_.shredded;
      if (!reader_.vault()->erased(h.user)) {
        find_(Verdict::Incomplete, h.seq,
              fmt::format("seq {}: the vault has no key for it, and user #{} was not forgotten",
                          h.seq, h.user));
      }
      break;
    default:
      find_(Verdict::Tampered, h.seq,
            fmt::format("seq {}: its body does not open, or does not fit the digest in its header",
                        h.seq));
  }
}

void BodyCheck::absent(const Header& h) {
  if (h.body_len == 0) return;
  const auto target =
      h.kind == Kind::Activity ? engine::activity_of(h).target_user() : std::nullopt;
  missing_.push_back({h.seq, h.kind, h.user, target.value_or(0)});
}

void BodyCheck::explain_missing() {
  std::erase_if(missing_, [&](const Missing& m) {
    const auto kept = retention_.find(m.kind);
    // No rule drops a person's name: it goes with the key, and nothing else explains its absence.
    const bool retained =
        kept != retention_.end() && m.seq <= kept->second && m.kind != Kind::UserEnrolled;
    const auto mention = mentions_dropped_.find(m.target);
    const bool mentioned =
        m.target != 0 && mention != mentions_dropped_.end() && m.seq <= mention->second;
    if (retained || mentioned || (m.kind == Kind::Activity && removed_.contains(m.seq))) {
      ++report_.dropped;
      return true;
    }
    if (erased_.contains(m.user)) {
      ++report_.shredded;
      return true;
    }
    return false;
  });
  for (const Missing& m : missing_) {
    find_(Verdict::Tampered, m.seq,
          fmt::format("seq {}: its body is missing, and no event says that it was dropped", m.seq));
  }
}

void BodyCheck::orphans() {
  const auto scanned =
      reader_.log().scan_bodies(report_.size + 1, ~Seq{0}, [&](Seq seq, store::ByteView) {
        if (seq > reader_.last()) {
          find_(
              Verdict::Tampered, seq,
              fmt::format("seq {}: a body is stored for an event that the log does not hold", seq));
        }
        return false;
      });
  if (!scanned) find_(Verdict::Incomplete, 0, scanned.error().detail);
}

void BodyCheck::vault(std::size_t users) {
  const store::Vault& vault = *reader_.vault();
  for (UserNumber number = 1; number < users; ++number) {
    if (vault.user_key(number) || vault.erased(number) || erased_.contains(number) ||
        requested_.contains(number))
      continue;
    find_(Verdict::Incomplete, 0,
          fmt::format("{}: user #{} of the log is missing", vault.file().string(), number));
    break;
  }
  const auto listed = store::read_erasures(reader_.layout().erasures());
  if (!listed) find_(Verdict::Incomplete, 0, listed.error().detail);
}

void BodyCheck::finish(std::size_t users) {
  explain_missing();
  orphans();
  vault(users);
}

}  // namespace rollcall::replay
