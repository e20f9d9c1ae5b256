// rollcall token: who may use the API of the server on this store.
#include "cli/commands.h"
#include "cli/output.h"
#include "net/tokens.h"
#include "replay/time_text.h"
#include "store/writer.h"

#include <fmt/format.h>

namespace rollcall::cli {
namespace {

net::Tokens tokens_of(const Context& context) { return net::Tokens(context.data_folder()); }

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
  create.option("--scope", o->scopes, "presence:read, audit:read, events:write, admin");
  create.option("--expires", o->expires, "until when, like +30d (default: never)");
  create.examples("  rollcall token create shop --scope events:write --scope presence:read");
  create.run([o](Context& context) {
    if (o->scopes.empty())
      throw store::Failure({store::Errc::BadInput, "say what it may do: --scope"});
    for (const auto& scope : o->scopes)
      if (!net::known_scope(scope))
        throw store::Failure({store::Errc::BadInput, fmt::format("there is no scope '{}'", scope)});
    std::int64_t expires = 0;
    if (!o->expires.empty()) {
      const auto at = replay::parse_time(o->expires, store::wall_now()).value();
      if (!std::holds_alternative<engine::Micros>(at))
        throw store::Failure({store::Errc::BadInput, "--expires is a time"});
      expires = std::get<engine::Micros>(at) / 1'000'000;
    }
    const auto made =
        tokens_of(context)
            .create(o->name, context.app.empty() ? "*" : context.app, o->scopes, expires)
            .value();
    fmt::print("{}\n", made);
    return 0;
  });

  Command list = token.command("list", "names and scopes; the tokens themselves are not kept");
  list.examples("  rollcall token list");
  list.run([](Context& context) {
    Rows rows(context, {"name", "app", "scopes", "expires"});
    for (const auto& t : tokens_of(context).list().value())
      rows.add({{"name", t.name},
                {"app", t.app},
                {"scopes", fmt::format("{}", fmt::join(t.scopes, ","))},
                {"expires", t.expires == 0 ? "never" : replay::rfc3339(t.expires * 1'000'000)}});
    rows.finish();
    return 0;
  });

  Command revoke = token.command("revoke", "it opens nothing any more, at once");
  revoke.positional("NAME", o->name, "which");
  revoke.examples("  rollcall token revoke shop");
  revoke.run([o](Context& context) {
    tokens_of(context).revoke(o->name).value();
    return 0;
  });
}

}  // namespace rollcall::cli
