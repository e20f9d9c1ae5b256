// The table of paths, and what /openapi.json says of them.
#include "net/v1/questions.h"
#include "net/v1/request_values.h"
#include "replay/question/answer.h"

#include <array>

namespace rollcall::net::inline v1 {
namespace {

constexpr std::string_view kAudit = "audit:read", kAdmin = "admin", kServer = "server:admin";

constexpr auto kRoutes = std::to_array<QuestionRoute>({
    {{"GET", "/v1/presence", kAudit, "Who was here at a moment"},
     "who",
     "people",
     1000,
     true,
     "at"},
    {{"POST", "/v1/presence/proof", kAudit, "A bundle that proves one user's state at a moment"},
     "who --proof",
     "files"},
    {{"GET", "/v1/state", "presence:read", "One person's state at a moment, and why"},
     "state",
     "why"},
    {{"GET", "/v1/diff", kAudit, "Whose state differs between two moments"}, "diff", "users", 1000},
    {{"GET", "/v1/sessions", kAudit, "Sessions, newest first"}, "last", "sessions", 1000},
    {{"GET", "/v1/events", kAudit, "The events that match"}, "audit", "events", 100},
    {{"GET", "/v1/events/{seq}", kAudit, "One event"}, "show", "events"},
    {{"GET", "/v1/events/{seq}/proof", kAudit, "A receipt that the event is in the signed log"},
     "proof",
     ""},
    {{"GET", "/v1/stats", kAudit, "How often, by user, kind, hour, action or address"},
     "audit stats",
     "stats"},
    {{"GET", "/v1/fields", kAudit, "The fields of match, or the values of one"},
     "audit fields",
     "fields"},
    {{"GET", "/v1/queries", kAudit, "Who read whose history, and why"}, "audit queries", "queries"},
    {{"GET", "/v1/timeline", "presence:read", "A person's states and events over time"},
     "timeline",
     "",
     0,
     true},
    {{"GET", "/v1/transitions", kAudit, "Every change of state, in order"},
     "timeline of changes",
     "transitions",
     1000},
    {{"GET", "/v1/concurrency", kAudit, "How many were here over time, in slices"},
     "concurrency",
     "",
     0,
     true},
    {{"POST", "/v1/export", kAudit, "Events as a bundle that proves itself"}, "export", "files"},
    {{"POST", "/v1/subjects/{user}/export", kAudit, "All that is held about a person"},
     "subject export",
     ""},
    {{"POST", "/v1/subjects/export", kAudit, "The same, by name or number"}, "subject export", ""},
    {{"POST", "/v1/verify", kAudit, "Whether anybody rewrote the history"}, "verify", ""},
    {{"GET", "/v1/store", kAudit, "Size, users, last event, last signed checkpoint"},
     "store info",
     ""},
    {{"GET", "/v1/root", kAudit, "The root of the log's first events"}, "log root", ""},
    {{"GET", "/v1/gaps", kAudit, "When nobody watched"}, "store gaps", "gaps"},
    {{"GET", "/v1/replay", kAudit, "History again, event by event, checked against its digests"},
     "replay",
     "entries",
     1000},
    {{"GET", "/v1/reports/presence", kAudit, "Time online and away, by user and day"},
     "report presence",
     "presence",
     1000},
    {{"GET", "/v1/reports/sessions", kAudit, "Each session, by user, with its length"},
     "report sessions",
     "sessions",
     1000},
    {{"GET", "/v1/reports/attendance", kAudit, "Who was in which room how long"},
     "report attendance",
     "attendance",
     1000},
    {{"GET", "/v1/reports/concurrency", kAudit, "How many were online at once, over time"},
     "report concurrency",
     "slices",
     10'000},
    {{"GET", "/v1/reports/heatmap", kAudit, "How many are online at which hours of the week"},
     "report heatmap",
     "hours"},
    {{"GET", "/v1/whatif", kAudit, "History under another policy"}, "whatif", "users"},
    {{"GET", "/v1/policy", kAudit, "The time limits in force"}, "policy show", ""},
    {{"GET", "/v1/checkpoints", kAudit, "Every checkpoint ever signed"},
     "checkpoint history",
     "checkpoints"},
    {{"GET", "/v1/keys", kAudit, "The keys that sign, the newest first"}, "key show", "keys"},
    {{"GET", "/v1/holds", kAudit, "The holds there are"}, "hold list", "holds"},
    {{"GET", "/v1/retention", kAudit, "How long texts are kept"}, "retention show", "rules"},
    {{"GET", "/v1/retention/plan", kAudit, "What applying the rules would drop"},
     "retention plan",
     "plan"},
    {{"GET", "/v1/witnesses", kAudit, "Who cosigns this log, and what they cosigned"},
     "witness status",
     "witnesses"},
    {{"GET", "/v1/tiles", kAudit, "The log as static files (C2SP tlog-tiles)"},
     "tiles export",
     "files"},
    {{"GET", "/v1/snapshots", kAdmin, "The snapshots there are"}, "snapshot list", "snapshots"},
    {{"POST", "/v1/snapshots", kAdmin, "Write the state at the log's end"},
     "snapshot create",
     "snapshots"},
    {{"POST", "/v1/snapshots/verify", kAdmin, "Fold the log and compare"},
     "snapshot verify",
     "snapshots"},
    {{"POST", "/v1/snapshots/remove", kAdmin, "Remove one, or all"}, "snapshot rm", "snapshots"},
    {{"GET", "/v1/backups", kServer, "The backups in a folder of the server's machine"},
     "backup list",
     "backups"},
    {{"POST", "/v1/backups", kServer, "Copy the log into a folder of the server's machine"},
     "backup create",
     ""},
    {{"POST", "/v1/backups/verify", kServer, "Hash a backup against what was signed"},
     "backup verify",
     "findings"},
    {{"POST", "/v1/backups/prune", kServer, "Remove all but the newest backups"},
     "backup prune",
     "backups"},
});

}  // namespace

std::span<const QuestionRoute> question_routes() { return kRoutes; }

const QuestionRoute* route_of(std::string_view question) {
  const auto* found = std::find_if(kRoutes.begin(), kRoutes.end(),
                                   [&](const auto& r) { return r.question == question; });
  return found == kRoutes.end() ? nullptr : found;
}

std::optional<RoutedQuestion> find_question(const HttpRequest& request,
                                            std::string& other_methods) {
  const std::string_view method =
      request.method == "HEAD" ? "GET" : std::string_view(request.method);
  const QuestionRoute* elsewhere = nullptr;
  std::optional<RoutedQuestion> out;
  for (const QuestionRoute& route : kRoutes) {
    auto values = path_values(route.attributes.path, request.path);
    if (!values) continue;
    if (route.attributes.method != method) {
      if (!other_methods.empty()) other_methods += ", ";
      other_methods += route.attributes.method == "GET" ? "GET, HEAD" : route.attributes.method;
      continue;
    }
    json::object query;
    add_query(request, {}, query);
    if (!route.only_with.empty() && !query.contains(route.only_with)) continue;
    // A path that is written out goes before one with a name in it.
    if (elsewhere == nullptr || values->empty()) out = RoutedQuestion{&route, std::move(*values)};
    elsewhere = &route;
  }
  return out;
}

void describe_questions(json::object& paths) {
  for (const QuestionRoute& route : kRoutes) {
    const replay::Schemas schemas = replay::schemas_of(route.question);
    const Attributes& is = route.attributes;
    json::object operation{
        {"summary", is.summary},
        {"security", json::array{json::object{{"bearer", json::array{is.scope}}}}}};
    const json::object& members = schemas.question.at("properties").as_object();
    json::array parameters;
    const bool by_query = is.method != "POST";
    for (const auto& member : members) {
      const bool in_path = is_in_path(is.path, member.key());
      if (!in_path && !by_query) continue;
      bool required = in_path;
      if (const json::value* list = schemas.question.if_contains("required"))
        for (const auto& name : list->as_array())
          required = required || name == json::value(member.key());
      parameters.push_back(json::object{{"name", member.key()},
                                        {"in", in_path ? "path" : "query"},
                                        {"required", required},
                                        {"schema", member.value()}});
    }
    if (!parameters.empty()) operation["parameters"] = std::move(parameters);
    if (!by_query)
      operation["requestBody"] = json::object{
          {"content",
           json::object{{"application/json", json::object{{"schema", schemas.question}}}}}};
    json::object answer = schemas.summary;
    if (!route.rows.empty()) {
      auto& properties = answer["properties"];
      if (!properties.is_object()) properties = json::object{};
      properties.as_object()[route.rows] = json::object{{"type", "array"}, {"items", schemas.row}};
      auto& required = answer["required"];
      if (!required.is_array()) required = json::array{};
      required.as_array().emplace_back(route.rows);
    }
    operation["responses"] = json::object{
        {"200",
         json::object{{"description", "the answer; as application/x-ndjson a line a row"},
                      {"content", json::object{{"application/json",
                                                json::object{{"schema", std::move(answer)}}}}}}},
        {"default",
         json::object{
             {"description", "RFC 9457 problem details"},
             {"content",
              json::object{
                  {"application/problem+json",
                   json::object{
                       {"schema", json::object{{"$ref", "#/components/schemas/Problem"}}}}}}}}}};
    std::string method(is.method);
    for (char& c : method) c = static_cast<char>(c + 32);
    auto& item = paths[is.path];
    if (!item.is_object()) item = json::object{};
    auto& slot = item.as_object()[method];
    // GET /v1/presence is also what is so now: one operation, with the parameters of both.
    if (slot.is_object()) {
      auto& before = slot.as_object()["parameters"].as_array();
      for (auto& parameter : operation["parameters"].as_array()) {
        const bool known = std::any_of(before.begin(), before.end(), [&](const json::value& p) {
          return p.at("name") == parameter.at("name");
        });
        if (!known) before.push_back(parameter);
      }
      continue;
    }
    slot = std::move(operation);
  }
}

}  // namespace rollcall::net::inline v1
