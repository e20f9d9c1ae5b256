// rollcall subject export: all that is held about a person, as JSON.
#include "cli/commands.h"
#include "cli/output.h"
#include "cli/people.h"
#include "cli/reading.h"
#include "replay/event_view.h"
#include "replay/particulars.h"
#include "replay/time_text.h"

#include <boost/json.hpp>
#include <fmt/format.h>

namespace rollcall::cli {

void add_subject(Command& root) {
  auto person = std::make_shared<Person>();
  Command subject = root.command("subject", "what is held about a person");
  Command exporting = subject.command("export", "all of it, as JSON");
  person->declare(exporting, "the user's name");
  exporting.formats({"short", "json"});
  exporting.examples("  rollcall subject export ada > ada.json");
  exporting.run_here_or_there([person](Context& context) {
    const auto reader = open_read(context, person->people(), "subject export");
    const auto number = person->find(reader);
    store::Fold fold;
    boost::json::array events, mentions, reads, holds;
    fold.advance(reader.log(), reader.last(),
                 [&](const engine::Header& h, store::ByteView, engine::Outcome, auto) {
                   using engine::Kind;
                   if (h.user == number)
                     events.push_back(replay::to_full_json(replay::view_of(reader, h)));
                   else if (replay::subject_of(h) != number)
                     return;
                   else if (h.kind == Kind::Activity)
                     mentions.push_back(replay::to_full_json(replay::view_of(reader, h)));
                   else if (h.kind == Kind::HistoryRead)
                     reads.push_back(replay::to_full_json(replay::view_of(reader, h)));
                   else  // set, released, or the request to erase
                     holds.push_back(replay::to_full_json(replay::view_of(reader, h)));
                 })
        .value();
    const engine::User& state = fold.state.users.at(number);
    boost::json::array sessions;
    for (const engine::Seq id : state.sessions) {
      const auto& s = fold.state.sessions.at(id);
      sessions.push_back(
          boost::json::object{{"session", id},
                              {"state", s.away ? "away" : "online"},
                              {"opened_at", replay::rfc3339(s.opened_at)},
                              {"last_activity_at", replay::rfc3339(s.last_activity_at)}});
    }
    boost::json::object out{{"log", reader.log().origin()},
                            {"user", reader.user_text(number)},
                            {"user_number", number},
                            {"as_of_seq", reader.last()}};
    out["state"] = boost::json::object{
        {"state", engine::name_of(state.state)},
        {"visible", engine::name_of(state.visible)},
        {"since", state.since == 0 ? "" : replay::rfc3339(state.since)},
        {"last_seen", state.last_seen == 0 ? "" : replay::rfc3339(state.last_seen)},
        {"do_not_disturb", state.do_not_disturb},
        {"forgotten", state.erased}};
    out["sessions"] = std::move(sessions);
    out["events"] = std::move(events);
    out["events_of_others_about_the_person"] = std::move(mentions);
    out["reads_of_the_persons_history"] = std::move(reads);
    out["holds_and_erasure_requests"] = std::move(holds);
    fmt::print("{}\n", json_text(out));
    return 0;
  });
}

}  // namespace rollcall::cli
