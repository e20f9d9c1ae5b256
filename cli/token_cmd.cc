// rollcall token: who may use the API of the server on this store.
#include "cli/commands.h"
#include "cli/output.h"
#include "cli/remote.h"
#include "cli/settings_file.h"
#include "cli/sign_in_link.h"
#include "net/access/page_login.h"
#include "net/access/tokens.h"
#include "net/v1/tokens_api.h"

#include <boost/json.hpp>
#include <fmt/format.h>

#include <algorithm>

namespace rollcall::cli {
namespace {

net::Tokens tokens_of(const Context& context) { return net::Tokens(context.data_folder()); }

/// Unix seconds; 0 if none are given.
std::int64_t expiry(const std::string& text) {
  if (text.empty()) return 0;
  const auto at = net::expiry_to_come(text);
  if (!at) throw store::Failure({at.error().code, "--" + at.error().detail});
  return *at;
}

void print_made(const boost::json::object& answer) {
  fmt::print("{}\n", std::string(answer.at("token").as_string()));
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
  create.run([o](Context& context) {
    if (o->scopes.empty()) usage_error("say what it may do: --scope");
    if (!context.url.empty()) {
      const auto body = net::write_value(net::TokenRequest{
          o->name, o->scopes,
          o->expires.empty() ? std::nullopt : std::optional<std::string>(o->expires)});
      print_made(call(context, "/v1/tokens", body.as_object()));
      return 0;
    }
    const std::int64_t expires = expiry(o->expires);
    const bool of_server =
        std::find(o->scopes.begin(), o->scopes.end(), net::kServerAdmin) != o->scopes.end();
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
                            expiry(o->expires)));
    return 0;
  });

  Command watch = token.command("watch", "lets any page show one person's presence");
  watch.positional("USER", o->name, "whose", a_word());
  watch.option("--expires", o->expires, "until when (default: +30d)", a_time());
  watch.examples("  rollcall token watch ada");
  watch.run([o](Context& context) {
    if (o->expires.empty()) o->expires = "+30d";
    if (!context.url.empty()) {
      print_made(call(context, "/v1/tokens/watch", {{"user", o->name}, {"expires", o->expires}}));
      return 0;
    }
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
  list.run([](Context& context) {
    std::vector<net::TokenRow> tokens;
    if (context.url.empty()) {
      for (const auto& t : tokens_of(context).list().value()) tokens.push_back(net::token_row(t));
    } else {
      net::TokensResponse answer;
      net::read_value(get(context, "/v1/tokens"), answer, "", replay::Of::Answer).value();
      tokens = std::move(answer.tokens);
    }
    Rows rows(context, {"name", "app", "scopes", "expires"});
    for (const auto& t : tokens)
      rows.add({{"name", t.name},
                {"app", t.app},
                {"scopes", fmt::format("{}", fmt::join(t.scopes, ","))},
                {"expires", t.expires.value_or("never")}});
    rows.finish();
    return 0;
  });

  Command revoke = token.command("revoke", "it opens nothing any more, at once");
  revoke.positional("NAME", o->name, "which");
  revoke.examples("  rollcall token revoke shop");
  revoke.run([o](Context& context) {
    if (!context.url.empty())
      (void)call(context, "/v1/tokens/revoke", {{"name", o->name}});
    else
      tokens_of(context).revoke(o->name, context.app).value();
    return 0;
  });
}

}  // namespace rollcall::cli
