// rollcall export: events out, as rows or as a bundle that proves itself.
#include "cli/ask.h"
#include "cli/audit_options.h"
#include "cli/bundle_file.h"
#include "cli/commands.h"
#include "cli/event_rows.h"
#include "cli/whole_file.h"
#include "replay/question/events.h"
#include "replay/question/export.h"

#include <boost/json.hpp>
#include <fmt/format.h>

namespace rollcall::cli {
namespace {

const std::vector<std::string> kFormats{"bundle", "ndjson",       "json",         "csv",
                                        "raw",    "activitylog4", "activitylog5", "owenit"};

/// Events as rows, to standard output or into a file, which is there whole or not at all.
int write_rows(Context& context, const std::string& format, const std::string& out,
               const replay::EventFilter& filter) {
  Context shown = context;
  shown.output = format;
  replay::EventsQuestion q;
  static_cast<replay::EventFilter&>(q) = filter;
  WholeFile file(out);
  EventPrinter printer(shown, file.stream());
  ask(context, q, std::function<bool(const replay::EventView&)>([&](const auto& e) {
        printer.print(e);
        return true;
      }));
  printer.finish();
  file.finish();
  return 0;
}

}  // namespace

void add_export(Command& root) {
  struct Options {
    replay::BundleQuestion q;
    std::string format, out;
  };
  auto o = std::make_shared<Options>();
  Command command = root.command("export", "events as rows, or as a bundle that proves itself");
  declare_filter(command, o->q);
  command.option("--format", o->format,
                 "bundle, ndjson (default), json, csv, raw, activitylog4, activitylog5, owenit",
                 one_of(kFormats));
  command.option("--complete", o->q.complete,
                 "bundle: chain (nothing of one -u USER left out), headers (of a range), none",
                 one_of({"chain", "headers", "none"}));
  command.option("-O,--out", o->out,
                 "the file to write; of a bundle the folder or .tar; - is standard output",
                 a_word());
  command.formats({kFormats.begin() + 1, kFormats.end()},
                  [o](const Context&) -> std::vector<std::string> {
                    if (o->format == "bundle") return {};
                    return event_fields(o->format);
                  });
  command.check([o](const Context& context) {
    if (context.output_given && !o->format.empty() && context.output != o->format)
      usage_error(
          fmt::format("-o {} and --format {} contradict each other", context.output, o->format));
    if (o->format.empty()) o->format = context.output_given ? context.output : "ndjson";
    const std::string complete = o->q.complete.value_or("none");
    if (o->format != "bundle" && complete != "none")
      usage_error("--complete says what a bundle holds: it goes with --format bundle");
    if (o->format == "bundle" && o->out.empty())
      usage_error("a bundle needs -O: a folder or a .tar to make");
    if (complete == "chain" && o->q.count() != 1)
      usage_error("--complete chain is for one user: -u USER or --number N");
  });
  command.examples(
      "  rollcall export -u ada --format bundle --complete chain -O ada.tar\n"
      "  rollcall export --seq 1000..2000 --format bundle --complete headers -O range\n  rollcall "
      "export -S today --format activitylog5");
  command.run([o](Context& context) {
    if (o->format != "bundle") return write_rows(context, o->format, o->out, o->q);
    BundleTaker files;
    const auto s = ask(context, o->q, files.row());
    files.write_quietly(o->out);
    if (o->out != "-") fmt::print("{}   ", printable(o->out));
    fmt::print(o->out == "-" ? stderr : stdout, "{} events with their texts, signed at size {}\n",
               s.events, s.size);
    return 0;
  });
}

}  // namespace rollcall::cli
