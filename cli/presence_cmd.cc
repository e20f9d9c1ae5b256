// rollcall login, activity, logout, status: one event appended by hand or from a script.
#include "cli/commands.h"
#include "cli/output.h"
#include "cli/remote.h"
#include "cli/writing.h"
#include "replay/time_text.h"
#include "store/log/event_clock.h"
#include "store/writer.h"

#include <boost/json.hpp>
#include <fmt/format.h>

namespace rollcall::cli {
namespace {

using engine::Kind;
using store::Errc;
using store::Failure;
using store::Proposal;

struct Given {
  std::string user, session, action, target_type, target_id, description, properties, changes,
      batch, address, agent, device, until, text, emoji, as;
  bool do_not_disturb = false;
};

void context_options(Command& command, Given& g) {
  command.option("--session", g.session,
                 "your own name for the session (default: one shared by all who name none)");
  command.option("--address", g.address, "where from");
  command.option("--agent", g.agent, "with what program");
  command.option("--device", g.device, "on what device");
}

/// A JSON object as text, in one form; empty stays empty.
std::string object_text(const std::string& text) {
  return text.empty() ? text : boost::json::serialize(boost::json::parse(text));
}

/// The same over /v1, on a running server.
int append_there(Context& context, const Given& g, const Proposal& p) {
  boost::json::object body{{"user", g.user}};
  const auto add = [&](const char* key, const std::string& value) {
    if (!value.empty()) body[key] = value;
  };
  std::string path = "/v1/activity";
  if (p.kind == Kind::StatusSet || p.kind == Kind::StatusCleared) {
    path = "/v1/status";
    add("as", g.as);
    add("text", g.text);
    add("emoji", g.emoji);
    add("until", g.until);
    if (g.do_not_disturb) body["do_not_disturb"] = true;
  } else {
    if (p.kind != Kind::Activity) path = p.kind == Kind::Login ? "/v1/login" : "/v1/logout";
    // Here as on a store: a logout that names no session means the one all share.
    const bool shared = p.kind == Kind::Logout && g.session.empty();
    add("session", shared ? std::string(store::kDefaultSession) : g.session);
    add("address", g.address);
    add("agent", g.agent);
    add("device", g.device);
  }
  if (p.kind == Kind::Activity) {
    add("action", g.action);
    add("target_type", g.target_type);
    add("target_id", g.target_id);
    add("description", g.description);
    add("batch", g.batch);
    if (!p.body.properties.empty()) body["properties"] = boost::json::parse(p.body.properties);
    if (!p.body.changes.empty()) body["changes"] = boost::json::parse(p.body.changes);
  }
  const auto reply = call(context, path, body);
  Rows rows(context, {"seq", "outcome", "user", "state"});
  rows.add({{"seq", reply.at("seq")},
            {"outcome", reply.at("outcome")},
            {"user", g.user},
            {"state", reply.at("presence")}});
  rows.finish();
  return 0;
}

int append(Context& context, Given& g, Proposal p) {
  if (!context.url.empty()) return append_there(context, g, p);
  const auto writer = open_or_create_writer(context);
  const auto at = store::wall_now();
  p.user = g.user;
  p.body.address = g.address;
  p.body.agent = g.agent;
  p.body.device = g.device;
  const std::string key = g.session.empty() ? "default" : g.session;
  if (p.kind == Kind::Login) {
    p.body.external_key = key;
  } else if (!writer->vault().number_of(g.user)) {
    throw Failure(
        {Errc::NotFound, fmt::format("there is no user '{}' (a login enrols one)", g.user)});
  } else if (p.kind == Kind::Logout || !g.session.empty()) {
    // A session is never made by what happens in it: an event that names one which is not open is
    // refused.
    const auto session = writer->session_by_key(g.user, key);
    if (!session)
      throw Failure({Errc::Conflict, fmt::format("{} has no open session '{}'", g.user, key)});
    p.session = *session;
  }
  const auto written = writer->write(p, at).value();
  const engine::User* user = writer->state().find(written.header.user);
  Rows rows(context, {"seq", "outcome", "user", "state"});
  rows.add({{"seq", written.seq},
            {"outcome", engine::name_of(written.outcome)},
            {"user", g.user},
            {"state", engine::name_of(user->state)}});
  rows.finish();
  return 0;
}

}  // namespace

void add_presence(Command& root) {
  auto g = std::make_shared<Given>();

  Command login = root.command("login", "a user comes in");
  login.positional("USER", g->user, "the user's name");
  login.rows({"seq", "outcome", "user", "state"});
  context_options(login, *g);
  login.examples("  rollcall login ada --address 10.1.0.7 --device laptop");
  login.run_writing([g](Context& context) {
    Proposal p;
    p.kind = Kind::Login;
    p.cause = engine::Cause::Login;
    return append(context, *g, p);
  });

  Command activity = root.command("activity", "a user does something");
  activity.positional("USER", g->user, "the user's name");
  activity.rows({"seq", "outcome", "user", "state"});
  activity.option("--action", g->action,
                  "what, like order.updated; without it, only a sign of life");
  activity.option("--target-type", g->target_type, "to what kind of thing");
  activity.option("--target-id", g->target_id, "to which one");
  activity.option("--description", g->description, "in words");
  activity.option("--properties", g->properties, "a JSON object", a_json_object());
  activity.option("--changes", g->changes, "a JSON object {\"attributes\":{…},\"old\":{…}}",
                  a_json_object());
  activity.option("--batch", g->batch, "groups the events of one request");
  context_options(activity, *g);
  activity.examples(
      "  rollcall activity ada --action order.updated --target-type order --target-id 7 \\\n"
      "      --changes '{\"attributes\":{\"state\":\"paid\"},\"old\":{\"state\":\"open\"}}'");
  activity.run_writing([g](Context& context) {
    Proposal p;
    p.kind = Kind::Activity;
    p.action = g->action;
    p.body.target_type = g->target_type;
    p.body.target_id = g->target_id;
    p.body.description = g->description;
    p.body.properties = object_text(g->properties);
    p.body.changes = object_text(g->changes);
    p.body.batch = g->batch;
    return append(context, *g, p);
  });

  Command logout = root.command("logout", "a user leaves");
  logout.positional("USER", g->user, "the user's name");
  logout.rows({"seq", "outcome", "user", "state"});
  context_options(logout, *g);
  logout.examples("  rollcall logout ada");
  logout.run_writing([g](Context& context) {
    Proposal p;
    p.kind = Kind::Logout;
    p.cause = engine::Cause::Logout;
    return append(context, *g, p);
  });

  Command status = root.command("status", "set or clear a user's status");
  status.positional("USER", g->user, "the user's name");
  status.rows({"seq", "outcome", "user", "state"});
  status.option("--as", g->as, "away, invisible, none, or clear",
                one_of({"away", "invisible", "none", "clear"}));
  status.flag("--dnd", g->do_not_disturb, "do not disturb");
  status.option("--text", g->text, "a status text");
  status.option("--emoji", g->emoji, "an emoji");
  status.option("--until", g->until, "when it clears itself, like +2h", a_time());
  status.check([g](const Context&) {
    if (g->as == "clear" &&
        (g->do_not_disturb || !g->text.empty() || !g->emoji.empty() || !g->until.empty()))
      usage_error("--as clear takes all of it back: nothing is set with it");
  });
  status.examples(
      "  rollcall status ada --as away --text 'at lunch' --until +1h\n  rollcall status ada --as "
      "clear");
  status.run_writing([g](Context& context) {
    Proposal p;
    p.cause = engine::Cause::User;
    p.kind = g->as == "clear" ? Kind::StatusCleared : Kind::StatusSet;
    if (g->as == "away")
      p.flags = 1;
    else if (g->as == "invisible")
      p.flags = 2;
    if (p.kind == Kind::StatusSet) {
      if (g->do_not_disturb) p.flags |= engine::flag::kDoNotDisturb;
      p.body.status_text = g->text;
      p.body.emoji = g->emoji;
      if (!g->until.empty()) {
        const auto until = replay::parse_time(g->until, store::wall_now()).value();
        engine::write_fields(p, engine::StatusFields{std::get<engine::Micros>(until)});
      }
    }
    return append(context, *g, p);
  });
}

}  // namespace rollcall::cli
