// Where each person's newest event lies, so that their history is walked and not searched for.
//
// Why this file exists: every event names its user's previous one, but only the state knows the
// last, and folding it takes a log's length. A writer that closes cleanly leaves the seqs here; a
// reader walks back from there, and reads what came later as before. Like a snapshot the file is a
// shortcut: deletable at any time, never evidence, used only where it fits the log. It holds
// numbers, no name.
//
// The file, DIR/apps/<app id>/newest, integers big-endian: "rollcall-last-1\n" · seq u64 · users
// u32
//   · zeroes u32 · leaf hash of the event `seq` 32 B · SHA-256 over all before and the sums 32 B
//   · sums (store/bytes/checked_pages.h) · for each number the seq u64 of the user's newest event
//   and of the newest that others did to them, 0 where there is none
#pragma once

#include "engine/state.h"
#include "store/bytes/checked_pages.h"
#include "store/bytes/mapped_file.h"
#include "store/log/census.h"
#include "store/log/layout.h"

namespace rollcall::store::inline log {

class NewestEvents {
 public:
  struct Of {
    Seq own = 0;      ///< the newest that the user did or that happened to them
    Seq mention = 0;  ///< the newest of others whose target they are
  };
  /// Below so many events a search is as quick.
  static constexpr Seq kWorthAFile = 65'536;

  static Result<void> write(const Layout& layout, const EventLog& log, const engine::State& state,
                            const Census& census);
  /// Nothing where there is none that fits the log.
  static std::optional<NewestEvents> open(const Layout& layout, const EventLog& log);
  [[nodiscard]] Seq as_of() const { return seq_; }
  [[nodiscard]] std::optional<Of> of(UserNumber user) const;
  /// Every page, not only those that were asked for.
  [[nodiscard]] bool whole() const { return body_.piece(0, body_.size()).has_value(); }

 private:
  MappedFile file_;
  CheckedPages body_;
  Seq seq_ = 0;
};

}  // namespace rollcall::store::inline log
