// rollcall who: who was here at a moment, in what state, from where.
#include "cli/commands.h"
#include "cli/moment.h"
#include "cli/output.h"
#include "cli/pager.h"
#include "cli/people.h"
#include "cli/reading.h"
#include "replay/attendance.h"
#include "replay/bundle.h"
#include "store/log/event_clock.h"

#include <fmt/format.h>

#include <algorithm>

namespace rollcall::cli {
namespace {

struct Options {
  People people;
  std::string at = "now", out, room;
  std::vector<std::string> states;
  bool count = false, proof = false;
};

/// The moment asked about; for seq:N the time of that event.
std::string asked_time(const std::string& text, engine::Micros of_seq) {
  const auto spec = replay::parse_time(text, store::wall_now()).value();
  const auto* at = std::get_if<engine::Micros>(&spec);
  return replay::short_time(at != nullptr ? *at : of_seq);
}

/// The moment as a time; nothing for seq:N.
std::optional<engine::Micros> asked_at(const std::string& text) {
  const auto spec = replay::parse_time(text, store::wall_now()).value();
  const auto* at = std::get_if<engine::Micros>(&spec);
  return at != nullptr ? std::optional<engine::Micros>(*at) : std::nullopt;
}

int prove(const replay::Reader& reader, const Options& o, engine::Seq upto) {
  replay::BundleRequest request;
  request.complete = replay::Complete::Chain;
  request.user = o.people.find(reader).front();
  if (upto == 0)
    throw store::Failure({store::Errc::NotFound, "nothing had happened yet before that moment"});
  request.asked_seq = upto;
  request.asked_at = asked_at(o.at).value_or(0);
  const auto files = replay::make_bundle(reader, request).value();
  const std::string path = o.out.empty() ? fmt::format("who-{}-{}.tar", request.user, upto) : o.out;
  replay::write_bundle(files, path).value();
  if (path != "-") fmt::print("{}\n", path);
  return 0;
}

/// How many of those asked about are in each state; people who are asked about nobody in particular
/// count whom `who` shows.
int count(const Context& context, const Options& o, const engine::State& state,
          const std::vector<std::pair<std::string, engine::UserNumber>>& found) {
  std::uint64_t online = 0, away = 0, offline = 0;
  for (const auto& [name, n] : found) {
    const auto presence = state.users[n].state;
    ++(presence == engine::Presence::Online ? online
       : presence == engine::Presence::Away ? away
                                            : offline);
  }
  if (machine_output(context) || !context.fields.empty()) {
    Rows rows(context, {"online", "away", "offline"});
    rows.add({{"online", online}, {"away", away}, {"offline", offline}});
    rows.finish();
    return 0;
  }
  fmt::print("{} online, {} away", online, away);
  if (o.people.given() || !o.states.empty()) fmt::print(", {} offline", offline);
  fmt::print("\n");
  return 0;
}

}  // namespace

void add_who(Command& root) {
  auto o = std::make_shared<Options>();
  Command command = root.command("who", "who was here at a moment");
  o->people.declare_words(command, "only these");
  command.option("--at", o->at, "the moment (default: now)", a_moment());
  command.list("--state", o->states, "online, away, offline",
               one_of({"online", "away", "offline"}));
  command.option("--room", o->room, "only those who attended this channel, like presence-lobby",
                 a_word());
  command.flag("--count", o->count, "only how many");
  command.flag("--proof", o->proof, "write a bundle that proves the answer for one user");
  command.file("-O,--out", o->out,
               "where the bundle goes (a folder or .tar; - is standard output)");
  command.formats({"short", "wide", "json", "ndjson", "csv", "cat"},
                  [o](const Context&) -> std::vector<std::string> {
                    if (o->proof) return {};
                    if (o->count) return {"online", "away", "offline"};
                    return {"user", "state", "since",  "sessions",      "last_activity",
                            "from", "rooms", "number", "do_not_disturb"};
                  });
  command.check([o](const Context& context) {
    if (!o->proof && !o->out.empty()) usage_error("-O says where --proof goes: give --proof");
    if (!o->proof) return;
    if (o->people.count() != 1) usage_error("--proof is for one user: name one");
    if (o->count || !o->states.empty() || !o->room.empty())
      usage_error("--proof proves one user's state: --count, --state and --room do not go with it");
    if (context.output_given) usage_error("--proof writes a bundle: -o does not go with it");
  });
  command.examples(
      "  rollcall who\n  rollcall who --at 'yesterday 10:00' --state online\n  rollcall who --room "
      "presence-lobby --at -1h\n  rollcall who ada "
      "--at 2026-01-14T10:00:00Z --proof -O ada.tar");
  command.run_here_or_there([o](Context& context) {
    const auto reader = open_read(context, o->people, "who --at " + o->at);
    const engine::Seq upto = last_before(reader, o->at);
    if (context.verbose) fmt::print(stderr, "state after seq {}\n", upto);
    if (o->proof) return prove(reader, *o, upto);
    const Pager pager(context);
    const auto fold = replay::state_at(reader, upto).value();
    const std::vector<engine::UserNumber> wanted = o->people.find(reader);
    const auto rooms = replay::channel_names(reader);
    std::optional<std::uint64_t> room;
    if (!o->room.empty()) {
      for (const auto& [id, name] : rooms)
        if (name == o->room) room = id;
      if (!room)
        throw store::Failure(
            {store::Errc::NotFound, fmt::format("nobody was ever in '{}'", o->room)});
    }
    const auto gap = replay::gap_around(reader, upto, asked_at(o->at)).value();
    if (gap && !context.quiet)
      fmt::print(stderr,
                 "rollcall: nobody watched from {} to {} (seq {}): this is how it was before\n",
                 replay::rfc3339(gap->from), replay::rfc3339(gap->to), gap->seq);
    std::uint64_t online = 0, away = 0;
    for (const auto& user : fold.state.users) {
      online += user.state == engine::Presence::Online ? 1 : 0;
      away += user.state == engine::Presence::Away ? 1 : 0;
    }
    if (!machine_output(context) && !o->count) {
      const auto root_hash =
          upto == 0 ? std::string("-")
                    : store::base64(reader.log().root_at(upto).value()).substr(0, 8) + "…";
      fmt::print("At {} UTC (seq {}, root {})   {} online, {} away\n",
                 asked_time(o->at, fold.state.at), upto, root_hash, online, away);
    }
    std::vector<std::pair<std::string, engine::UserNumber>> order;
    for (engine::UserNumber n = 1; n < fold.state.users.size(); ++n) {
      const auto& user = fold.state.users[n];
      const std::string state(engine::name_of(user.state));
      bool in_room = !room;
      for (const auto& attendance : user.attendance)  // of a server that died: until last heard
        in_room = in_room || (!gap && attendance.channel == *room);
      if (!in_room) continue;
      if (!wanted.empty() && std::find(wanted.begin(), wanted.end(), n) == wanted.end()) continue;
      if (!o->states.empty()
              ? std::find(o->states.begin(), o->states.end(), state) == o->states.end()
              : wanted.empty() && user.state == engine::Presence::Offline)
        continue;
      order.emplace_back(reader.user_text(n), n);
    }
    if (o->count) return count(context, *o, fold.state, order);
    Rows rows(context, {"user", "state", "since", "sessions", "last_activity", "from", "rooms"});
    std::sort(order.begin(), order.end());
    for (const auto& [name, n] : order) {
      const auto& user = fold.state.users[n];
      std::string from;
      engine::Micros active = 0;
      for (const engine::Seq id : user.sessions) {
        active = std::max(active, fold.state.sessions.at(id).last_activity_at);
        const auto header = reader.log().header(id).value();
        const std::string address = header ? reader.open_body(*header).body.address : "";
        if (!address.empty() && from.find(address) == std::string::npos)
          from += (from.empty() ? "" : ", ") + address;
      }
      boost::json::object row{
          {"user", name}, {"number", n}, {"state", engine::name_of(user.state)}};
      const bool machine = machine_output(context);
      const auto moment = [&](engine::Micros t) {
        return t == 0 ? std::string() : machine ? replay::rfc3339(t) : replay::short_time(t);
      };
      row["since"] = moment(user.since);
      row["sessions"] = user.sessions.size();
      row["last_activity"] = moment(active != 0 ? active : user.last_seen);
      row["from"] = from;
      std::string attended;
      for (const auto& attendance : user.attendance) {
        const auto it = rooms.find(attendance.channel);
        if (it == rooms.end() || gap) continue;
        attended += (attended.empty() ? "" : ", ") + it->second;
      }
      row["rooms"] = attended;
      if (machine) row["do_not_disturb"] = user.do_not_disturb;
      rows.add(std::move(row));
    }
    rows.finish();
    return 0;
  });
}

}  // namespace rollcall::cli
