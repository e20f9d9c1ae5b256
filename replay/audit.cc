// Filters and cursors.
#include "replay/audit.h"

#include "replay/particulars.h"
#include "replay/time_text.h"
#include "store/log/newest_events.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

namespace rollcall::replay {
namespace {

using engine::Kind;

/// Whether only a body can hold the field: an event without one is passed over unread.
bool in_body(std::string_view field) {
  static const std::set<std::string_view> fields{
      "target", "target_type", "target_id",  "address",  "agent",    "device",
      "batch",  "reason",      "request_id", "log_name", "ticket",   "description",
      "name",   "status_text", "emoji",      "reader",   "question", "former_origin"};
  return fields.contains(field) || field.starts_with("properties.") ||
         field.starts_with("changes.");
}

bool address_matches(const std::string& address, const std::string& wanted) {
  if (wanted.ends_with('*'))
    return address.starts_with(std::string_view(wanted).substr(0, wanted.size() - 1));
  return address == wanted;
}

bool by_a_timer(const Header& h) {
  return h.kind == Kind::Inactivity || h.cause == engine::Cause::GraceExpired ||
         h.cause == engine::Cause::TtlExpired || h.cause == engine::Cause::Expired ||
         h.cause == engine::Cause::Superseded || h.kind == Kind::UserEnrolled;
}

bool of_a_channel(const Header& h) {
  return h.kind == Kind::Joined || h.kind == Kind::Left || h.kind == Kind::ChannelNamed;
}
std::uint64_t channel_of(const Header& h) {
  return h.kind == Kind::ChannelNamed ? engine::name_fields_of(h).number
                                      : engine::member_of(h).channel;
}

constexpr std::size_t kMacSize = 16;

}  // namespace

std::string asked_moment(std::string_view text, Micros now) {
  // Read at two moments that have nothing in common: what means the same at both is absolute.
  constexpr Micros kElsewhen = Micros{86'400} * 1'000'000 * 400 + 12'345'678;
  const auto one = parse_time(text, now), other = parse_time(text, now - kElsewhen);
  if (one && other && *one == *other) {
    if (const auto* seq = std::get_if<Seq>(&*one)) return fmt::format("seq:{}", *seq);
    return fmt::format("@{}", std::get<Micros>(*one));
  }
  std::string words;
  for (const char c : text)
    if (c != ' ' || (!words.empty() && words.back() != ' ')) words += c;
  while (words.ends_with(' ')) words.pop_back();
  return words;
}

store::Hash AuditFilter::digest() const {
  std::string text = range_asked.empty()
                         ? fmt::format("{}-{};users", from, to)
                         : fmt::format("asked {}:{};users", range_asked.size(), range_asked);
  for (const auto u : users) text += fmt::format(" {}", u);
  text += fmt::format(";causer {};sessions", causer_only);
  for (const auto s : sessions) text += fmt::format(" {}", s);
  text += ";kinds";
  for (const auto k : kinds) text += fmt::format(" {}", static_cast<int>(k));
  text += ";causes";
  for (const auto c : causes) text += fmt::format(" {}", static_cast<int>(c));
  auto sorted_addresses = addresses;
  std::sort(sorted_addresses.begin(), sorted_addresses.end());
  for (const auto& a : sorted_addresses) text += fmt::format(";ip {}:{}", a.size(), a);
  text += fmt::format(";re {}:{};any {}", pattern.size(), pattern, any_person);
  auto sorted = matches;
  std::sort(sorted.begin(), sorted.end());
  for (const auto& [field, value] : sorted)
    text += fmt::format(";{}={}:{}", field, value.size(), value);
  // What came later is in it only where it is asked for: cursors made before stay good.
  for (const auto c : channels) text += fmt::format(";channel {}", c);
  for (const auto u : subjects) text += fmt::format(";subject {}", u);
  auto sorted_readers = readers;
  std::sort(sorted_readers.begin(), sorted_readers.end());
  for (const auto& r : sorted_readers) text += fmt::format(";reader {}:{}", r.size(), r);
  return store::sha256({store::as_bytes(text)});
}

Result<Audit> Audit::prepare(const Reader& reader, AuditFilter filter) {
  Audit audit(reader, std::move(filter));
  AuditFilter& f = audit.filter_;
  if (!f.pattern.empty()) {
    auto pattern = Pattern::compile(f.pattern);
    if (!pattern) return Error{pattern.error().code, "-g: " + pattern.error().detail};
    audit.pattern_ = std::move(*pattern);
  }
  for (const auto& [field, value] : f.matches) {
    if (field == "action" && value != "") {
      audit.action_ = reader.action_id(value);
      audit.action_unknown_ = !audit.action_;
    }
    if (in_body(field)) audit.needs_body_ = true;
    if (field.empty()) audit.searches_ = true;
  }
  if (audit.pattern_) audit.searches_ = true;
  if (!f.users.empty()) {  // before they were enrolled there is nothing of them, or about them
    audit.first_ = reader.last() + 1;
    for (const UserNumber user : f.users)
      audit.first_ = std::min(audit.first_, reader.enrolled_at(user));
  }
  if (!f.addresses.empty() || !f.readers.empty() || audit.action_unknown_) audit.needs_body_ = true;
  return audit;
}

bool Audit::header_matches(const Header& h) const {
  const AuditFilter& f = filter_;
  if (!f.users.empty() && !f.users.contains(h.user)) {
    // What others did to the person belongs to the person's log, unless only the causer counts.
    const auto target = h.kind == Kind::Activity ? subject_of(h) : std::nullopt;
    if (f.causer_only || !target || !f.users.contains(*target)) return false;
  }
  if (f.causer_only && by_a_timer(h)) return false;
  if (!f.kinds.empty() && !f.kinds.contains(h.kind)) return false;
  if (!f.causes.empty() && !f.causes.contains(h.cause)) return false;
  if (!f.sessions.empty() && !f.sessions.contains(h.session) &&
      !(h.kind == Kind::Login && f.sessions.contains(h.seq)))
    return false;
  const bool activity = h.kind == Kind::Activity;
  const std::uint64_t action = activity ? engine::activity_of(h).action : 0;
  if (action_ && (!activity || action != *action_)) return false;
  if (action_unknown_ && (!activity || action != 0)) return false;
  if (f.any_person && h.user == 0) return false;
  if (!f.channels.empty() && !(of_a_channel(h) && f.channels.contains(channel_of(h)))) return false;
  if (!f.subjects.empty()) {
    const auto subject = subject_of(h);
    if (!subject || !f.subjects.contains(*subject)) return false;
  }
  if (!f.readers.empty() && h.kind != Kind::HistoryRead) return false;
  if (h.body_len != 0) return true;
  if (needs_body_) return false;
  return !searches_ || of_a_channel(h) || action != 0;
}

namespace {

/// The texts in which a word or a pattern is looked for.
std::array<const std::string*, 11> searched(const EventView& e) {
  const engine::Body& b = e.body.body;
  return {&b.description, &b.properties, &b.changes, &b.target_id,   &b.agent, &e.action,
          &e.channel,     &b.name,       &b.reason,  &b.status_text, &b.ticket};
}

}  // namespace

bool Audit::body_matches(const EventView& e) const {
  const AuditFilter& f = filter_;
  if (!f.addresses.empty() &&
      std::none_of(f.addresses.begin(), f.addresses.end(),
                   [&](const auto& a) { return address_matches(e.body.body.address, a); }))
    return false;
  if (!f.readers.empty()) {
    const std::string reader = field_text(e, "reader").value_or("");
    if (std::find(f.readers.begin(), f.readers.end(), reader) == f.readers.end()) return false;
  }
  for (const auto& [field, value] : f.matches) {
    if (field.empty()) {
      const auto texts = searched(e);
      if (std::none_of(texts.begin(), texts.end(), [&wanted = value](const std::string* text) {
            return text->find(wanted) != std::string::npos;
          }))
        return false;
      continue;
    }
    const auto text = field_text(e, field);
    if (!text || *text != value) return false;
  }
  if (pattern_) {
    const auto texts = searched(e);
    return std::any_of(texts.begin(), texts.end(),
                       [&](const std::string* text) { return pattern_->found_in(*text); });
  }
  return true;
}

Result<void> Audit::run(bool newest_first, const std::function<bool(const EventView&)>& visit,
                        Bodies bodies) const {
  if (newest_first) return run_back(visit);
  constexpr Seq kChunk = 8192;  // small enough that the first page comes at once
  const Seq last = std::min(filter_.to, reader_->last());
  for (Seq from = std::max({filter_.from, first_, Seq{1}}); from <= last; from += kChunk) {
    const auto more = visit_chunk(from, std::min(last, from + kChunk - 1), visit, bodies);
    if (!more) return more.error();
    if (!*more) return {};
  }
  return {};
}

Result<void> Audit::run_back(const std::function<bool(const EventView&)>& visit) const {
  const store::EventLog& log = reader_->log();
  const Seq from = std::max({filter_.from, first_, Seq{1}});
  bool more = true;
  const auto take = [&](const Header& h) {
    if (!header_matches(h)) return true;
    const EventView event = view_of(*reader_, h);
    more = !body_matches(event) || visit(event);
    return more;
  };
  const auto search = [&](Seq first, Seq last) -> Result<void> {
    if (!more || first > last) return {};
    return log.scan_back(first, last, [&](const Header& h, store::ByteView) { return take(h); });
  };
  Seq to = std::min(filter_.to, log.last());
  if (filter_.users.size() != 1) return search(from, to);
  // One person: from where their newest event lies each names the one before, and between them
  // there is nothing, as far back as nobody else did anything to them.
  const UserNumber user = *filter_.users.begin();
  const auto newest = store::NewestEvents::open(reader_->layout(), log);
  const auto of = newest ? newest->of(user) : std::nullopt;
  if (!of) return search(from, to);
  RC_TRY(search(std::max(from, newest->as_of() + 1), to));
  to = std::min(to, newest->as_of());
  constexpr int kSteps = 500;  // looking one up costs as much as passing over some hundreds
  Seq at = of->own;
  for (int step = 0; more && at >= from && at > of->mention && step < kSteps; ++step) {
    const auto header = log.header(at);
    if (!header) return header.error();
    if (!*header || (*header)->user != user || (*header)->prev >= at) return search(from, to);
    if (at <= to) {
      (void)take(**header);
      to = at - 1;
    }
    at = (*header)->prev;
  }
  return search(from, std::min(to, std::max(at, of->mention)));
}

/// Headers first. Where most of a chunk's events are wanted, their bodies are read in one sweep,
/// which costs a quarter of looking each up; else one by one.
Result<bool> Audit::visit_chunk(Seq from, Seq to,
                                const std::function<bool(const EventView&)>& visit,
                                Bodies bodies) const {
  std::vector<Header> wanted;
  RC_TRY(reader_->log().scan(from, to, [&](const Header& h, store::ByteView) {
    if (header_matches(h)) wanted.push_back(h);
    return true;
  }));
  std::vector<store::OpenedBody> opened(wanted.size());
  const bool open = bodies == Bodies::Yes || needs_body_ || searches_;
  const bool sweep = open && wanted.size() * 8 > to - from;
  if (sweep) {
    std::vector<bool> there(wanted.size(), false);
    std::size_t next = 0;
    RC_TRY(reader_->log().scan_bodies(from, to, [&](Seq seq, store::ByteView sealed) {
      while (next < wanted.size() && wanted[next].seq < seq) ++next;
      if (next == wanted.size()) return false;
      if (wanted[next].seq == seq) {
        opened[next] = reader_->open_body(wanted[next], sealed);
        there[next] = true;
      }
      return true;
    }));
    for (std::size_t i = 0; i < wanted.size(); ++i) {
      if (!there[i])
        opened[i] = reader_->open_body(wanted[i]);  // none, dropped or shredded: it says which
    }
  }
  for (std::size_t i = 0; i < wanted.size(); ++i) {
    if (open && !sweep) opened[i] = reader_->open_body(wanted[i]);
    const EventView event = view_of(*reader_, wanted[i], std::move(opened[i]));
    if (body_matches(event) && !visit(event)) return false;
  }
  return true;
}

namespace {

store::Hash cursor_mac(const Reader& reader, store::ByteView payload) {
  const store::Key key = reader.vault() != nullptr ? reader.vault()->tag_key() : store::Key{};
  return store::hmac_sha256(key, {store::as_bytes("rollcall/cursor/v1"), payload});
}

store::Bytes cursor_payload(const Reader& reader, const AuditFilter& filter, Seq seq) {
  const std::string name = reader.log().origin();
  const store::Hash origin = store::sha256({store::as_bytes(name)});
  const store::Hash question = filter.digest();
  store::Bytes out(origin.begin(), origin.begin() + 8);
  store::put_be64(out, seq);
  out.insert(out.end(), question.begin(), question.begin() + 8);
  return out;
}

}  // namespace

Result<std::string> make_cursor(const Reader& reader, const AuditFilter& filter, Seq seq) {
  store::Bytes out = cursor_payload(reader, filter, seq);
  const store::Hash mac = cursor_mac(reader, out);
  out.insert(out.end(), mac.begin(), mac.begin() + kMacSize);
  return store::base64url(out);
}

Result<Seq> read_cursor(const Reader& reader, const AuditFilter& filter, std::string_view cursor) {
  const Error malformed{Errc::CursorMalformed, "the cursor is not one that this program made"};
  const auto raw = store::from_base64url(cursor);
  if (!raw || raw->size() != 24 + kMacSize) return malformed;
  const store::ByteView payload = store::ByteView(*raw).first(24);
  const Seq seq = store::get_be64(payload.subspan(8));
  const store::Bytes expected = cursor_payload(reader, filter, seq);
  // Its own log is asked first: another log's MAC cannot be checked here.
  if (!std::equal(payload.begin(), payload.begin() + 8, expected.begin()))
    return Error{Errc::CursorForeign, "the cursor belongs to another log"};
  const store::Hash mac = cursor_mac(reader, payload);
  if (!store::equal_constant_time(store::ByteView(*raw).subspan(24),
                                  store::ByteView(mac).first(kMacSize)))
    return malformed;
  if (!std::equal(payload.begin() + 16, payload.end(), expected.begin() + 16))
    return Error{Errc::CursorForeign, "the cursor belongs to another filter"};
  if (seq > reader.last())
    return Error{Errc::CursorGone, "the cursor's position is not in this log"};
  return seq;
}

}  // namespace rollcall::replay
