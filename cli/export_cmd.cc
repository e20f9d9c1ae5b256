// rollcall export: events out, as rows or as a bundle that proves itself.
#include "cli/audit_options.h"
#include "cli/commands.h"
#include "cli/output.h"
#include "cli/reading.h"
#include "replay/bundle.h"

#include <boost/json.hpp>
#include <fmt/format.h>

namespace rollcall::cli {

void add_export(Command& root) {
  struct Options {
    AuditOptions filter;
    std::string format = "ndjson", complete = "none", out;
  };
  auto o = std::make_shared<Options>();
  Command command = root.command("export", "events as rows, or as a bundle that proves itself");
  o->filter.declare(command);
  command.option("--format", o->format,
                 "bundle, ndjson, json, csv, activitylog4, activitylog5, owenit");
  command.option("--complete", o->complete,
                 "bundle: chain (nothing of one -u USER left out), headers (of a range), none");
  command.file("-O,--out", o->out, "bundle: the folder or .tar to make; - is standard output");
  command.examples(
      "  rollcall export -u ada --format bundle --complete chain -O ada.tar\n"
      "  rollcall export --seq 1000..2000 --format bundle --complete headers -O range\n  rollcall "
      "export -S today --format activitylog5");
  command.run_here_or_there([o](Context& context) {
    using store::Errc;
    using store::Failure;
    log_read(context, o->filter.users, "export " + o->filter.describe());
    const auto reader = replay::Reader::open(context.layout()).value();
    const auto filter = o->filter.filter(reader);
    const auto audit = replay::Audit::prepare(reader, filter).value();
    if (o->format != "bundle") {
      Context rows_context = context;
      rows_context.output = o->format;
      Rows rows(rows_context,
                {"seq", "at", "kind", "cause", "user", "session", "action", "description"});
      audit
          .run(false,
               [&](const replay::EventView& e) {
                 if (o->format == "activitylog4")
                   rows.add(replay::to_activitylog4(e));
                 else if (o->format == "activitylog5")
                   rows.add(replay::to_activitylog5(e));
                 else if (o->format == "owenit")
                   rows.add(replay::to_owenit(e));
                 else
                   rows.add(replay::to_json(e));
                 return true;
               })
          .value();
      rows.finish();
      return 0;
    }
    if (o->out.empty())
      throw Failure({Errc::BadInput, "a bundle needs -O: a folder or a .tar to make"});
    replay::BundleRequest request;
    if (o->complete == "chain") {
      if (filter.users.size() != 1)
        throw Failure({Errc::BadInput, "--complete chain is for one -u USER"});
      request.complete = replay::Complete::Chain;
      request.user = *filter.users.begin();
    } else if (o->complete == "headers") {
      request.complete = replay::Complete::Headers;
      request.from = filter.from;
      request.to = filter.to;
    } else if (o->complete != "none") {
      throw Failure({Errc::BadInput, "--complete is chain, headers or none"});
    }
    const auto newest = store::newest_checkpoint(reader.log(), context.layout()).value();
    const engine::Seq covered = newest.newest ? newest.newest->checkpoint.size : 0;
    audit
        .run(false,
             [&](const replay::EventView& e) {
               if (e.header.seq > covered) return false;  // a bundle holds what is signed
               request.bodies.push_back(e.header.seq);
               return true;
             })
        .value();
    const auto files = replay::make_bundle(reader, request).value();
    replay::write_bundle(files, o->out).value();
    if (o->out != "-") fmt::print("{}   ", o->out);
    fmt::print(o->out == "-" ? stderr : stdout, "{} events with their texts, signed at size {}\n",
               request.bodies.size(), covered);
    return 0;
  });
}

}  // namespace rollcall::cli
