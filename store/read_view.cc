// Names under a lock; the tag of a target.
#include "store/read_view.h"

#include "store/bytes/crypto.h"

#include <array>

namespace rollcall::store {

void InternedNames::assign(ByName names) {
  const Lock guard(mutex_);
  names_.clear();
  for (const auto& [name, number] : names) names_.emplace(number, name);
  numbers_ = std::move(names);
}

void InternedNames::add(std::string_view name, std::uint64_t number) {
  const Lock guard(mutex_);
  numbers_.emplace(name, number);
  names_.emplace(number, name);
}

std::size_t InternedNames::size() const {
  const Lock guard(mutex_);
  return numbers_.size();
}

std::optional<std::uint64_t> InternedNames::number(std::string_view name) const {
  const Lock guard(mutex_);
  const auto it = numbers_.find(name);
  return it == numbers_.end() ? std::nullopt : std::optional<std::uint64_t>(it->second);
}

std::optional<std::string> InternedNames::name(std::uint64_t number) const {
  const Lock guard(mutex_);
  const auto it = names_.find(number);
  return it == names_.end() ? std::nullopt : std::optional<std::string>(it->second);
}

TargetTag target_tag(const Vault& vault, std::string_view type, std::string_view id) {
  if (type.empty() && id.empty()) return {};
  if (type == "user") {
    if (const auto number = vault.number_of(id)) return {*number, true};
  }
  const std::array<std::uint8_t, 1> zero{0};
  return {get_be64(hmac_sha256(vault.tag_key(), {as_bytes(type), zero, as_bytes(id)})), false};
}

}  // namespace rollcall::store
