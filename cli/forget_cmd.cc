// rollcall forget: destroy a person's key and name; the proof stays.
#include "cli/commands.h"
#include "cli/confirm.h"
#include "cli/output.h"
#include "replay/reader.h"
#include "store/files.h"
#include "store/forget.h"
#include "store/writer.h"

#include <fmt/format.h>

namespace rollcall::cli {

void add_forget(Command& root) {
  struct Options {
    std::string user, receipt;
    bool dry_run = false, yes = false, with_mentions = false;
  };
  auto o = std::make_shared<Options>();
  Command command =
      root.command("forget", "destroy a person's key and name; headers and proofs stay");
  command.positional("USER", o->user, "the user's name, or #number");
  command.flag("--with-mentions", o->with_mentions,
               "drop the texts of others' events whose target is the person, too");
  command.flag("--dry-run", o->dry_run, "only the plan; exit 7");
  command.flag("--yes", o->yes, "do not ask");
  command.option("--receipt", o->receipt,
                 "where the erasure receipt goes (default: u<number>-<seq>.tlog-proof)");
  command.examples(
      "  rollcall forget bob --reason 'Art. 17 request' --ticket DP-88\n  rollcall forget bob "
      "--dry-run");
  command.run([o](Context& context) {
    if (context.reason.empty() && !o->dry_run)
      throw store::Failure({store::Errc::BadInput, "forget needs a --reason"});
    const auto writer = store::Writer::open(context.layout()).value();
    auto number = writer->vault().number_of(o->user);
    if (!number && o->user.starts_with('#')) {
      const auto parsed = store::parse_decimal(std::string_view(o->user).substr(1));
      if (parsed && *parsed < writer->state().users.size())
        number = static_cast<store::UserNumber>(*parsed);
    }
    if (!number || *number == 0)
      throw store::Failure({store::Errc::NotFound, fmt::format("there is no user '{}'", o->user)});
    const auto plan = store::plan_forget(*writer, *number);
    fmt::print(stderr,
               "Plan: destroy the key and the name of user #{}; {} texts become unreadable, {} "
               "events stay as pseudonymous headers; {} holds.\n",
               plan.user, plan.bodies, plan.events, plan.held ? 1 : 0);
    if (!plan.mentions.empty()) {
      fmt::print(stderr, "{} events of others have this person as their target ({}):\n",
                 plan.mentions.size(),
                 o->with_mentions ? "their texts will be dropped"
                                  : "they stay; --with-mentions drops their texts");
      for (std::size_t i = 0; i < plan.mentions.size() && i < 20; ++i) {
        fmt::print(stderr, "  #{} by {}\n", plan.mentions[i].seq,
                   printable(writer->vault()
                                 .name_of(plan.mentions[i].by)
                                 .value_or(fmt::format("#{}", plan.mentions[i].by))));
      }
      if (plan.mentions.size() > 20)
        fmt::print(stderr, "  … and {} more\n", plan.mentions.size() - 20);
    }
    if (o->dry_run) return 7;
    if (plan.held)
      throw store::Failure(
          {store::Errc::Refused,
           fmt::format("a hold on user #{} forbids it (hold release ends it)", plan.user)});
    confirm("the user", o->user, o->yes);
    const auto done =
        store::forget(*writer, plan, {context.reason, context.ticket, o->with_mentions},
                      store::wall_now())
            .value();
    const std::string path = o->receipt.empty()
                                 ? fmt::format("u{}-{}.tlog-proof", plan.user, done.erased_seq)
                                 : o->receipt;
    store::replace_file(std::filesystem::absolute(path), store::render(done.receipt)).value();
    fmt::print("done  forgotten at #{}   receipt {}\n", done.erased_seq, path);
    return 0;
  });
}

}  // namespace rollcall::cli
