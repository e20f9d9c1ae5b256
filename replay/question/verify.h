// verify: whether anybody rewrote the history.
#pragma once

#include "replay/question/question.h"
#include "replay/verify.h"

namespace rollcall::replay::inline question {

struct VerifyQuestion {
  std::optional<bool> full, replay, strict;
  std::optional<bool> bodies;             ///< with full: open them; as if true
  std::optional<std::string> checkpoint;  ///< a signed note that the asker kept
  std::optional<std::string> policy;      ///< a C2SP policy; else the store's own
  static constexpr Asks kAsks{"verify", false, Opens::Files};
  using Row = NoRow;
  struct CheckRow {
    std::string check, subject;
    bool ok = true;
    std::string detail;
  };
  struct FindingRow {
    std::string verdict;
    std::uint64_t seq = 0, last = 0;  ///< 0: about no event; last is seq if it is one event
    std::string text;
  };
  struct Summary {
    std::string verdict, origin, key;
    std::uint64_t size = 0, signed_size = 0, bodies_opened = 0, shredded = 0, dropped = 0;
    std::vector<CheckRow> checks;
    std::vector<FindingRow> findings;
    std::uint64_t findings_more = 0;
  };
};
BOOST_DESCRIBE_STRUCT(VerifyQuestion, (), (full, replay, strict, bodies, checkpoint, policy))
BOOST_DESCRIBE_STRUCT(VerifyQuestion::CheckRow, (), (check, subject, ok, detail))
BOOST_DESCRIBE_STRUCT(VerifyQuestion::FindingRow, (), (verdict, seq, last, text))
BOOST_DESCRIBE_STRUCT(VerifyQuestion::Summary, (),
                      (verdict, origin, key, size, signed_size, bodies_opened, shredded, dropped,
                       checks, findings, findings_more))

/// VERIFIED, TAMPERED, INCOMPLETE, DIVERGED.
[[nodiscard]] std::string_view name_of(Verdict verdict);
[[nodiscard]] std::optional<Verdict> verdict_named(std::string_view name);

[[nodiscard]] Result<void> check(const VerifyQuestion& q);
[[nodiscard]] Result<VerifyQuestion::Summary> answer(const Desk& desk, const VerifyQuestion& q,
                                                     const RowSink<NoRow>& row);

}  // namespace rollcall::replay::inline question
