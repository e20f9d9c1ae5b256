// verify_store, with the asker's own checkpoint and policy as texts.
#include "replay/question/verify.h"

#include <array>

namespace rollcall::replay::inline question {
namespace {

constexpr std::size_t kTextMost = 1U << 20;

constexpr std::array<std::pair<Verdict, std::string_view>, 4> kVerdicts{
    {{Verdict::Verified, "VERIFIED"},
     {Verdict::Tampered, "TAMPERED"},
     {Verdict::Incomplete, "INCOMPLETE"},
     {Verdict::Diverged, "DIVERGED"}}};

}  // namespace

std::string_view name_of(Verdict verdict) {
  for (const auto& [is, name] : kVerdicts)
    if (is == verdict) return name;
  return "?";
}

std::optional<Verdict> verdict_named(std::string_view name) {
  for (const auto& [is, text] : kVerdicts)
    if (text == name) return is;
  return std::nullopt;
}

Result<void> check(const VerifyQuestion& q) {
  for (const auto* text : {&q.checkpoint, &q.policy})
    if (*text && (*text)->size() > kTextMost)
      return Error{Errc::BadInput, "checkpoint and policy are texts of at most 1 MiB"};
  if (q.checkpoint)
    if (const auto note = store::note::parse(*q.checkpoint); !note) return note.error();
  if (q.policy)
    if (const auto policy = store::parse_policy_file(*q.policy); !policy) return policy.error();
  return {};
}

Result<VerifyQuestion::Summary> answer(const Desk& desk, const VerifyQuestion& q,
                                       const RowSink<NoRow>&) {
  if (!store::exists(desk.layout))
    return Error{Errc::NotFound,
                 fmt::format("there is no log in {}", desk.layout.app_dir.string())};
  VerifyOptions options;
  options.full = q.full.value_or(false);
  options.replay = q.replay.value_or(false);
  options.strict = q.strict.value_or(false);
  options.bodies = q.bodies.value_or(true);
  if (q.checkpoint) {
    auto note = store::note::parse(*q.checkpoint);
    if (!note) return note.error();
    options.saved = std::move(*note);
  }
  if (q.policy) {
    auto policy = store::parse_policy_file(*q.policy);
    if (!policy) return policy.error();
    options.policy = std::move(*policy);
  }
  options.progress = desk.progress;
  const VerifyReport r = verify_store(desk.layout, options);
  VerifyQuestion::Summary out;
  out.verdict = std::string(name_of(r.verdict()));
  out.origin = r.origin;
  out.key = r.key_id;
  out.size = r.size;
  out.signed_size = r.signed_size;
  out.bodies_opened = r.bodies_opened;
  out.shredded = r.shredded;
  out.dropped = r.dropped;
  for (const auto& c : r.checks) out.checks.push_back({c.name, c.subject, c.ok, c.detail});
  for (const auto& f : r.findings)
    out.findings.push_back(
        {std::string(name_of(f.verdict)), f.seq, f.last == 0 ? f.seq : f.last, f.text});
  out.findings_more = r.findings_more;
  return out;
}

}  // namespace rollcall::replay::inline question
