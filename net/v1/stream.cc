// A thread a stream that reads the log to its end and waits for more.
#include "net/v1/stream.h"

#include "net/v1/history_read.h"
#include "net/wire/error_reply.h"
#include "net/wire/pusher_signature.h"
#include "replay/event_json.h"
#include "store/bytes/bytes.h"
#include "store/log/codec.h"

#include <spdlog/spdlog.h>

namespace rollcall::net::inline v1 {
namespace {

using engine::Seq;

constexpr std::size_t kAhead = 1U << 20;  ///< bytes read before the reader has taken them

/// `past`: of a replay, which says so beside each seq.
void append_text(std::string& out, Seq seq, std::string_view name, std::string data, bool past) {
  if (past && data.ends_with('}')) data.replace(data.size() - 1, 1, R"(,"replay":true})");
  out += fmt::format("id: {}\nevent: {}\ndata: {}\n\n", seq, name, data);
}

void append_event(std::string& out, StreamForm form, const replay::EventView& view, bool past) {
  if (form == StreamForm::Text) {
    append_text(out, view.header.seq, engine::name_of(view.header.kind),
                json::serialize(replay::to_full_json(view)), past);
    return;
  }
  const bool shown = view.body.state == store::BodyState::Open;
  out += store::as_text(store::encode_stream_event(view.header, view.user, view.action,
                                                   shown ? &view.body.body : nullptr));
}

void append_change(std::string& out, StreamForm form, const std::string& user,
                   const Board::Change& c, bool past) {
  if (form == StreamForm::Text) {
    append_text(out, c.seq, "PresenceChanged", presence_changed(user, c), past);
    return;
  }
  out += store::as_text(store::encode_presence_changed(
      {user, std::string(edge_of(c.previous, c.now)), c.now, c.previous, c.at, c.seq}));
}

/// Events after `seq` into `out`, at most about kAhead bytes; the last seq put in.
store::Result<Seq> more(App& app, StreamForm form, Seq seq, std::string& out) {
  auto writer = app.live().reading();
  if (!writer) return store::Error{store::Errc::Io, "the log is being opened anew"};
  const auto reader = replay::Reader::beside(std::move(writer));
  RC_TRY(reader.log().scan(seq + 1, reader.last(), [&](const engine::Header& h, store::ByteView) {
    append_event(out, form, replay::view_of(reader, h), app.playback() != nullptr);
    seq = h.seq;
    return out.size() < kAhead;
  }));
  return seq;
}

store::Result<Seq> more_presence(App& app, StreamForm form, Seq seq, std::string& out) {
  const auto writer = app.live().reading();
  if (!writer) return store::Error{store::Errc::Io, "the log is being opened anew"};
  for (const auto& [number, s] : app.board().changed_after(seq)) {
    const auto name = writer->vault().name_of(number);
    if (!name) continue;
    append_change(out, form, *name, Board::last_told(number, s), app.playback() != nullptr);
    seq = s.told_seq;
    if (out.size() >= kAhead) break;  // the rest once the reader has taken this
  }
  return seq;
}

void produce(App& app, Chunks::Sink sink, StreamForm form, Seq seq, bool everything,
             const std::function<bool()>& holds) {
  BatchWaiter grown(app.batch_listeners());
  // Asked again a few times a second: a token that is revoked, a sign-out, an end that came.
  constexpr auto kLookEvery = std::chrono::milliseconds(400);
  auto looked = std::chrono::steady_clock::now();
  while (!sink.gone() && !app.stopping && !app.draining) {
    if (const auto now = std::chrono::steady_clock::now(); now - looked > kLookEvery) {
      looked = now;
      if (!holds()) break;
    }
    std::string out;
    const Seq before = seq;
    if (sink.waiting() < kAhead) {
      const auto reached =
          everything ? more(app, form, seq, out) : more_presence(app, form, seq, out);
      if (reached) seq = *reached;
      if (!out.empty() && !sink.push(std::move(out))) break;
    }
    if (seq != before) continue;
    grown.wait_for(kLookEvery);
  }
  sink.finish();
}

}  // namespace

HttpReply begin_event_stream(App& app, const Caller& caller, const HttpRequest& request,
                             StreamForm form, Chunks& chunks) {
  const bool auditor = caller.may("audit:read");
  if (!auditor && !caller.may("presence:read"))
    return problem(403, "this needs the scope audit:read or presence:read");
  const auto query = parse_query(request.query);
  const std::string* only = query ? find(*query, "only") : nullptr;
  if (only != nullptr && *only != "presence") return problem(422, "only is presence");
  const bool everything = auditor && only == nullptr;
  const std::string* after = query ? find(*query, "after") : nullptr;
  const std::string from = after != nullptr ? *after : std::string(request.header("last-event-id"));
  Seq seq = app.board().seq();
  if (!from.empty()) {
    const auto parsed = store::parse_decimal(from);
    if (!parsed) return problem(422, "after is a seq: a whole number");
    const auto reading = app.live().reading();
    const Seq last = reading ? reading->log().last() : app.board().seq();
    if (*parsed > last)
      return problem(422, fmt::format("after is {}, beyond the log's end at {}", *parsed, last));
    seq = *parsed;
  }
  if (auditor) {
    const std::string what = fmt::format("stream{}{}", everything ? "" : " --only=presence",
                                         from.empty() ? "" : " --after=" + from);
    const auto noted =
        note_read(app, caller.reader, {what, {}}, read_reason(request), Often::OnceAMinute);
    // Whatever keeps it out of the log, a reason that cannot be kept included, keeps it unanswered.
    if (!noted)
      return error_reply(noted.error(), app.layout().app_dir.native(), caller.may("admin"));
  }
  if (form == StreamForm::Text) {
    chunks.set_keepalive(":\n\n");
    (void)chunks.sink().push(":\n\n");  // the head goes out at once
  }
  const bool begun =
      app.run_aside([&app, sink = chunks.sink(), form, seq, everything, holds = caller.holds] {
        produce(app, sink, form, seq, everything, holds);
      });
  if (!begun) {
    HttpReply out = problem(503, "the server has no thread to spare for a stream: try again");
    out.headers.emplace_back("Retry-After", "5");
    return out;
  }
  HttpReply out;
  out.type = "text/event-stream";
  return out;
}

}  // namespace rollcall::net::inline v1
