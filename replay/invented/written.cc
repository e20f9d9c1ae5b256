// Deeds as events, and as lines.
#include "replay/invented/written.h"

#include "engine/event_fields.h"
#include "replay/time_text.h"

#include <boost/json.hpp>

#include <algorithm>

namespace rollcall::replay::inline invented {

using engine::Cause;
using engine::Kind;
using engine::Micros;
using engine::Seq;
using store::Proposal;
using store::Result;
namespace json = boost::json;

namespace {

constexpr Micros kDay = Micros{24} * 3600 * 1'000'000;
constexpr std::uint32_t kNode = 1;
constexpr std::uint64_t kTellEvery = 4096;  ///< deeds between two calls of a progress

/// What the deeds become, with what only the log knows: numbers, sessions, the node's epoch.
class Scribe {
 public:
  Scribe(store::Writer& writer, const InventedHistory& history, InventedReport& report)
      : writer_(writer), history_(history), report_(report), known_(history.plan().users) {}

  Result<void> write(Deed& deed) {
    ++report_.deeds;
    switch (deed.proposal.kind) {
      case Kind::NodeUp:
        node_ = writer_.stage_restart(kNode, deed.at);
        return {};
      case Kind::NodeDown:
        return deed.proposal.cause == Cause::Drain ? stop(deed.at) : die(deed.at);
      default:
        return by_somebody(deed);
    }
  }
  Result<void> commit_if_large() {
    constexpr std::size_t kEventsPerCommit = 8192;
    if (writer_.staged_events() < kEventsPerCommit) return {};
    return writer_.commit(store::Durable::No);  // nobody is told of it before the end
  }

 private:
  struct Known {
    engine::UserNumber number = 0;
    std::array<Seq, kDevices> sessions{};
  };

  Result<void> stop(Micros at) {
    writer_.stage_farewell(at);
    return {};
  }
  /// The last sign of life. What ends with the process, its next start tells.
  Result<void> die(Micros at) {
    Proposal mark;
    mark.kind = Kind::AliveMark;
    RC_TRY(writer_.stage(mark, at));
    return {};
  }

  Result<void> by_somebody(Deed& deed) {
    Known& known = known_[deed.person];
    Seq& session = known.sessions[static_cast<std::size_t>(deed.device)];
    Proposal& p = deed.proposal;
    if (known.number == 0)
      p.user = history_.name(deed.person);
    else
      p.number = known.number;
    switch (p.kind) {
      case Kind::Login:
        ++report_.logins;
        p.body.external_key = name_of(deed.device);
        break;
      case Kind::LinkUp:
      case Kind::LinkDown:
        engine::write_fields(p, engine::LinkFields{deed.connection, node_});
        break;
      case Kind::Joined:
      case Kind::Left: {
        const auto channel = writer_.channel_id("presence-" + room_name(deed.room), deed.at);
        if (!channel) return channel.error();
        engine::write_fields(p, engine::MemberFields{channel->value_or(0), node_});
        break;
      }
      case Kind::Activity:
        ++report_.activities;
        break;
      case Kind::Logout:
        ++report_.logouts;
        break;
      default:
        break;
    }
    const bool of_session = p.kind != Kind::Login && p.kind != Kind::StatusSet &&
                            p.kind != Kind::Joined && p.kind != Kind::Left;
    if (of_session) p.session = session;
    if (deed.touch) {
      writer_.conclude(deed.at);
      RC_TRY(writer_.stage_touch(session, deed.at));
      return {};
    }
    if (p.kind == Kind::Inactivity) {  // a client says it once; the timer may have been first
      writer_.conclude(deed.at);
      const auto found = writer_.state().sessions.find(session);
      if (found != writer_.state().sessions.end() && found->second.away) return {};
    }
    const auto written = writer_.stage(p, deed.at);
    if (!written) return written.error();
    if (p.kind == Kind::Login) session = written->seq;
    if (written->outcome != engine::Outcome::Applied) ++report_.no_effect;
    known.number = written->header.user;
    return {};
  }

  store::Writer& writer_;
  const InventedHistory& history_;
  InventedReport& report_;
  std::uint64_t node_ = 0;
  std::vector<Known> known_;  ///< by person
};

std::string line_of(const Deed& deed, const InventedHistory& history) {
  const Proposal& p = deed.proposal;
  const engine::Body& body = p.body;
  json::object o{{"at", rfc3339(deed.at)},
                 {"type", engine::name_of(p.kind)},
                 {"user", history.name(deed.person)},
                 {"session", name_of(deed.device)}};
  if (!p.action.empty()) o["action"] = p.action;
  if (!body.target_type.empty()) o["target"] = {{"type", body.target_type}, {"id", body.target_id}};
  if (!body.description.empty()) o["description"] = body.description;
  if (!body.properties.empty()) o["properties"] = json::parse(body.properties);
  if (!body.changes.empty()) o["changes"] = json::parse(body.changes);
  if (!body.device.empty())
    o["context"] = {{"device", body.device}, {"address", body.address}, {"agent", body.agent}};
  return json::serialize(o) + "\n";
}

}  // namespace

Result<InventedReport> write_invented(store::Writer& writer, const HistoryPlan& plan,
                                      const InventedProgress& progress) {
  InventedReport report;
  InventedHistory history(plan);
  Scribe scribe(writer, history, report);
  Micros midnight = plan.start + kDay;
  Deed deed;
  while (history.next(deed)) {
    for (; deed.at >= midnight && midnight < plan.end(); midnight += kDay)
      RC_TRY(writer.sign(midnight));
    RC_TRY(scribe.write(deed));
    RC_TRY(scribe.commit_if_large());
    if (progress && report.deeds % kTellEvery == 0)
      progress(static_cast<std::uint64_t>(deed.at - plan.start),
               static_cast<std::uint64_t>(plan.end() - plan.start));
  }
  RC_TRY(writer.commit());
  RC_TRY(writer.sign(writer.state().at));
  report.events = writer.log().last();
  return report;
}

InventedReport print_invented(const HistoryPlan& plan,
                              const std::function<bool(std::string_view)>& out,
                              const InventedProgress& progress) {
  InventedReport report;
  InventedHistory history(plan);
  // Where there are no connections, a session lives by its activity (docs/import.md).
  const Micros ttl = Micros{engine::Policy{}.ttl_s} * 1'000'000;
  std::vector<std::array<Micros, kDevices>> lives_until(plan.users);
  const auto print = [&](const Deed& deed) {
    switch (deed.proposal.kind) {
      case Kind::Login:
        ++report.logins;
        break;
      case Kind::Activity:
        ++report.activities;
        break;
      default:
        ++report.logouts;
        break;
    }
    return out(line_of(deed, history));
  };
  Deed deed;
  while (history.next(deed)) {
    if (++report.deeds % kTellEvery == 0 && progress)
      progress(static_cast<std::uint64_t>(deed.at - plan.start),
               static_cast<std::uint64_t>(plan.end() - plan.start));
    const Kind kind = deed.proposal.kind;
    if (kind != Kind::Login && kind != Kind::Activity && kind != Kind::Logout) continue;
    Micros& until = lives_until[deed.person][static_cast<std::size_t>(deed.device)];
    const bool over = until < deed.at;
    if (kind == Kind::Logout && over) continue;
    if (kind == Kind::Activity && over) {
      Deed login;
      login.at = deed.at;
      login.person = deed.person;
      login.device = deed.device;
      login.proposal.kind = Kind::Login;
      describe_login(deed.person, deed.device, login.proposal.body);
      if (!print(login)) break;
    }
    if (kind == Kind::Logout)
      until = 0;
    else if (kind == Kind::Activity || over)  // a second login of an open session changes nothing
      until = deed.at + ttl;
    if (!print(deed)) break;
  }
  return report;
}

}  // namespace rollcall::replay::inline invented
