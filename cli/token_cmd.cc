// rollcall token: who may use the API of the server on this store.
#include "cli/commands.h"
#include "cli/output.h"
#include "cli/settings_file.h"
#include "cli/sign_in_link.h"
#include "net/access/page_login.h"
#include "net/access/tokens.h"
#include "replay/time_text.h"
#include "store/log/event_clock.h"
#include "store/writer.h"

#include <fmt/format.h>

#include <algorithm>

namespace rollcall::cli {
namespace {

net::Tokens tokens_of(const Context& context) { return net::Tokens(context.data_folder()); }

/// Asked by who governs one app alone: others' tokens are not there.
bool of_one_app(const Context& context) { return context.errand && !context.errand->server_admin; }

/// Unix seconds of --expires.
std::int64_t expiry(const std::string& text) {
  const auto at = replay::parse_time(text, store::wall_now()).value();
  if (!std::holds_alternative<engine::Micros>(at))
    throw store::Failure({store::Errc::BadInput, "--expires is a time"});
  return std::get<engine::Micros>(at) / 1'000'000;
}

/// Of what is to open something.
std::int64_t expiry_to_come(const std::string& text) {
  const std::int64_t at = expiry(text);
  if (at <= store::wall_now() / 1'000'000)
    throw store::Failure(
        {store::Errc::BadInput, "--expires is past: the token would open nothing"});
  return at;
}

}  // namespace

void add_token(Command& root) {
  Command token = root.command("token", "bearer tokens for the server's API");
  struct Options {
    std::string name, expires;
    std::vector<std::string> scopes;
  };
  auto o = std::make_shared<Options>();

  Command create = token.command("create", "make one; it is shown once");
  create.positional("NAME", o->name, "what it is for");
  create.list("--scope", o->scopes,
              "presence:read, audit:read, events:write, admin (of an app), server:admin",
              one_of({std::begin(net::kScopes), std::end(net::kScopes)}));
  create.option("--expires", o->expires, "until when, like +30d (default: never)", a_time());
  create.examples("  rollcall token create shop --scope events:write --scope presence:read");
  create.run_here_or_there([o](Context& context) {
    if (o->scopes.empty()) usage_error("say what it may do: --scope");
    for (const auto& scope : o->scopes)
      if (!net::known_scope(scope))
        throw store::Failure(
            {store::Errc::BadInput, fmt::format("there is no scope '{}': there are {}", scope,
                                                fmt::join(net::kScopes, ", "))});
    const std::int64_t expires = o->expires.empty() ? 0 : expiry_to_come(o->expires);
    const bool of_server =
        std::find(o->scopes.begin(), o->scopes.end(), net::kServerAdmin) != o->scopes.end();
    if (of_server && context.errand && !context.errand->server_admin)
      throw store::Failure({store::Errc::NotPermitted, "this needs the scope server:admin"});
    const std::string app = of_server || context.app.empty() ? "*" : context.app;
    const auto made = tokens_of(context).create(o->name, app, o->scopes, expires).value();
    fmt::print("{}\n", made);
    return 0;
  });

  Command link = token.command("link", "a link that signs you in to the server's page");
  link.option("--expires", o->expires, "until when (default: +12h)", a_time());
  link.examples("  rollcall -d rollcall-data --url http://127.0.0.1:8080 token link");
  link.run([o](Context& context) {
    if (o->expires.empty()) o->expires = "+12h";
    fmt::print("{}\n",
               sign_in_link(context, context.url.empty() ? "http://127.0.0.1:8080" : context.url,
                            expiry_to_come(o->expires)));
    return 0;
  });

  Command watch = token.command("watch", "lets any page show one person's presence");
  watch.positional("USER", o->name, "whose", a_word());
  watch.option("--expires", o->expires, "until when (default: +30d)", a_time());
  watch.examples("  rollcall token watch ada");
  watch.run_here_or_there([o](Context& context) {
    if (o->expires.empty()) o->expires = "+30d";
    net::Settings settings;
    read_settings(context.data_folder() / "rollcall.toml", settings).value();
    for (const auto& app : settings.apps) {
      if (!context.app.empty() && app.id != context.app) continue;
      fmt::print("{}\n", net::seal_watch(o->name, expiry(o->expires), app.secret));
      return 0;
    }
    throw store::Failure({store::Errc::NotFound, "the configuration has no such app"});
  });

  Command list = token.command("list", "names and scopes; the tokens themselves are not kept");
  list.rows({"name", "app", "scopes", "expires"});
  list.examples("  rollcall token list");
  list.run_here_or_there([](Context& context) {
    Rows rows(context, {"name", "app", "scopes", "expires"});
    for (const auto& t : tokens_of(context).list().value()) {
      if (of_one_app(context) && t.app != context.app) continue;
      rows.add({{"name", t.name},
                {"app", t.app},
                {"scopes", fmt::format("{}", fmt::join(t.scopes, ","))},
                {"expires", t.expires == 0 ? "never" : replay::rfc3339(t.expires * 1'000'000)}});
    }
    rows.finish();
    return 0;
  });

  Command revoke = token.command("revoke", "it opens nothing any more, at once");
  revoke.positional("NAME", o->name, "which");
  revoke.examples("  rollcall token revoke shop");
  revoke.run_here_or_there([o](Context& context) {
    auto done = tokens_of(context).revoke(o->name, context.app);
    // A server's admin asks an app's server, and means any token of that name.
    const bool any = context.errand && context.errand->server_admin;
    if (!done && any && done.error().code == store::Errc::NotFound)
      done = tokens_of(context).revoke(o->name, "");
    done.value();
    return 0;
  });
}

}  // namespace rollcall::cli
