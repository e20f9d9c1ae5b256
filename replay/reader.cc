// Opening for reading; names of users and actions.
#include "replay/reader.h"

#include <fmt/format.h>

#include <charconv>

namespace rollcall::replay {

Result<Reader> Reader::open(const store::Layout& layout) {
  Reader reader;
  reader.layout_ = layout;
  auto log = store::Log::open(layout, store::Log::Mode::Read);
  if (!log) return log.error();
  reader.log_ = std::move(*log);
  auto vault = store::Vault::open(layout.vault(), layout.app);
  if (vault) {
    reader.vault_ = std::make_unique<store::Vault>(std::move(*vault));
    reader.opener_ = std::make_unique<store::BodyOpener>(*reader.vault_, layout.app);
  } else {
    reader.vault_problem_ = vault.error();
  }
  return reader;
}

std::string Reader::user_text(UserNumber number) const {
  if (vault_) {
    if (auto name = vault_->name_of(number)) return *name;
  }
  return fmt::format("#{}", number);
}

Result<UserNumber> Reader::find_user(std::string_view text) const {
  if (vault_) {
    if (const auto number = vault_->number_of(text)) return *number;
  }
  if (text.starts_with('#')) {
    UserNumber number = 0;
    const auto [end, ec] = std::from_chars(text.data() + 1, text.data() + text.size(), number);
    if (ec == std::errc{} && end == text.data() + text.size() && number != 0) return number;
  }
  if (!vault_) return vault_problem_.value_or(Error{Errc::NotPermitted, "names need the vault; give a user as #number"});
  return Error{Errc::NotFound, fmt::format("there is no user '{}'", text)};
}

store::OpenedBody Reader::open_body(const Header& header) const {
  store::OpenedBody none;
  if (header.body_len == 0) return none;
  if (!opener_) {
    none.state = store::BodyState::Shredded;
    return none;
  }
  const auto sealed = log_->body(header.seq);
  if (!sealed) {
    none.state = store::BodyState::Damaged;
    return none;
  }
  return opener_->open(header, *sealed);
}

void Reader::load_actions() const {
  actions_.emplace();
  // Actions are named in user 0's events, which the chain of prev joins; the newest is found from
  // the end. Logs hold few of them, and they lie early.
  (void)log_->scan(1, log_->last(), [&](const Header& h, store::ByteView) {
    if (h.kind == engine::Kind::ActionNamed) {
      const auto opened = open_body(h);
      if (opened.state == store::BodyState::Open) actions_->emplace(h.a, opened.body.name);
    }
    return true;
  });
}

std::string Reader::action_text(const Header& header, const engine::Body& body) const {
  if (header.kind != engine::Kind::Activity || (header.flags & engine::flag::kTouch) != 0) return {};
  if (header.c == 0) return body.action;
  if (!actions_) load_actions();
  const auto it = actions_->find(header.c);
  return it == actions_->end() ? fmt::format("action:{}", header.c) : it->second;
}

std::optional<std::uint64_t> Reader::action_id(std::string_view name) const {
  if (!actions_) load_actions();
  for (const auto& [id, text] : *actions_) {
    if (text == name) return id;
  }
  return std::nullopt;
}

Result<store::Fold> state_at(const Reader& reader, Seq last_included) {
  store::Fold fold;
  RC_TRY(fold.advance(reader.log(), last_included));
  return fold;
}

}  // namespace rollcall::replay
