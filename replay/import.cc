// The two passes of an import.
#include "replay/import.h"

#include "replay/time_text.h"
#include "store/bytes/files.h"
#include "store/bytes/json_keys.h"
#include "store/log/snapshot.h"

#include <boost/json.hpp>
#include <fmt/format.h>
#include <zstd.h>

#include <cstdio>
#include <map>
#include <memory>

namespace rollcall::replay {
namespace {

using engine::Kind;
using engine::Micros;
using store::Errc;
using store::Error;
using store::Proposal;
using store::Result;
namespace json = boost::json;

struct Line {
  Micros at = 0;
  std::string session;
  Proposal proposal;
};

class LineReader {
 public:
  Result<Line> parse(std::string_view text, std::uint64_t number) {
    number_ = number;
    json::monotonic_resource arena(buffer_, sizeof buffer_);
    boost::system::error_code ec;
    const json::value value = json::parse(text, ec, &arena);
    if (ec) return bad(ec.message());
    if (!value.is_object()) return bad("not a JSON object");
    if (const auto twice = store::key_twice(text))
      return bad(store::twice_text(*twice, "the line"));
    const json::object& o = value.get_object();
    Line line;
    std::string at;
    std::string type;
    RC_TRY(take(o, "at", at));
    RC_TRY(take(o, "type", type));
    RC_TRY(take(o, "user", line.proposal.user));
    RC_TRY(take(o, "session", line.session));
    RC_TRY(take(o, "action", line.proposal.action));
    const auto time = parse_rfc3339(at);
    if (!time) return bad(time.error().detail);
    line.at = *time;
    if (type == "login")
      line.proposal.kind = Kind::Login, line.proposal.cause = engine::Cause::Login;
    else if (type == "logout")
      line.proposal.kind = Kind::Logout, line.proposal.cause = engine::Cause::Logout;
    else if (type == "activity")
      line.proposal.kind = Kind::Activity;
    else
      return bad("\"type\" is login, activity or logout");
    if (const auto named = store::check_user_name(line.proposal.user); !named)
      return bad(named.error().detail);
    if (!line.proposal.action.empty() && !store::valid_action(line.proposal.action)) {
      return bad("\"action\" is 1 to 64 of a-z, 0-9, dot, underscore and dash");
    }
    RC_TRY(body(o, line.proposal.body));
    const auto encoded = store::encode_body(line.proposal.body);
    if (!encoded) return bad(encoded.error().detail);
    return line;
  }

 private:
  Error bad(std::string_view why) const {
    return {Errc::BadInput, fmt::format("line {}: {}", number_, why)};
  }

  Result<void> take(const json::object& o, std::string_view key, std::string& out) const {
    const json::value* v = o.if_contains(key);
    if (v == nullptr || v->is_null()) return {};
    if (!v->is_string()) return bad(fmt::format("\"{}\" is not a string", key));
    out.assign(v->get_string().begin(), v->get_string().end());
    return {};
  }

  Result<void> take_object(const json::object& o, std::string_view key, std::string& out) const {
    const json::value* v = o.if_contains(key);
    if (v == nullptr || v->is_null()) return {};
    if (!v->is_object()) return bad(fmt::format("\"{}\" is not an object", key));
    out = json::serialize(*v);
    return {};
  }

  Result<void> body(const json::object& o, engine::Body& body) const {
    RC_TRY(take(o, "description", body.description));
    RC_TRY(take(o, "log_name", body.log_name));
    RC_TRY(take(o, "batch", body.batch));
    RC_TRY(take(o, "request_id", body.request_id));
    RC_TRY(take_object(o, "properties", body.properties));
    RC_TRY(take_object(o, "changes", body.changes));
    for (const std::string_view key : {"target", "context"}) {
      const json::value* v = o.if_contains(key);
      if (v == nullptr || v->is_null()) continue;
      if (!v->is_object()) return bad(fmt::format("\"{}\" is not an object", key));
      const json::object& part = v->get_object();
      if (key == "target") {
        RC_TRY(take(part, "type", body.target_type));
        RC_TRY(take(part, "id", body.target_id));
      } else {
        RC_TRY(take(part, "agent", body.agent));
        RC_TRY(take(part, "device", body.device));
        RC_TRY(take(part, "address", body.address));
        if (body.address.empty()) RC_TRY(take(part, "host", body.address));
      }
    }
    return {};
  }

  std::uint64_t number_ = 0;
  unsigned char buffer_[16384];
};

/// Calls `visit` with each line that is not blank; stops at its first error.
Result<std::uint64_t> for_each_line(
    std::string_view text,
    const std::function<Result<void>(std::string_view, std::uint64_t)>& visit) {
  std::uint64_t number = 0;
  std::uint64_t seen = 0;
  while (!text.empty()) {
    const auto end = text.find('\n');
    const std::string_view line = text.substr(0, end);
    text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
    ++number;
    if (line.find_first_not_of(" \t\r") == std::string_view::npos) continue;
    RC_TRY(visit(line, number));
    ++seen;
  }
  return seen;
}

constexpr std::size_t kEventsPerCommit = 1000;

Result<std::string> read_standard_input(std::size_t size_max) {
  std::string out;
  std::string chunk(1 << 16, '\0');
  while (true) {
    const std::size_t n = std::fread(chunk.data(), 1, chunk.size(), stdin);
    if (n == 0) break;
    out.append(chunk.data(), n);
    if (out.size() > size_max)
      return Error{Errc::BadInput, fmt::format("standard input: more than {} bytes", size_max)};
  }
  if (std::ferror(stdin) != 0) return Error{Errc::Io, "standard input cannot be read"};
  return out;
}

}  // namespace

Result<std::string> read_maybe_zst(const std::filesystem::path& path, std::size_t size_max) {
  if (path == "-") return read_standard_input(size_max);
  auto raw = store::read_file(path);
  if (!raw || path.extension() != ".zst") return raw;
  struct Free {
    void operator()(ZSTD_DCtx* c) const { ZSTD_freeDCtx(c); }
  };
  const std::unique_ptr<ZSTD_DCtx, Free> ctx{ZSTD_createDCtx()};
  std::string out;
  std::string chunk(1 << 20, '\0');
  ZSTD_inBuffer in{raw->data(), raw->size(), 0};
  std::size_t more = 0;
  while (in.pos < in.size) {
    ZSTD_outBuffer piece{chunk.data(), chunk.size(), 0};
    more = ZSTD_decompressStream(ctx.get(), &piece, &in);
    if (ZSTD_isError(more))
      return Error{Errc::BadInput, fmt::format("{}: {}", path.string(), ZSTD_getErrorName(more))};
    out.append(chunk.data(), piece.pos);
    if (out.size() > size_max)
      return Error{Errc::BadInput, fmt::format("{}: more than {} bytes when decompressed",
                                               path.string(), size_max)};
  }
  if (more != 0)
    return Error{Errc::BadInput,
                 fmt::format("{}: it ends in the middle of a frame", path.string())};
  return out;
}

Result<ImportReport> check_import(std::string_view text, Micros last_at, Micros now) {
  LineReader reader;
  ImportReport report;
  const auto lines =
      for_each_line(text, [&](std::string_view line, std::uint64_t number) -> Result<void> {
        const auto parsed = reader.parse(line, number);
        if (!parsed) return parsed.error();
        if (parsed->at < last_at) {
          return Error{
              Errc::Refused,
              report.lines == 0
                  ? fmt::format("the log has moved on to {}: an import of the past ({}) is refused",
                                rfc3339(last_at), rfc3339(parsed->at))
                  : fmt::format("line {}: it is earlier than the line before", number)};
        }
        if (parsed->at > now + 5'000'000)
          return Error{Errc::BadInput,
                       fmt::format("line {}: {} lies in the future", number, rfc3339(parsed->at))};
        last_at = parsed->at;
        ++report.lines;
        switch (parsed->proposal.kind) {
          case Kind::Login:
            ++report.logins;
            break;
          case Kind::Logout:
            ++report.logouts;
            break;
          default:
            ++report.activities;
            break;
        }
        return {};
      });
  if (!lines) return lines.error();
  report.last_at = last_at;
  return report;
}

namespace {

/// What an import that was cut short (a full disk, a crash) has put into the log.
struct Begun {
  struct Event {
    engine::Header header;
    bool applied = false;
  };
  engine::Seq first = 0;      ///< its ImportBegan
  Micros before = 0;          ///< time of the event before that
  std::vector<Event> events;  ///< those that lines became, without what timers concluded
  std::uint64_t unknown = 0;
};

/// Refused where the file was imported to its end.
Result<Begun> begun_before(const store::Writer& writer, const engine::ImportFields& file) {
  Begun out;
  bool ended = false;
  RC_TRY(
      writer.log().scan_back(1, writer.log().last(), [&](const engine::Header& h, store::ByteView) {
        ended |= h.kind == Kind::ImportEnded;
        if (h.kind == Kind::ImportBegan && engine::import_of(h).sha256 == file.sha256)
          out.first = h.seq;
        return out.first == 0;
      }));
  if (ended || out.first == 0) return Error{Errc::Refused, "this very file was imported before"};
  store::Fold fold = store::nearest_snapshot(writer.layout(), writer.log(), out.first - 1).fold;
  RC_TRY(fold.advance(writer.log(), out.first - 1));
  out.before = fold.state.at;
  RC_TRY(fold.advance(writer.log(), writer.log().last(),
                      [&](const engine::Header& h, store::ByteView, engine::Outcome outcome, auto) {
                        const bool line =
                            h.kind == Kind::Activity ||
                            (h.kind == Kind::Login && h.cause == engine::Cause::Login) ||
                            (h.kind == Kind::Logout && h.cause == engine::Cause::Logout);
                        if (!line) return;
                        if (outcome == engine::Outcome::UnknownSession) ++out.unknown;
                        out.events.push_back({h, outcome == engine::Outcome::Applied});
                      }));
  return out;
}

}  // namespace

Result<ImportReport> import_ndjson(store::Writer& writer, std::string_view text, DryRun dry_run,
                                   Micros now, const Progress& progress,
                                   const std::optional<engine::Policy>& policy) {
  const store::Hash digest = store::sha256({store::as_bytes(text)});
  Proposal began;
  began.kind = Kind::ImportBegan;
  const store::ByteView d(digest);
  const engine::ImportFields file{{store::get_be64(d), store::get_be64(d.subspan(8)),
                                   store::get_be64(d.subspan(16)), store::get_be64(d.subspan(24))}};
  engine::write_fields(began, file);
  Begun begun;
  if (writer.ledger().imports.contains({file.sha256[0], file.sha256[1]})) {
    auto found = begun_before(writer, file);
    if (!found) return found.error();
    begun = std::move(*found);
  }
  const bool again = begun.first != 0;
  if (policy && !again && writer.log().last() != 0)
    return Error{Errc::Refused,
                 "the log has begun, and its policy with it: an import sets one for a new log only "
                 "(`rollcall policy set` changes it from now on)"};
  const auto checked = check_import(text, again ? begun.before : writer.state().at, now);
  if (!checked) return checked.error();
  ImportReport report = *checked;
  report.dry_run = dry_run == DryRun::Yes;
  report.unknown = begun.unknown;
  if (report.lines == 0 || report.dry_run) return report;

  const engine::Seq before = again ? begun.first - 1 : writer.log().last();
  const auto gone_on = [&] {
    return Error{Errc::Refused,
                 fmt::format("{} of the file's {} lines were imported before and the log has gone "
                             "on since: begin again from a backup of before",
                             begun.events.size(), report.lines)};
  };
  LineReader reader;
  std::map<std::string, engine::Seq> sessions;  // user ‖ 0 ‖ the file's session → its Login
  bool first = !again;
  std::uint64_t done = 0, durable = begun.events.size();
  std::size_t gathered = 0;
  const auto written =
      for_each_line(text, [&](std::string_view line, std::uint64_t number) -> Result<void> {
        auto parsed = reader.parse(line, number);
        if (!parsed) return parsed.error();
        if (first) {
          const auto w = writer.stage(began, parsed->at);
          if (!w) return w.error();
          if (policy) {
            Proposal set;
            set.kind = Kind::PolicySet;
            engine::write_fields(set, engine::PolicyFields(*policy));
            RC_TRY(writer.stage(set, parsed->at));
          }
          first = false;
        }
        Proposal& p = parsed->proposal;
        const std::string key = p.user + '\0' + parsed->session;
        if (done < begun.events.size()) {
          const auto& [event, applied] = begun.events[done++];
          if (event.kind != p.kind || event.at != parsed->at ||
              writer.vault().number_of(p.user) != event.user)
            return gone_on();
          if (p.kind == Kind::Login && applied) sessions[key] = event.seq;
          return {};
        }
        if (again && done == begun.events.size() && parsed->at < writer.state().at)
          return gone_on();
        if (p.kind == Kind::Login)
          p.body.external_key =
              parsed->session.empty() ? std::string(store::kDefaultSession) : parsed->session;
        else if (!parsed->session.empty()) {
          const auto it = sessions.find(key);
          p.session = it == sessions.end() ? ~engine::Seq{0} : it->second;
        }
        const auto w = writer.stage(p, parsed->at);
        if (!w) return w.error();
        if (p.kind == Kind::Login && w->outcome == engine::Outcome::Applied) sessions[key] = w->seq;
        if (w->outcome == engine::Outcome::UnknownSession) ++report.unknown;
        ++done;
        if (++gathered == kEventsPerCommit) {
          gathered = 0;
          RC_TRY(writer.commit());
          durable = done;
          if (progress) progress(done, report.lines);
        }
        return {};
      });
  const auto cut_short = [&](Error error) {
    if (error.code == Errc::Io)
      error.detail += fmt::format(" ({} of {} lines are in the log: the same import goes on there)",
                                  durable, report.lines);
    return error;
  };
  if (!written) return cut_short(written.error());
  Proposal ended;
  ended.kind = Kind::ImportEnded;
  engine::write_fields(ended, engine::ImportedFields{report.lines});
  const auto w = writer.stage(ended, report.last_at);
  if (!w) return w.error();
  if (const auto all = writer.commit(); !all) return cut_short(all.error());
  const auto checkpoint = writer.sign(report.last_at);
  if (!checkpoint) return checkpoint.error();
  report.headers = writer.log().last() - before;
  if (progress) progress(report.lines, report.lines);
  return report;
}

}  // namespace rollcall::replay
