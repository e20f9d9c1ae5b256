// The part of full verification about bodies and the vault: every stored body fits the digest in
// its header, an event explains every missing one, and every user who was not forgotten has a
// key.
#pragma once

#include "replay/reader.h"
#include "replay/verify_report.h"

namespace rollcall::replay {

class BodyCheck {
 public:
  using Find = std::function<void(Verdict, Seq, std::string)>;
  /// Keeps `report`'s counts of bodies; calls `find` with each fault.
  BodyCheck(const Reader& reader, VerifyReport& report, Find find)
      : reader_(reader), report_(report), find_(std::move(find)) {}

  /// Call it with every header of the log: some state which bodies were dropped, and why.
  void note(const Header& header);
  /// Checks the bodies of headers from..to; false if reading failed.
  bool chunk(std::span<const Header> headers, Seq from, Seq to);
  /// After the last chunk: finds what is missing without a reason, what is stored without an event,
  /// and which of the `users` enrolled numbers have no key.
  void finish(std::size_t users);

  [[nodiscard]] std::size_t missing() const { return missing_.size(); }

 private:
  /// A missing body: whether the log explains it is known only at the log's end.
  struct Missing {
    Seq seq;
    engine::Kind kind;
    UserNumber user;
    UserNumber target;  ///< 0 if the target is not a user
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
  std::set<Seq> removed_;  ///< messages whose body was dropped individually
  std::vector<Missing> missing_;
};

}  // namespace rollcall::replay
