// Opening for reading; names of users and actions.
#include "replay/reader.h"

#include "store/log/snapshot.h"

#include <fmt/format.h>

#include <limits>

namespace rollcall::replay {

Result<Reader> Reader::open(const store::Layout& layout, store::Log::Mode mode, Names names) {
  Reader reader;
  reader.layout_ = layout;
  reader.names_ = names;
  auto log = store::Log::open(layout, mode);
  if (!log) return log.error();
  reader.own_log_ = std::move(*log);
  reader.log_ = reader.own_log_.get();
  reader.load_vault();
  return reader;
}

Reader Reader::beside(std::shared_ptr<const store::ReadView> reading) {
  Reader reader;
  reader.layout_ = reading->layout();
  reader.log_ = &reading->log();
  reader.vault_ = &reading->vault();
  reader.opener_ = std::make_unique<store::BodyOpener>(*reader.vault_, reader.layout_.app);
  reader.beside_ = std::move(reading);
  return reader;
}

void Reader::load_vault() {
  opener_.reset();
  vault_ = nullptr;
  own_vault_.reset();
  vault_problem_.reset();
  const auto opened = [&]() -> Result<std::unique_ptr<const store::Vault>> {
    if (names_ == Names::AsAsked) return store::Vault::open_to_read(layout_.vault(), layout_.app);
    auto whole = store::Vault::open(layout_.vault(), layout_.app);
    if (!whole) return whole.error();
    return std::unique_ptr<const store::Vault>(std::make_unique<store::Vault>(std::move(*whole)));
  };
  auto vault = opened();
  if (!vault) {
    vault_problem_ = vault.error();
    return;
  }
  own_vault_ = std::move(*vault);
  vault_ = own_vault_.get();
  opener_ = std::make_unique<store::BodyOpener>(*vault_, layout_.app);
}

Result<void> Reader::catch_up() {
  const Seq before = own_log_->last();
  RC_TRY(own_log_->catch_up());
  // Only what is new is read: does it enrol or erase anybody, or name an action?
  bool people = false;
  bool actions = false;
  RC_TRY(own_log_->scan(before + 1, own_log_->last(), [&](const Header& h, store::ByteView) {
    people |= h.kind == engine::Kind::UserEnrolled || h.kind == engine::Kind::UserErased;
    actions |= h.kind == engine::Kind::ActionNamed;
    return true;
  }));
  if (people) load_vault();
  if (actions) actions_.reset();
  return {};
}

void Reader::end_at(Seq end) {
  if (!cut_) {
    end_ = std::make_unique<std::atomic<Seq>>(end);
    cut_ = std::make_unique<store::CutLog>(*own_log_, *end_);
    log_ = cut_.get();
  }
  *end_ = end;
}

std::string Reader::user_text(UserNumber number) const {
  if (vault_) {
    if (auto name = vault_->name_of(number)) return *name;
  }
  return fmt::format("#{}", number);
}

Result<UserNumber> Reader::find_user(std::string_view name) const {
  if (!vault_)
    return vault_problem_.value_or(
        Error{Errc::NotPermitted, "names need the vault; give a user by --number"});
  if (const auto number = vault_->number_of(name)) return *number;
  if (auto problem = vault_->problem()) return *problem;
  return Error{Errc::NotFound, fmt::format("there is no user '{}'", name)};
}

Result<UserNumber> Reader::find_number(std::uint64_t number) const {
  const bool fits = number != 0 && number <= std::numeric_limits<UserNumber>::max();
  const auto narrow = static_cast<UserNumber>(fits ? number : 0);
  // Without a vault nobody can say which numbers there are: one without events finds nothing.
  if (!fits || (vault_ && !vault_->name_of(narrow) && !vault_->erased(narrow)))
    return Error{Errc::NotFound, fmt::format("there is no user with the number {}", number)};
  return narrow;
}

Seq Reader::enrolled_at(UserNumber number) const {
  const auto pointer = log_->meta(store::enrolment_key(number));
  const auto seq = pointer && *pointer ? store::parse_decimal(**pointer) : std::nullopt;
  const auto header =
      seq ? log_->header(*seq) : Result<std::optional<Header>>(std::optional<Header>{});
  const bool sound = header && *header && (*header)->kind == engine::Kind::UserEnrolled &&
                     (*header)->user == number && (*header)->prev == 0;
  return sound ? *seq : 1;
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

store::OpenedBody Reader::open_body(const Header& header, store::ByteView sealed) const {
  if (header.body_len != 0 && opener_) {
    return opener_->open(header, sealed, store::BodyOpener::Decode::Yes);
  }
  store::OpenedBody none;
  none.state = header.body_len == 0 ? store::BodyState::None : store::BodyState::Shredded;
  return none;
}

void Reader::load_actions() const {
  actions_.emplace();
  const auto take = [&](const Header& h) {
    if (h.kind != engine::Kind::ActionNamed) return;
    const auto opened = open_body(h);
    if (opened.state == store::BodyState::Open)
      actions_->emplace(engine::name_fields_of(h).number, opened.body.name);
  };
  // The log's meta family points to the events that name actions; where a pointer is wrong, all
  // headers are searched: the events are the truth.
  const auto pointers = log_->scan_meta("action/");
  bool sound = pointers.has_value() && !pointers->empty();
  if (sound) {
    for (const auto& [key, text] : *pointers) {
      const auto seq = store::parse_decimal(text);
      const auto header =
          seq ? log_->header(*seq) : Result<std::optional<Header>>(std::optional<Header>{});
      sound = sound && header && *header && (*header)->kind == engine::Kind::ActionNamed &&
              key == fmt::format("action/{:04x}", engine::name_fields_of(**header).number);
      if (sound) take(**header);
    }
  }
  if (sound) return;
  actions_->clear();
  (void)log_->scan(1, log_->last(), [&](const Header& h, store::ByteView) {
    take(h);
    return true;
  });
}

std::string Reader::action_text(const Header& header, const engine::Body& body) const {
  if (header.kind != engine::Kind::Activity) return {};
  const auto activity = engine::activity_of(header);
  if (activity.touch) return {};
  if (activity.action == 0) return body.action;
  // A writer of this process knows them all: streams and rooms ask for one after the other.
  if (beside_)
    if (auto known = beside_->action_name(activity.action)) return *known;
  if (!actions_) load_actions();
  const auto it = actions_->find(activity.action);
  return it == actions_->end() ? fmt::format("action:{}", activity.action) : it->second;
}

std::optional<std::uint64_t> Reader::action_id(std::string_view name) const {
  if (!actions_) load_actions();
  for (const auto& [id, text] : *actions_) {
    if (text == name) return id;
  }
  return std::nullopt;
}

const std::map<std::uint64_t, std::string>& Reader::action_names() const {
  if (!actions_) load_actions();
  return *actions_;
}

std::string Reader::channel_text(std::uint64_t number) const {
  const auto known = channels_.find(number);
  if (known != channels_.end()) return known->second;
  const auto pointer = log_->meta(fmt::format("channel/{:06x}", number));
  const auto seq = pointer && *pointer ? store::parse_decimal(**pointer) : std::nullopt;
  const auto header =
      seq ? log_->header(*seq) : Result<std::optional<Header>>(std::optional<Header>{});
  std::string name;
  if (header && *header && (*header)->kind == engine::Kind::ChannelNamed &&
      engine::name_fields_of(**header).number == number)
    name = open_body(**header).body.name;
  if (name.empty()) return fmt::format("channel:{}", number);
  return channels_.emplace(number, std::move(name)).first->second;
}

Result<store::Fold> state_at(const Reader& reader, Seq last_included) {
  store::Snapshot nearest = store::nearest_snapshot(reader.layout(), reader.log(), last_included);
  RC_TRY(nearest.fold.advance(reader.log(), last_included));
  return std::move(nearest.fold);
}

}  // namespace rollcall::replay
