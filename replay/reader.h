// A store opened for reading: its log at one seq, and its names and keys if there is a vault.
#pragma once

#include "store/log/checkpoints.h"
#include "store/log/cut_log.h"
#include "store/log/history.h"
#include "store/log/log.h"
#include "store/vault/sealing.h"
#include "store/writer.h"

namespace rollcall::replay {

using engine::Header;
using engine::Micros;
using engine::Seq;
using engine::UserNumber;
using store::Errc;
using store::Error;
using store::Result;

/// Of how many names a reader unseals the records at its opening: of those that are asked for, or
/// of all, so that damage in any is found.
enum class Names : std::uint8_t { AsAsked, All };

class Reader {
 public:
  /// Opens the log, then the vault. Without a vault or its master key, names are numbers and bodies
  /// stay sealed; `vault_problem` says why.
  static Result<Reader> open(const store::Layout& layout,
                             store::Log::Mode mode = store::Log::Mode::Read,
                             Names names = Names::AsAsked);
  /// Beside a writer of this process, whose log and vault it shares; sees only durable events.
  static Reader beside(std::shared_ptr<const store::ReadView> reading);
  /// For a reader opened to follow: reads what was appended since, including names of new users.
  Result<void> catch_up();
  /// From now on as if the log ended there; an end beyond its own is its own. Not beside a writer.
  void end_at(Seq end);

  [[nodiscard]] const store::EventLog& log() const { return *log_; }
  [[nodiscard]] const store::Vault* vault() const { return vault_; }
  [[nodiscard]] const std::optional<Error>& vault_problem() const { return vault_problem_; }
  [[nodiscard]] const store::Layout& layout() const { return layout_; }
  [[nodiscard]] Seq last() const { return log_->last(); }

  /// The user's name, or #number.
  [[nodiscard]] std::string user_text(UserNumber number) const;
  /// By name only; an error says that there is none.
  [[nodiscard]] Result<UserNumber> find_user(std::string_view name) const;
  /// By number, also of a forgotten user; an error says that nobody has it.
  [[nodiscard]] Result<UserNumber> find_number(std::uint64_t number) const;
  /// The seq of the user's enrolment, where the log says it without being walked; else 1.
  [[nodiscard]] Seq enrolled_at(UserNumber number) const;
  [[nodiscard]] store::OpenedBody open_body(const Header& header) const;
  /// The same if the sealed bytes were read already.
  [[nodiscard]] store::OpenedBody open_body(const Header& header, store::ByteView sealed) const;
  /// The action's name: interned, or in `body`. Empty for a touch.
  [[nodiscard]] std::string action_text(const Header& header, const engine::Body& body) const;
  /// The channel's name; channel:NUMBER if the event that names it is missing.
  [[nodiscard]] std::string channel_text(std::uint64_t number) const;
  [[nodiscard]] std::optional<std::uint64_t> action_id(std::string_view name) const;
  /// The interned ones, by their number in the log.
  [[nodiscard]] const std::map<std::uint64_t, std::string>& action_names() const;

 private:
  Reader() = default;
  void load_actions() const;
  void load_vault();

  store::Layout layout_;
  std::shared_ptr<const store::ReadView> beside_;  ///< beside(): whose log and vault these are
  std::unique_ptr<store::Log> own_log_;            ///< open(): can catch up
  std::unique_ptr<std::atomic<Seq>> end_;          ///< end_at()
  std::unique_ptr<store::CutLog> cut_;
  const store::EventLog* log_ = nullptr;
  Names names_ = Names::AsAsked;
  std::unique_ptr<const store::Vault> own_vault_;
  const store::Vault* vault_ = nullptr;
  std::unique_ptr<store::BodyOpener> opener_;
  std::optional<Error> vault_problem_;
  mutable std::optional<std::map<std::uint64_t, std::string>> actions_;
  mutable std::map<std::uint64_t, std::string> channels_;  ///< the names looked up so far
};

/// The state just before the moment, without events at or after it. seq:N is after event N.
[[nodiscard]] Result<store::Fold> state_at(const Reader& reader, Seq last_included);

}  // namespace rollcall::replay
