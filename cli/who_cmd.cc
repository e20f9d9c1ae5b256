// rollcall who: who was here at a moment, in what state, from where.
#include "cli/commands.h"
#include "cli/moment.h"
#include "cli/output.h"
#include "cli/pager.h"
#include "cli/reading.h"
#include "replay/attendance.h"
#include "replay/bundle.h"

#include <fmt/format.h>

#include <algorithm>

namespace rollcall::cli {
namespace {

struct Options {
  std::vector<std::string> users;
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
  if (o.users.size() != 1) throw store::Failure({store::Errc::BadInput, "--proof is for one user"});
  replay::BundleRequest request;
  request.complete = replay::Complete::Chain;
  request.user = reader.find_user(o.users.front()).value();
  // A state digest changes nobody's presence: the state after it is the one it names.
  while (upto > 1 && reader.log().header(upto).value()->kind == engine::Kind::StateDigest) --upto;
  request.asked_seq = upto;
  const auto files = replay::make_bundle(reader, request).value();
  const std::string path = o.out.empty() ? fmt::format("who-{}-{}.tar", request.user, upto) : o.out;
  replay::write_bundle(files, path).value();
  if (path != "-") fmt::print("{}\n", path);
  return 0;
}

}  // namespace

void add_who(Command& root) {
  auto o = std::make_shared<Options>();
  Command command = root.command("who", "who was here at a moment");
  command.positionals("USER", o->users, "only these");
  command.option("--at", o->at, "the moment (default: now)");
  command.option("--state", o->states, "online, away, offline");
  command.option("--room", o->room, "only those who attended this channel, like presence-lobby");
  command.flag("--count", o->count, "only how many");
  command.flag("--proof", o->proof, "write a bundle that proves the answer for one user");
  command.file("-O,--out", o->out,
                 "where the bundle goes (a folder or .tar; - is standard output)");
  command.examples(
      "  rollcall who\n  rollcall who --at 'yesterday 10:00' --state online\n  rollcall who --room "
      "presence-lobby --at -1h\n  rollcall who ada "
      "--at 2026-01-14T10:00:00Z --proof -O ada.tar");
  command.run_here_or_there([o](Context& context) {
    log_read(context, o->users, "who --at " + o->at);
    const auto reader = replay::Reader::open(context.layout()).value();
    const engine::Seq upto = last_before(reader, o->at);
    if (context.verbose) fmt::print(stderr, "state after seq {}\n", upto);
    if (o->proof) return prove(reader, *o, upto);
    const Pager pager(context);
    const auto fold = replay::state_at(reader, upto).value();
    std::vector<engine::UserNumber> wanted;
    for (const auto& name : o->users) wanted.push_back(reader.find_user(name).value());
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
    if (o->count) {
      fmt::print("{} online, {} away\n", online, away);
      return 0;
    }
    if (!machine_output(context)) {
      const auto root_hash =
          upto == 0 ? std::string("-")
                    : store::base64(reader.log().root_at(upto).value()).substr(0, 8) + "…";
      fmt::print("At {} UTC (seq {}, root {})   {} online, {} away\n",
                 asked_time(o->at, fold.state.at), upto, root_hash, online, away);
    }
    Rows rows(context, {"user", "state", "since", "sessions", "last_activity", "from", "rooms"});
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
      boost::json::object row{{"user", name}, {"state", engine::name_of(user.state)}};
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
