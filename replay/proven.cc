// Comparing what is shown with what is proven.
#include "replay/proven.h"

#include "replay/event_json.h"
#include "replay/particulars.h"
#include "store/bytes/printable.h"
#include "store/vault/sealing.h"

#include <boost/json.hpp>
#include <fmt/format.h>

#include <algorithm>

namespace rollcall::replay {
namespace {

namespace json = boost::json;
using engine::Kind;

constexpr std::size_t kSalt = 32;

Error broken(std::string why) { return {Errc::Tampered, std::move(why)}; }

/// The number of the action it names; 0 where it names none, or in words.
std::uint64_t action_of(const Header& h) {
  if (h.kind != Kind::Activity) return 0;
  const auto activity = engine::activity_of(h);
  return activity.touch ? 0 : activity.action;
}

bool names_an_action(const Header& h) { return action_of(h) != 0; }

bool names_a_channel(const Header& h) { return h.kind == Kind::Joined || h.kind == Kind::Left; }
std::uint64_t channel_of(const Header& h) { return engine::member_of(h).channel; }

/// Whether it is the event of that kind (ActionNamed, ChannelNamed) that gave `number` its name.
bool names(const Header& h, Kind kind, std::uint64_t number) {
  return h.kind == kind && engine::name_fields_of(h).number == number;
}

/// The seq that a meta key points to, where the event there is what `fits` asks for.
Result<Seq> pointed_at(const Reader& reader, const std::string& key,
                       const std::function<bool(const Header&)>& fits) {
  const auto text = reader.log().meta(key);
  if (!text) return text.error();
  const auto seq = *text ? store::parse_decimal(**text) : std::nullopt;
  if (!seq || *seq == 0 || *seq > reader.last()) return Seq{0};
  const auto header = reader.log().header(*seq);
  if (!header) return header.error();
  return *header && fits(**header) ? *seq : Seq{0};
}

/// Of an earlier version's log, or where the pointer is wrong: the events are the truth.
Result<Seq> searched(const Reader& reader, Seq before,
                     const std::function<bool(const Header&)>& fits) {
  Seq found = 0;
  RC_TRY(reader.log().scan(1, before, [&](const Header& h, store::ByteView) {
    if (fits(h)) found = h.seq;
    return found == 0;
  }));
  return found;
}

Result<Seq> naming_event(const Reader& reader, const std::string& key, Seq before,
                         const std::function<bool(const Header&)>& fits) {
  auto seq = pointed_at(reader, key, fits);
  if (seq && *seq == 0) seq = searched(reader, before, fits);
  return seq;
}

}  // namespace

std::string body_image(const store::OpenedBody& body) {
  std::string image(store::kBodyPrefix);
  image.append(store::as_text(body.salt));
  image.append(store::as_text(body.plain));
  return image;
}

Result<engine::Body> open_image(const Header& header, std::string_view image) {
  const bool fits = image.size() > store::kBodyPrefix.size() + kSalt &&
                    image.size() - store::kBodyPrefix.size() - kSalt == header.body_len &&
                    image.starts_with(store::kBodyPrefix) &&
                    store::sha256({store::as_bytes(image)}) == header.digest;
  if (!fits)
    return broken(
        fmt::format("seq {}: the body does not fit the digest in its header", header.seq));
  return store::decode_body(store::as_bytes(image.substr(store::kBodyPrefix.size() + kSalt)));
}

Result<std::vector<Seq>> naming_events(const Reader& reader, const Header& h, NamesOf what) {
  std::vector<Seq> out;
  const auto take = [&](const std::string& key,
                        const std::function<bool(const Header&)>& fits) -> Result<void> {
    const auto seq = naming_event(reader, key, h.seq, fits);
    if (!seq) return seq.error();
    if (*seq != 0 && *seq != h.seq) out.push_back(*seq);
    return {};
  };
  std::set<UserNumber> users{h.user};
  if (what == NamesOf::Answer) users.insert(subject_of(h).value_or(0));
  users.erase(0);
  for (const UserNumber user : users)
    RC_TRY(take(store::enrolment_key(user),
                [&](const Header& e) { return e.kind == Kind::UserEnrolled && e.user == user; }));
  if (names_an_action(h))
    RC_TRY(take(fmt::format("action/{:04x}", action_of(h)),
                [&](const Header& e) { return names(e, Kind::ActionNamed, action_of(h)); }));
  if (what == NamesOf::Answer && names_a_channel(h))
    RC_TRY(take(fmt::format("channel/{:06x}", channel_of(h)),
                [&](const Header& e) { return names(e, Kind::ChannelNamed, channel_of(h)); }));
  std::sort(out.begin(), out.end());
  return out;
}

Result<void> Proven::add_body(Seq seq, std::string_view image) {
  const auto it = events_.find(seq);
  if (it == events_.end()) return broken(fmt::format("seq {}: a body without its header", seq));
  auto body = open_image(it->second.header, image);
  if (!body) return body.error();
  it->second.body = std::move(*body);
  return {};
}

const Header* Proven::find(Seq seq) const {
  const auto it = events_.find(seq);
  return it == events_.end() ? nullptr : &it->second.header;
}

Proven::Name Proven::named_by(const Event* event) {
  if (event == nullptr) return {};
  Name out{Name::State::Signed, {}, event->header.seq};
  if (event->header.body_len == 0)
    out.state = Name::State::Unsigned;
  else if (!event->body)
    out.state = Name::State::Gone;
  else
    out.text = event->body->name;
  return out;
}

Proven::Name Proven::user(UserNumber number) const {
  for (const auto& [seq, event] : events_)
    if (event.header.kind == Kind::UserEnrolled && event.header.user == number)
      return named_by(&event);
  return {};
}

Proven::Name Proven::named(Kind kind, std::uint64_t id, Seq before) const {
  for (const auto& [seq, event] : events_) {
    if (seq >= before) break;
    if (names(event.header, kind, id)) return named_by(&event);
  }
  return {};
}

EventView Proven::view(Seq seq) const {
  EventView out;
  const auto it = events_.find(seq);
  if (it == events_.end()) return out;
  const Event& event = it->second;
  out.header = event.header;
  if (event.body) {
    out.body.body = *event.body;
    out.body.state = store::BodyState::Open;
  }
  const Header& h = event.header;
  const auto text_of = [&](UserNumber number) {
    const Name name = user(number);
    return name.state == Name::State::Signed ? name.text : fmt::format("#{}", number);
  };
  if (h.user != 0) out.user = text_of(h.user);
  if (const auto subject = subject_of(h)) out.subject = text_of(*subject);
  if (names_a_channel(h)) {
    const Name name = named(Kind::ChannelNamed, channel_of(h), seq);
    out.channel =
        name.state == Name::State::Signed ? name.text : fmt::format("channel:{}", channel_of(h));
  } else if (h.kind == Kind::ChannelNamed) {
    out.channel = out.body.body.name;
  }
  if (names_an_action(h)) {
    const Name name = named(Kind::ActionNamed, action_of(h), seq);
    out.action =
        name.state == Name::State::Signed ? name.text : fmt::format("action:{}", action_of(h));
  } else if (h.kind == Kind::Activity && !engine::activity_of(h).touch) {
    out.action = out.body.body.action;
  }
  return out;
}

Result<Seq> Proven::judge(std::string_view text, NamesOf what) {
  boost::system::error_code ec;
  const auto parsed = json::parse(text, ec);
  const auto* o = !ec && parsed.is_object() ? &parsed.get_object() : nullptr;
  const auto* number = o != nullptr ? o->if_contains("seq") : nullptr;
  const Seq seq = number != nullptr && (number->is_int64() || number->is_uint64())
                      ? number->to_number<Seq>(ec)
                      : 0;
  if (o == nullptr || seq == 0) return broken("a line that is no event");
  const Header* h = find(seq);
  if (h == nullptr)
    return broken(fmt::format("seq {}: told of, and its header is not proven", seq));
  const EventView event = view(seq);
  const bool answer = what == NamesOf::Answer;
  json::object expected = answer ? to_full_json(event) : to_json(event);
  const auto told = [&](const char* key) -> const json::value* { return o->if_contains(key); };
  // A name that no signature covers is let through as it is told, and listed as such.
  const auto person = [&](const char* key, UserNumber whose) {
    const auto* name = told(key);
    if (whose == 0 || name == nullptr || !expected.contains(key) || *name == expected.at(key))
      return;
    const auto state = user(whose).state;
    if (state != Name::State::Unsigned && (state != Name::State::Unknown || answer)) return;
    not_covered_.insert(fmt::format("the name of user #{}", whose));
    expected[key] = *name;
  };
  person("user", h->user);
  person("subject", subject_of(*h).value_or(0));
  if (names_an_action(*h) && told("action") != nullptr &&
      *told("action") != expected.at("action") && !answer &&
      named(Kind::ActionNamed, action_of(*h), seq).state != Name::State::Signed) {
    not_covered_.insert(fmt::format("the name of action {}", action_of(*h)));
    expected["action"] = *told("action");
  }
  // Why a body is not there: one word, in its place.
  if (const auto* why = told("body"); why != nullptr && expected.contains("body")) {
    static const std::set<std::string_view> known{"dropped", "shredded", "damaged"};
    if (!why->is_string() || !known.contains(why->get_string()))
      return broken(fmt::format("seq {}: another word for its missing texts than is known", seq));
    not_covered_.insert("why texts are missing");
    expected["body"] = *why;
  }
  // The same keys in the same order in the same letters: a key twice, or a space, is a change, too.
  const std::string signed_text = json::serialize(expected);
  if ((answer ? store::printable_json(signed_text) : signed_text) == text) return seq;
  for (const auto& [key, value] : *o) {
    const auto* e = expected.if_contains(key);
    if (e == nullptr || json::serialize(*e) != json::serialize(value))
      return broken(
          fmt::format("seq {}: it says another {} than the signed bytes", seq, std::string(key)));
  }
  return broken(fmt::format("seq {}: it is told otherwise than the signed bytes say it", seq));
}

bool Proven::event_has_body(Seq seq) const {
  const auto it = events_.find(seq);
  return it != events_.end() && it->second.body.has_value();
}

std::vector<std::string> Proven::lines(Seq seq) const {
  std::vector<std::string> out;
  const Header* h = find(seq);
  if (h == nullptr) return out;
  const auto line = [&](std::string_view key, const std::string& value) {
    out.push_back(fmt::format("{:<14} {}", key, value));
  };
  const auto covered_by = [](const Name& name) -> std::string {
    switch (name.state) {
      case Name::State::Signed:
        return fmt::format("name signed by event {}", name.by);
      case Name::State::Unsigned:
        return "name not signed: an earlier version enrolled the user";
      case Name::State::Gone:
        return fmt::format("the name that event {} signed is not here", name.by);
      case Name::State::Unknown:
        return "name not covered";
    }
    return {};
  };
  const EventView event = view(seq);
  for (const auto& [key, value] : to_full_json(event)) {
    if (key == "body" || key == "user_number") continue;
    std::string text = value.is_string() ? std::string(value.get_string()) : json::serialize(value);
    if (key == "user") {
      const Name name = user(h->user);
      text = name.state == Name::State::Signed ? fmt::format("{} (#{}; ", name.text, h->user)
                                               : fmt::format("#{} (", h->user);
      text += covered_by(name) + ")";
    }
    if (key == "channel" && names_a_channel(*h))
      text += fmt::format(" ({})", covered_by(named(Kind::ChannelNamed, channel_of(*h), seq)));
    if (key == "subject")
      text += fmt::format(" ({})", covered_by(user(subject_of(*h).value_or(0))));
    if (key == "action" && names_an_action(*h)) {
      const Name name = named(Kind::ActionNamed, action_of(*h), seq);
      text = name.state == Name::State::Signed
                 ? fmt::format("{} ({})", name.text, covered_by(name))
                 : fmt::format("number {} (action name not signed here)", action_of(*h));
    }
    line(key, text);
  }
  if (h->body_len != 0 && !event_has_body(seq))
    line("texts", fmt::format("not here; their digest is {}", store::hex(h->digest)));
  return out;
}

}  // namespace rollcall::replay
