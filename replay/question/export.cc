// Bundles and a person's whole record.
#include "replay/question/export.h"

#include "replay/event_json.h"
#include "replay/particulars.h"

namespace rollcall::replay::inline question {

Result<void> check(const BundleQuestion& q) {
  RC_TRY(check_filter(q));
  if (!q.complete) return {};
  RC_TRY(check_choice("complete", *q.complete, {"chain", "headers", "none"}));
  if (*q.complete == "chain" && q.count() != 1)
    return Error{Errc::BadInput, "complete chain is for one user: name one"};
  return {};
}

Result<BundleQuestion::Summary> answer(const Desk& desk, const BundleQuestion& q,
                                       const RowSink<BundleFile>& row) {
  const Reader& reader = *desk.reader;
  const auto filter = audit_filter(desk, q);
  if (!filter) return filter.error();
  BundleRequest request;
  const std::string complete = q.complete.value_or("none");
  if (complete == "chain") {
    if (filter->users.size() != 1)
      return Error{Errc::BadInput, "complete chain is for one user, not for more"};
    request.complete = Complete::Chain;
    request.user = *filter->users.begin();
  } else if (complete == "headers") {
    request.complete = Complete::Headers;
    request.from = filter->from;
    request.to = filter->to;
  }
  const auto newest = store::newest_checkpoint(reader.log(), desk.layout);
  if (!newest) return newest.error();
  const Seq covered = newest->newest ? newest->newest->checkpoint.size : 0;
  const auto audit = Audit::prepare(reader, *filter);
  if (!audit) return audit.error();
  RC_TRY(audit->run(false, [&](const EventView& e) {
    if (e.header.seq > covered) return false;  // a bundle holds what is signed
    request.bodies.push_back(e.header.seq);
    return true;
  }));
  const auto files = make_bundle(reader, request);
  if (!files) return files.error();
  (void)put_files(*files, row);
  return BundleQuestion::Summary{request.bodies.size(), covered};
}

Result<void> check(const SubjectQuestion& q) {
  if (q.user.has_value() == q.number.has_value())
    return Error{Errc::BadInput, "say who: user or number, one of them"};
  return {};
}

Result<SubjectQuestion::Summary> answer(const Desk& desk, const SubjectQuestion& q,
                                        const RowSink<NoRow>&) {
  const Reader& reader = *desk.reader;
  const auto found = q.number ? reader.find_number(*q.number) : reader.find_user(*q.user);
  if (!found) return found.error();
  const UserNumber number = *found;
  SubjectQuestion::Summary out;
  store::Fold fold;
  RC_TRY(fold.advance(
      reader.log(), reader.last(), [&](const Header& h, store::ByteView, engine::Outcome, auto) {
        using engine::Kind;
        const bool own = h.user == number;
        if (!own && subject_of(h) != number) return;
        auto& into = own                           ? out.events
                     : h.kind == Kind::Activity    ? out.events_of_others_about_the_person
                     : h.kind == Kind::HistoryRead ? out.reads_of_the_persons_history
                                                   : out.holds_and_erasure_requests;
        into.push_back(to_full_json(view_of(reader, h)));
      }));
  const engine::User& user = fold.state.users.at(number);
  for (const Seq id : user.sessions) {
    const auto& s = fold.state.sessions.at(id);
    out.sessions.push_back({id, s.away ? "away" : "online", {s.opened_at}, {s.last_activity_at}});
  }
  const auto time = [](Micros at) { return at == 0 ? std::string() : rfc3339(at); };
  out.log = reader.log().origin();
  out.user = reader.user_text(number);
  out.user_number = number;
  out.as_of_seq = reader.last();
  out.state = {std::string(engine::name_of(user.state)),
               std::string(engine::name_of(user.visible)),
               time(user.since),
               time(user.last_seen),
               user.do_not_disturb,
               user.erased};
  return out;
}

}  // namespace rollcall::replay::inline question
