// rollcall witness: cosign others' logs, and have one's own cosigned.
#include "cli/ask.h"
#include "cli/commands.h"
#include "cli/remote.h"
#include "net/loop/http.h"
#include "net/v1/cosign_api.h"
#include "replay/question/witnesses.h"
#include "replay/reader.h"
#include "store/bytes/files.h"
#include "store/log/event_clock.h"
#include "store/tlog/witness.h"
#include "store/writer.h"

#include <boost/json.hpp>
#include <fmt/format.h>
#include <spdlog/sinks/stdout_sinks.h>
#include <spdlog/spdlog.h>

namespace rollcall::cli {
namespace {

using replay::WitnessesQuestion;
using store::Errc;
using store::Failure;
namespace note = store::note;

struct Options {
  std::string listen = "127.0.0.1:8090", key, state, name, vkey, url, quorum;
  std::vector<std::string> logs;
};

Check a_vkey() {
  return [](const std::string& word) -> std::string {
    const auto key = note::Verifier::parse(word);
    return key ? std::string() : key.error().detail;
  };
}

int serve(const Options& o) {
  std::string text = store::read_file(o.key).value();
  while (text.ends_with('\n')) text.pop_back();
  const auto signer = note::Signer::parse(text).value();
  if (signer.algorithm != note::Algorithm::Cosignature)
    throw Failure(
        {Errc::BadInput, "the key is no cosigning key (key gen NAME --witness makes one)"});
  std::vector<note::Verifier> logs;
  for (const auto& vkey : o.logs) logs.push_back(note::Verifier::parse(vkey).value());
  store::make_directories(o.state).value();
  const auto colon = o.listen.rfind(':');
  const auto port = colon == std::string::npos
                        ? std::nullopt
                        : store::parse_decimal(std::string_view(o.listen).substr(colon + 1));
  if (!port || *port > 65535) usage_error("--listen is ADDRESS:PORT, not " + o.listen);
  spdlog::set_default_logger(spdlog::stderr_logger_st("witness"));  // stdout is data only
  store::Witness witness(std::filesystem::absolute(o.state), signer, logs);
  const auto handler = [&](const net::Request& request) -> net::Reply {
    if (request.method == "POST" && request.target == "/add-checkpoint") {
      auto reply = witness.add_checkpoint(
          request.body, static_cast<std::uint64_t>(store::wall_now() / 1'000'000));
      spdlog::info("add-checkpoint {}", reply.status);  // nothing of the request: it is untrusted
      return {reply.status, reply.type, reply.body};
    }
    if (request.method == "GET" && request.target.ends_with("/checkpoint") &&
        request.target.size() == 76) {
      const auto reply = witness.last_checkpoint(std::string_view(request.target).substr(1, 64));
      return {reply.status, reply.type, reply.body};
    }
    return {404, "text/plain; charset=utf-8", "not found\n"};
  };
  net::serve_http(o.listen.substr(0, colon), static_cast<std::uint16_t>(*port), handler,
                  [&](std::uint16_t bound) {
                    fmt::print("witness {} on http://{}:{}\n", signer.verifier().vkey(),
                               o.listen.substr(0, colon), bound);
                    std::fflush(stdout);
                  })
      .value();
  return 0;
}

}  // namespace

void add_witness(Command& root) {
  auto o = std::make_shared<Options>();
  Command witness = root.command(
      "witness", "cosign others' logs, and have one's own cosigned (C2SP tlog-witness)");

  Command serving = witness.command("serve", "be a witness");
  serving.required("--key", o->key, "the cosigning key's file (key gen NAME --witness)");
  serving.required("--state", o->state, "a folder for what was cosigned");
  serving.option("--log", o->logs, "the verifier key of a log to witness; may be repeated",
                 a_vkey());
  serving.option("--listen", o->listen,
                 "ADDRESS:PORT (default 127.0.0.1:8090; port 0 takes a free one)");
  serving.check([o](const Context&) {
    if (o->logs.empty()) usage_error("a witness needs at least one --log VKEY");
  });
  serving.examples(
      "  rollcall key gen witness.example/w1 --witness -O w1.key\n  rollcall witness serve --key "
      "w1.key --state w1 --log \"$(rollcall key show)\"");
  serving.run([o](Context&) { return serve(*o); });

  Command add = witness.command("add", "put a witness into this store's policy");
  add.positional("NAME", o->name, "a short name");
  add.positional("VKEY", o->vkey, "its verifier key", a_vkey());
  add.positional("URL", o->url, "its address, http://…", a_web_address());
  add.option("--quorum", o->quorum, "any, all, or how many witnesses verify demands (default: all)",
             [](const std::string& word) -> std::string {
               if (word == "any" || word == "all" || a_number(1)(word).empty()) return {};
               return fmt::format("'{}' is none of any, all and a number from 1 on", word);
             });
  add.examples(
      "  rollcall witness add w1 'witness.example/w1+20324abe+BCms…' http://127.0.0.1:8090 "
      "--quorum any");
  add.run([o](Context& context) {
    std::string policy;
    if (context.url.empty())
      policy = store::add_witness(context.layout(), {o->name, o->vkey, o->url, o->quorum}).value();
    else
      policy = std::string(call(context, "/v1/witnesses",
                                {{"name", o->name},
                                 {"key", o->vkey},
                                 {"url", o->url},
                                 {"quorum", o->quorum.empty() ? "all" : o->quorum}})
                               .at("policy")
                               .as_string());
    fmt::print("{}", printable(policy, store::LineEnds::Kept));
    return 0;
  });

  Command list = witness.command("list", "the witnesses of this store's policy");
  list.rows({"name", "key", "url"});
  list.examples("  rollcall witness list");
  list.run([](Context& context) {
    Rows rows(context, {"name", "key", "url"});
    ask(context, WitnessesQuestion{}, [&](const WitnessesQuestion::Row& w) {
      rows.add({{"name", w.name}, {"key", w.key}, {"url", w.url}});
      return true;
    });
    rows.finish();
    return 0;
  });

  Command cosign =
      witness.command("cosign", "have the newest checkpoint cosigned by every witness");
  cosign.examples("  rollcall witness cosign");
  cosign.run_writing([](Context& context) {
    int failed = 0;
    const auto tell = [&](const std::string& name, std::uint64_t size, int code,
                          const std::string& problem) {
      if (code == 0)
        fmt::print("{}  cosigned size {}\n", printable(name), size);
      else
        fmt::print(stderr, "rollcall: {}\n", printable(problem));
      failed = std::max(failed, code);
    };
    if (!context.url.empty()) {
      const auto done = call(context, "/v1/witness/cosign", {});
      for (const auto& row : done.at("witnesses").as_array())
        tell(std::string(row.at("name").as_string()), done.at("size").to_number<std::uint64_t>(),
             row.at("exit").to_number<int>(), std::string(row.at("problem").as_string()));
      return failed;
    }
    const auto layout = context.layout();
    const auto policy = store::store_policy(layout).value();
    std::vector<note::SignatureLine> lines;
    store::SignedCheckpoint made;
    {
      const auto reader = replay::Reader::open(layout).value();
      const auto newest = store::newest_checkpoint(reader.log(), layout).value();
      if (!newest.newest)
        throw Failure(
            {Errc::Incomplete, "nothing was ever signed: `rollcall checkpoint sign` signs"});
      made = *newest.newest;
      for (const auto& answer : net::ask_witnesses(reader, made, policy)) {
        if (answer.lines) lines.insert(lines.end(), answer.lines->begin(), answer.lines->end());
        tell(answer.name, made.checkpoint.size,
             answer.lines ? 0 : store::exit_code(answer.lines.error().code),
             answer.lines ? std::string() : answer.lines.error().detail);
      }
    }
    if (!lines.empty()) {
      const auto log = store::Log::open(layout, store::Log::Mode::Write).value();
      (void)store::add_cosignatures(*log, layout, made, lines).value();
    }
    return failed;
  });

  Command status =
      witness.command("status", "which witnesses cosigned the newest checkpoint, and when");
  status.rows({"name", "cosigned", "size", "age"});
  status.examples("  rollcall witness status");
  status.run([](Context& context) {
    Rows rows(context, {"name", "cosigned", "size", "age"});
    const auto all = ask(context, WitnessesQuestion{}, [&](const WitnessesQuestion::Row& w) {
      boost::json::object row{{"name", w.name}, {"cosigned", w.cosigned ? "yes" : "no"}};
      row["size"] = w.size ? boost::json::value(*w.size) : boost::json::value(nullptr);
      row["age"] = w.age ? boost::json::value(replay::short_duration(w.age->length))
                         : boost::json::value(nullptr);
      rows.add(std::move(row));
      return true;
    });
    rows.finish();
    return all.met ? 0 : 21;
  });
}

}  // namespace rollcall::cli
