// rollcall forget: destroy a person's key and name; the proof stays.
#include "cli/commands.h"
#include "cli/confirm.h"
#include "cli/output.h"
#include "cli/people.h"
#include "cli/remote.h"
#include "cli/writing.h"
#include "replay/reader.h"
#include "store/bytes/files.h"
#include "store/forget.h"
#include "store/govern.h"
#include "store/log/event_clock.h"

#include <boost/json.hpp>
#include <fmt/format.h>

namespace rollcall::cli {

namespace {

struct Options {
  Person person;
  std::string receipt;
  bool dry_run = false, yes = false, with_mentions = false;
};

/// What is shown before anybody is asked; the same for a store and for a server.
struct Plan {
  std::uint64_t user = 0, bodies = 0, events = 0;
  bool held = false;
  std::vector<std::pair<std::uint64_t, std::string>> mentions;  ///< seq, by whom
};

Plan plan_here(const store::Writer& writer, const Person& person) {
  const auto plan = store::plan_forget(writer, store::find_user(writer, person.whom()).value());
  Plan out{plan.user, plan.bodies, plan.events, plan.held, {}};
  for (const auto& m : plan.mentions)
    out.mentions.emplace_back(m.seq,
                              writer.vault().name_of(m.by).value_or(fmt::format("#{}", m.by)));
  return out;
}

Plan plan_there(const Context& context, const Person& person) {
  const auto plan = call(context, "/v1/forget/plan", request_of(person));
  Plan out{plan.at("user").to_number<std::uint64_t>(),
           plan.at("bodies").to_number<std::uint64_t>(),
           plan.at("events").to_number<std::uint64_t>(),
           plan.at("held").as_bool(),
           {}};
  for (const auto& m : plan.at("mentions").as_array())
    out.mentions.emplace_back(m.at("seq").to_number<std::uint64_t>(),
                              std::string(m.at("by").as_string()));
  return out;
}

void show(const Plan& plan, bool with_mentions) {
  fmt::print(stderr,
             "Plan: destroy the key and the name of user #{}; {} texts become unreadable, {} "
             "events stay as pseudonymous headers; {} holds.\n",
             plan.user, plan.bodies, plan.events, plan.held ? 1 : 0);
  if (plan.mentions.empty()) return;
  fmt::print(stderr, "{} events of others have this person as their target ({}):\n",
             plan.mentions.size(),
             with_mentions ? "their texts will be dropped"
                           : "they stay; --with-mentions drops their texts");
  for (std::size_t i = 0; i < plan.mentions.size() && i < 20; ++i)
    fmt::print(stderr, "  #{} by {}\n", plan.mentions[i].first, printable(plan.mentions[i].second));
  if (plan.mentions.size() > 20) fmt::print(stderr, "  … and {} more\n", plan.mentions.size() - 20);
}

}  // namespace

void add_forget(Command& root) {
  auto o = std::make_shared<Options>();
  Command command =
      root.command("forget", "destroy a person's key and name; headers and proofs stay");
  o->person.declare(command, "the user's name");
  command.flag("--with-mentions", o->with_mentions,
               "drop the texts of others' events whose target is the person, too");
  command.flag("--dry-run", o->dry_run, "only the plan; exit 7");
  command.flag("--yes", o->yes, "do not ask");
  command.option("--receipt", o->receipt,
                 "where the erasure receipt goes (default: u<number>-<seq>.tlog-proof)");
  command.examples(
      "  rollcall forget bob --reason 'Art. 17 request' --ticket DP-88\n  rollcall forget bob "
      "--dry-run");
  command.check([o](const Context& context) {
    if (context.reason.empty() && !o->dry_run) usage_error("forget needs a --reason");
  });
  command.run_writing([o](Context& context) {
    const bool there = !context.url.empty();
    const auto writer = there ? nullptr : open_writer(context);
    const Plan plan = there ? plan_there(context, o->person) : plan_here(*writer, o->person);
    show(plan, o->with_mentions);
    if (o->dry_run) return 7;
    if (plan.held)
      throw store::Failure(
          {store::Errc::Refused,
           fmt::format("a hold on user #{} forbids it (hold release ends it)", plan.user)});
    confirm(o->person.number ? "the user's number" : "the user", o->person.typed(), o->yes);
    std::uint64_t seq = 0;
    std::string receipt;
    if (there) {
      boost::json::object body = request_of(o->person);
      body["reason"] = context.reason;
      body["with_mentions"] = o->with_mentions;
      if (!context.ticket.empty()) body["ticket"] = context.ticket;
      const auto done = call(context, "/v1/forget", body);
      seq = done.at("seq").to_number<std::uint64_t>();
      receipt = std::string(done.at("receipt").as_string());
    } else {
      const auto user = static_cast<store::UserNumber>(plan.user);
      const auto done =
          store::forget(*writer, store::plan_forget(*writer, user),
                        {context.reason, context.ticket, o->with_mentions}, store::wall_now())
              .value();
      seq = done.erased_seq;
      receipt = store::render(done.receipt);
    }
    const std::string path =
        o->receipt.empty() ? fmt::format("u{}-{}.tlog-proof", plan.user, seq) : o->receipt;
    store::replace_file(std::filesystem::absolute(path), receipt).value();
    fmt::print("done  forgotten at #{}   receipt {}\n", seq, printable(path));
    return 0;
  });
}

}  // namespace rollcall::cli
