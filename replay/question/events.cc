// Audit's answers.
#include "replay/question/events.h"

#include "replay/particulars.h"

#include <algorithm>

namespace rollcall::replay::inline question {
namespace {

constexpr std::size_t kCursorMost = 400;

Result<Audit> prepare(const Desk& desk, const EventFilter& filter) {
  auto f = audit_filter(desk, filter);
  if (!f) return f.error();
  return Audit::prepare(*desk.reader, std::move(*f));
}

}  // namespace

Result<void> check(const EventsQuestion& q) {
  RC_TRY(check_filter(q));
  const int places = (q.cursor ? 1 : 0) + (q.after_cursor ? 1 : 0) + (q.after ? 1 : 0);
  if (places > 1)
    return Error{Errc::BadInput, "say where to go on once: cursor, after_cursor or after"};
  for (const auto& [member, text] :
       {std::pair("cursor", &q.cursor), std::pair("after_cursor", &q.after_cursor)})
    if (*text) RC_TRY(check_text(member, **text, kCursorMost));
  return {};
}

Result<EventsQuestion::Summary> answer(const Desk& desk, const EventsQuestion& q,
                                       const RowSink<EventView>& row) {
  const Reader& reader = *desk.reader;
  const auto asked = audit_filter(desk, q);  // a cursor is bound to it
  if (!asked) return asked.error();
  AuditFilter filter = *asked;
  const bool reverse = q.reverse.value_or(false);
  const auto& given = q.cursor ? q.cursor : q.after_cursor;
  if (given) {
    const auto at = read_cursor(reader, *asked, *given);
    if (!at) return at.error();
    if (reverse)
      filter.to = std::min(filter.to, q.cursor ? *at : *at - 1);
    else
      filter.from = std::max(filter.from, q.cursor ? *at : *at + 1);
  }
  if (q.after) filter.from = std::max(filter.from, *q.after + 1);
  const auto audit = Audit::prepare(reader, filter);
  if (!audit) return audit.error();
  EventsQuestion::Summary out;
  out.upto = reader.last();
  out.from = filter.from;
  out.to = std::min(filter.to, out.upto);
  Seq last = 0;
  bool wanted = true;
  const auto put = [&](const EventView& e) {
    last = e.header.seq;
    ++out.count;
    return wanted = row(e);
  };
  // The newest are shown in order; after a cursor it is a page that goes on from there.
  const std::uint64_t most = q.limit.value_or(~std::uint64_t{0});
  if (most == 0) {
    // None of what is there.
  } else if (q.limit && !reverse && !given && !q.after) {
    std::vector<EventView> newest;
    RC_TRY(audit->run(true, [&](const EventView& e) {
      newest.push_back(e);
      return newest.size() < most;
    }));
    std::reverse(newest.begin(), newest.end());
    for (const auto& e : newest)
      if (!put(e)) break;
  } else {
    RC_TRY(audit->run(reverse, [&](const EventView& e) { return put(e) && out.count < most; }));
  }
  if (last == 0) return out;
  auto cursor = make_cursor(reader, *asked, last);
  if (!cursor) return cursor.error();
  out.cursor = std::move(*cursor);
  return out;
}

Result<void> check(const StatsQuestion& q) {
  RC_TRY(check_filter(q));
  if (q.by) RC_TRY(check_choice("by", *q.by, {"user", "kind", "hour", "action", "ip"}));
  if (q.summary.value_or(false) && (q.by || q.limit))
    return Error{Errc::BadInput, "summary is one row for all: by and limit say nothing there"};
  return {};
}

Result<NoSummary> answer(const Desk& desk, const StatsQuestion& q,
                         const RowSink<StatsQuestion::Row>& row) {
  const auto audit = prepare(desk, q);
  if (!audit) return audit.error();
  struct Count {
    std::uint64_t events = 0;
    std::vector<bool> seen;  // by user number
    std::uint64_t users = 0;
    Micros first = 0, last = 0;
  };
  std::map<std::string, Count> counts;
  Count all;
  const auto note = [](Count& c, const Header& h) {
    ++c.events;
    if (h.user >= c.seen.size()) c.seen.resize(h.user + std::size_t{1});
    if (h.user != 0 && !c.seen[h.user]) {
      c.seen[h.user] = true;
      ++c.users;
    }
    if (c.first == 0) c.first = h.at;
    c.last = h.at;
  };
  const std::string by = q.by.value_or("kind");
  const auto value = [&](const EventView& e) -> std::string {
    if (by == "user") return e.user.empty() ? "-" : e.user;
    if (by == "kind") return std::string(engine::name_of(e.header.kind));
    if (by == "hour") return rfc3339(e.header.at).substr(0, 13) + ":00";
    if (by == "action") return e.action.empty() ? "-" : e.action;
    return e.body.body.address.empty() ? "-" : e.body.body.address;
  };
  const bool summary = q.summary.value_or(false);
  const bool needs_body = !summary && (by == "ip" || by == "action");
  RC_TRY(audit->run(
      false,
      [&](const EventView& e) {
        if (!summary) note(counts[value(e)], e.header);
        note(all, e.header);
        return true;
      },
      needs_body ? Audit::Bodies::Yes : Audit::Bodies::No));
  const auto row_of = [](const Count& c) {
    StatsQuestion::Row out;
    out.events = c.events;
    out.users = c.users;
    if (c.first != 0) out.first = Moment{c.first};
    if (c.last != 0) out.last = Moment{c.last};
    return out;
  };
  if (summary) {
    (void)row(row_of(all));
    return NoSummary{};
  }
  std::vector<std::pair<std::string, const Count*>> order;
  for (const auto& [name, count] : counts) order.emplace_back(name, &count);
  if (by != "hour")
    std::stable_sort(order.begin(), order.end(), [](const auto& a, const auto& b) {
      return a.second->events > b.second->events;
    });
  if (q.limit && order.size() > *q.limit) order.resize(*q.limit);
  for (const auto& [name, count] : order) {
    auto out = row_of(*count);
    out.value = name;
    if (!row(out)) break;
  }
  return NoSummary{};
}

Result<void> check(const FieldsQuestion& q) {
  if (!q.field) return {};
  if (const std::string fault = field_fault(*q.field); !fault.empty())
    return Error{Errc::BadInput, "field: " + fault};
  return {};
}

Result<NoSummary> answer(const Desk& desk, const FieldsQuestion& q,
                         const RowSink<FieldsQuestion::Row>& row) {
  if (!q.field) {
    for (const auto& name : audit_fields()) (void)row({name, std::nullopt});
    for (const char* name : {"properties.PATH", "changes.PATH"}) (void)row({name, std::nullopt});
    return NoSummary{};
  }
  std::map<std::string, std::uint64_t> values;
  const auto audit = Audit::prepare(*desk.reader, {});
  if (!audit) return audit.error();
  RC_TRY(audit->run(false, [&](const EventView& e) {
    const std::string value = field_text(e, *q.field).value_or("");
    if (!value.empty()) ++values[value];
    return true;
  }));
  std::vector<std::pair<std::string, std::uint64_t>> order(values.begin(), values.end());
  std::stable_sort(order.begin(), order.end(),
                   [](const auto& a, const auto& b) { return a.second > b.second; });
  for (const auto& [value, n] : order)
    if (!row({value, n})) break;
  return NoSummary{};
}

Result<void> check(const QueriesQuestion& q) {
  RC_TRY(check_filter(q));
  if (!q.event.empty())
    return Error{Errc::BadInput, "queries are of one kind: event says nothing there"};
  return {};
}

Result<NoSummary> answer(const Desk& desk, const QueriesQuestion& q,
                         const RowSink<QueriesQuestion::Row>& row) {
  auto filter = audit_filter(desk, q);
  if (!filter) return filter.error();
  filter->kinds = {engine::Kind::HistoryRead};
  const auto audit = Audit::prepare(*desk.reader, std::move(*filter));
  if (!audit) return audit.error();
  RC_TRY(audit->run(false, [&](const EventView& e) {
    const auto own = particulars(e);
    const auto text = [&](const char* name) {
      const auto* v = own.if_contains(name);
      return v != nullptr && v->is_string() ? std::string(v->get_string()) : std::string();
    };
    QueriesQuestion::Row out;
    out.seq = e.header.seq;
    out.at = {e.header.at};
    out.reader = text("reader");
    out.subject = e.subject;
    out.reason = e.body.body.reason;
    out.ticket = e.body.body.ticket;
    out.what = text("question");
    if (const auto subject = subject_of(e.header)) out.subject_number = *subject;
    return row(out);
  }));
  return NoSummary{};
}

}  // namespace rollcall::replay::inline question
