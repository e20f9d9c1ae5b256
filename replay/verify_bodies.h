// The part of full verification that is about bodies and the vault: every stored body fits the
// digest in its header, every missing one is explained by an event, everyone not forgotten has a
// key.
#pragma once

#include "replay/verify.h"

namespace rollcall::replay {

class BodyCheck {
 public:
  using Find = std::function<void(Verdict, Seq, std::string)>;
  /// `report`'s counts of bodies are kept; `find` takes what is wrong.
  BodyCheck(const Reader& reader, VerifyReport& report, Find find)
      : reader_(reader), report_(report), find_(std::move(find)) {}

  /// Every header of the log passes here: some say which bodies are gone, and why.
  void note(const Header& header);
  /// The bodies of headers from..to; false where reading failed.
  bool chunk(std::span<const Header> headers, Seq from, Seq to);
  /// After the last chunk: what is missing without a reason, what is there without an event, and
  /// who of the `users` numbers enrolled has no key.
  void finish(std::size_t users);

  [[nodiscard]] std::size_t missing() const { return missing_.size(); }

 private:
  /// A body that is not there: whether the log says why is known only at its end.
  struct Missing {
    Seq seq;
    engine::Kind kind;
    UserNumber user;
    UserNumber target;  ///< 0 where the target is no user
  };
  void opened(const Header& header, store::ByteView sealed);
  void absent(const Header& header);
  void explain_missing();
  void orphans();
  void vault(std::size_t users);

  const Reader& reader_;
  VerifyReport& report_;
  Find find_;
  std::optional<store::BodyOpener> opener_;
  std::set<UserNumber> erased_, requested_;
  std::map<UserNumber, Seq> mentions_dropped_;
  std::map<engine::Kind, Seq> retention_;
  std::set<Seq> removed_;  ///< messages whose body was dropped alone
  std::vector<Missing> missing_;
};

}  // namespace rollcall::replay
