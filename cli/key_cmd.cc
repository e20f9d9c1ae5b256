// rollcall key: the log's signing key, key epochs, the master key.
#include "cli/ask.h"
#include "cli/commands.h"
#include "cli/remote.h"
#include "cli/writing.h"
#include "replay/question/store.h"
#include "store/bytes/files.h"
#include "store/govern.h"
#include "store/log/event_clock.h"

#include <boost/json.hpp>
#include <fmt/format.h>

#include <cstdlib>

namespace rollcall::cli {

void add_key(Command& root) {
  struct Options {
    std::string name, out;
    bool master = false, epoch = false, witness = false;
  };
  auto o = std::make_shared<Options>();
  Command key = root.command("key", "keys that sign, and keys that seal");

  Command show = key.command("show", "the log's verifier key (vkey) on a line");
  show.examples("  rollcall key show");
  show.run([](Context& context) {
    bool first = true;
    ask(context, replay::KeysQuestion{}, [&](const replay::KeysQuestion::Row& row) {
      if (std::exchange(first, false)) fmt::print("{}\n", row.vkey);
      return true;
    });
    return 0;
  });

  Command gen = key.command("gen", "make a key pair for a log or a witness elsewhere");
  gen.positional("NAME", o->name, "the key's name, like witness.example/w1", a_key_name());
  gen.flag("--witness", o->witness, "a cosigning key");
  gen.required("-O,--out", o->out, "the file for the private key; its public key is printed");
  gen.examples("  rollcall key gen witness.example/w1 --witness -O w1.key");
  gen.run([o](Context&) {
    if (std::filesystem::exists(o->out))
      throw store::Failure({store::Errc::Refused, fmt::format("{} exists", o->out)});
    const store::note::Signer signer{
        o->name, o->witness ? store::note::Algorithm::Cosignature : store::note::Algorithm::Ed25519,
        store::random_key()};
    store::replace_file(std::filesystem::absolute(o->out), signer.skey() + "\n", store::Secret::Yes)
        .value();
    fmt::print("{}\n", signer.verifier().vkey());
    return 0;
  });

  Command rotate = key.command(
      "rotate", "a new signing key; --epoch a new key epoch; --master a new master key");
  rotate.flag("--master", o->master,
              "wrap every key anew by a new master key and destroy the old one");
  rotate.flag("--epoch", o->epoch, "bodies from now on belong to a new key epoch");
  rotate.check([o](const Context&) {
    if (o->master && o->epoch) usage_error("--master and --epoch are two things: one at a time");
  });
  rotate.examples("  rollcall key rotate\n  rollcall key rotate --master");
  rotate.run_writing([o](Context& context) {
    if (!context.url.empty()) {
      const char* what = o->epoch ? "epoch" : o->master ? "master" : "signing";
      if (o->master && std::getenv("ROLLCALL_NEW_MASTER_KEY") != nullptr)
        throw store::Failure({store::Errc::Refused,
                              "ROLLCALL_NEW_MASTER_KEY is set here, and a server reads its own "
                              "environment: stop it, or unset the variable"});
      const auto done = call(context, "/v1/key/rotate", {{"what", what}});
      if (o->master && !o->epoch)
        fmt::print("every key is wrapped anew\n");
      else
        fmt::print("{}{}\n", o->epoch ? "key epoch " : "", std::string(done.at("key").as_string()));
      return 0;
    }
    const auto layout = context.layout();
    const auto writer = open_writer(context);
    if (o->epoch) {
      fmt::print("key epoch {}\n", writer->vault().add_epoch().value());
      return 0;
    }
    if (o->master) {
      writer->vault().rotate_master(store::MasterKey::next().value()).value();
      writer->drop_cached_keys();
      fmt::print("every key is wrapped anew\n");
      return 0;
    }
    fmt::print("{}\n", store::rotate_signing(*writer, store::wall_now()).value().vkey());
    return 0;
  });
}

}  // namespace rollcall::cli
