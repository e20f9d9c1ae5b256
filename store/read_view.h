// What any thread may read beside a store's writer: the log, the vault, and the names in it.
//
// Why this file exists: a writer also has a state and a commit in the making, which are its own
// thread's. Whoever only reads gets this instead, and so cannot reach them.
#pragma once

#include "store/bytes/mutex.h"
#include "store/log/event_log.h"
#include "store/log/layout.h"
#include "store/vault/vault.h"

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>

namespace rollcall::store {

/// The numbers that names of actions or channels have in a log; from any thread.
class InternedNames {
 public:
  using ByName = std::map<std::string, std::uint64_t, std::less<>>;
  void assign(ByName names);
  void add(std::string_view name, std::uint64_t number);
  [[nodiscard]] std::size_t size() const;
  [[nodiscard]] std::optional<std::uint64_t> number(std::string_view name) const;
  [[nodiscard]] std::optional<std::string> name(std::uint64_t number) const;

 private:
  mutable Mutex mutex_;
  ByName numbers_ RC_GUARDED_BY(mutex_);
  std::map<std::uint64_t, std::string> names_ RC_GUARDED_BY(mutex_);
};

/// The tag of a target in a header: a user's number, or 8 bytes of HMAC.
struct TargetTag {
  std::uint64_t tag = 0;
  bool is_user = false;
};
[[nodiscard]] TargetTag target_tag(const Vault& vault, std::string_view type, std::string_view id);

class ReadView {
 public:
  /// All of them outlive it.
  ReadView(const Layout& layout, const EventLog& log, const Vault& vault,
           const InternedNames& actions, const InternedNames& channels)
      : layout_(layout), log_(log), vault_(vault), actions_(actions), channels_(channels) {}

  [[nodiscard]] const Layout& layout() const { return layout_; }
  [[nodiscard]] const EventLog& log() const { return log_; }
  [[nodiscard]] const Vault& vault() const { return vault_; }
  [[nodiscard]] std::optional<std::string> action_name(std::uint64_t number) const {
    return actions_.name(number);
  }
  [[nodiscard]] std::optional<std::string> channel_name(std::uint64_t number) const {
    return channels_.name(number);
  }
  [[nodiscard]] std::optional<std::uint64_t> channel_number(std::string_view name) const {
    return channels_.number(name);
  }
  [[nodiscard]] TargetTag target_tag(std::string_view type, std::string_view id) const {
    return store::target_tag(vault_, type, id);
  }

 private:
  const Layout& layout_;
  const EventLog& log_;
  const Vault& vault_;
  const InternedNames& actions_;
  const InternedNames& channels_;
};

}  // namespace rollcall::store
