// audit's filters.
#include "cli/audit_options.h"

#include "cli/moment.h"
#include "cli/people.h"

namespace rollcall::cli {

void declare_filter(Command& c, replay::EventFilter& f) {
  c.positionals("MATCH", f.match,
                "FIELD=VALUE (`audit fields` lists them) or a word to find in the texts",
                replay::match_fault);
  c.option("-S,--since", f.since, "from this moment on", a_moment());
  c.option("-U,--until", f.until, "before this moment", a_moment());
  c.option("--seq", f.seq, "A..B, only these events", a_range());
  declare_user_option(c, f, "what this one did, and what was done to them; may be repeated");
  c.flag("--causer", f.causer, "with -u: only what they did themselves");
  c.list("--session", f.session, "only these sessions (the seq of their login)", a_number(1));
  c.list("-e,--event", f.event, "only these kinds: login, logout, activity, inactivity, …",
         replay::kind_fault);
  c.list("--ip", f.ip, "only from these addresses; 10.1.* is a prefix");
  c.option("--channel", f.channel, "only who joined and left this channel; may be repeated",
           a_word());
  c.option("--subject", f.subject,
           "only what is about this one: reads, holds, others' acts; may be repeated");
  c.option("--reader", f.reader, "only reads by this one; may be repeated", a_word());
  c.option("-g,--grep", f.grep, "a regular expression over the texts", a_pattern());
  c.check([&f](const Context&) { check_range(f.since, f.until); });
}

}  // namespace rollcall::cli
