// rollcall policy: the time limits in force: how long until Away, how long a lost connection may
// take to come back.
#include "cli/ask.h"
#include "cli/commands.h"
#include "cli/writing.h"
#include "replay/policy_setting.h"
#include "replay/question/store.h"
#include "replay/read_log.h"
#include "store/log/event_clock.h"

#include <boost/json.hpp>

namespace rollcall::cli {
namespace {

const std::vector<std::string> kMembers{"idle_after_s",  "ttl_s",        "grace_clean_s",
                                        "grace_abort_s", "grace_node_s", "grace_drain_s",
                                        "sessions_max"};

int show(const Context& context, const replay::PolicyQuestion::Summary& policy) {
  const auto all = replay::write_value(policy).as_object();
  boost::json::object row;
  for (const auto& member : kMembers)
    row[member] = all.contains(member) ? all.at(member) : boost::json::value("off");
  Rows rows(context, kMembers);
  rows.add(std::move(row));
  rows.finish();
  return 0;
}

void nobody_serves(Context& context) {
  go_where_served(context);
  if (!context.url.empty())
    throw store::Failure({store::Errc::Refused,
                          "a server has this store open, and its settings file sets the policy: "
                          "change [policy] there, or stop it"});
}

}  // namespace

void add_policy(Command& root) {
  Command policy = root.command("policy", "the time limits in force in a store");
  Command shown = policy.command("show", "how long until Away, how long a session lasts");
  shown.rows(kMembers);
  shown.examples("  rollcall policy show -o json");
  shown.run([](Context& context) { return show(context, ask(context, replay::PolicyQuestion{})); });
  auto settings = std::make_shared<std::vector<std::string>>();
  Command set = policy.command("set", "change them from now on, in a store that nobody serves");
  set.positionals("NAME=VALUE", *settings,
                  "idle_after, ttl (or off), grace_clean, grace_abort, grace_node, grace_drain: a "
                  "length like 120s; sessions_max: a number");
  set.rows(kMembers);
  set.check([settings](const Context&) {
    if (settings->empty()) usage_error("say what to set: NAME=VALUE");
    engine::Policy tried;
    for (const auto& setting : *settings)
      if (const auto done = replay::set_policy(tried, setting); !done)
        usage_error(done.error().detail);
  });
  set.examples(
      "  rollcall policy set idle_after=120s grace_abort=0s\n  rollcall policy set ttl=off");
  set.run([settings](Context& context) {
    nobody_serves(context);
    const auto writer = open_or_create_writer(context);
    engine::Policy changed = writer->state().policy;
    for (const auto& setting : *settings) replay::set_policy(changed, setting).value();
    if (!(changed == writer->state().policy)) {
      store::Proposal proposal;
      proposal.kind = engine::Kind::PolicySet;
      engine::PolicyFields fields(changed);
      fields.reads_need_reason = replay::reads_need_reason(writer->log()).value();
      engine::write_fields(proposal, fields);
      (void)writer->write(proposal, store::wall_now()).value();
    }
    return show(context, replay::summary_of(changed));
  });
}

}  // namespace rollcall::cli
