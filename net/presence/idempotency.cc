// Keeping answers and deleting them.
#include "net/presence/idempotency.h"

#include "store/bytes/crypto.h"

#include <boost/json.hpp>
#include <fmt/format.h>

#include <algorithm>
#include <charconv>

namespace rollcall::net::inline presence {
namespace {

namespace json = boost::json;
using engine::Micros;
using store::Result;
using store::Transaction;

constexpr std::string_view kAnswer = "idem/";
constexpr std::string_view kByTime = "idem-at/";
constexpr std::size_t kTimeDigits = 20;
/// Versions up to 0.5.1 kept answers without an entry by time. Set once all have one.
constexpr std::string_view kAllSorted = "idem-sorted";

struct Answer {
  Micros at = 0;
  std::string request;
  WriteReply reply;
};

std::string digest_of(const Write& w) {
  const std::array<std::uint8_t, 1> zero{0};
  return store::hex(
      store::sha256({store::as_bytes(w.scope), zero, store::as_bytes(w.idempotency_key)}));
}

std::string answer_key(std::string_view digest) { return fmt::format("{}{}", kAnswer, digest); }

std::string time_key(Micros at, std::string_view digest) {
  return fmt::format("{}{:0{}}/{}", kByTime, at, kTimeDigits, digest);
}

std::string render(const Answer& a) {
  return json::serialize(json::object{{"at", a.at},
                                      {"request", a.request},
                                      {"seq", a.reply.seq},
                                      {"outcome", a.reply.outcome},
                                      {"presence", a.reply.presence},
                                      {"visible", a.reply.visible},
                                      {"hid", a.reply.hid},
                                      {"of_session", a.reply.of_session}});
}

std::optional<Answer> parse(std::string_view text) {
  boost::system::error_code ec;
  const json::value value = json::parse({text.data(), text.size()}, ec);
  if (ec || !value.is_object()) return std::nullopt;
  const json::object& o = value.get_object();
  const auto number = [&](const char* name) -> std::optional<std::int64_t> {
    const auto* found = o.if_contains(name);
    if (found == nullptr || !found->is_number()) return std::nullopt;
    boost::system::error_code bad;
    const auto n = found->to_number<std::int64_t>(bad);
    return bad ? std::nullopt : std::optional(n);
  };
  const auto word = [&](const char* name) -> std::optional<std::string> {
    const auto* found = o.if_contains(name);
    if (found == nullptr || !found->is_string()) return std::nullopt;
    return std::string(found->get_string());
  };
  const auto at = number("at"), seq = number("seq");
  const auto request = word("request"), outcome = word("outcome"), presence = word("presence");
  if (!at || !seq || !request || !outcome || !presence || *seq < 0) return std::nullopt;
  WriteReply reply;
  reply.seq = static_cast<engine::Seq>(*seq);
  reply.outcome = *outcome;
  reply.presence = *presence;
  // Not in what versions before 0.6 kept: whom it is not known of is shown as gone.
  reply.visible = word("visible").value_or(std::string(engine::name_of(engine::Presence::Offline)));
  const auto yes = [&](const char* name) {  // not there before 0.6
    const auto* found = o.if_contains(name);
    return found != nullptr && found->is_bool() && found->get_bool();
  };
  reply.hid = yes("hid");
  reply.of_session = yes("of_session");
  reply.repeated = true;
  return Answer{*at, *request, std::move(reply)};
}

bool run_out(Micros at, Micros now) { return now - at >= kAnswerKept; }

}  // namespace

Result<std::optional<WriteReply>> first_answer(const Transaction& transaction, const Write& asked) {
  const auto kept = transaction.remembered(answer_key(digest_of(asked)));
  if (!kept) return kept.error();
  const auto first = *kept ? parse(**kept) : std::nullopt;
  if (!first || run_out(first->at, transaction.now())) return std::optional<WriteReply>{};
  if (first->request != asked.request_digest) {
    // A refusal is not kept: nor may this show that what was said to be one was none.
    if (first->reply.hid && first->reply.of_session && !asked.sees_inside)
      return std::optional<WriteReply>{};
    return store::Error{store::Errc::BadInput, "this idempotency key was used for another request"};
  }
  return std::optional<WriteReply>(first->reply);
}

void keep_answer(Transaction& transaction, const Write& asked, const WriteReply& reply) {
  const std::string digest = digest_of(asked);
  transaction.stage_meta(answer_key(digest),
                         render({transaction.now(), asked.request_digest, reply}));
  transaction.stage_meta(time_key(transaction.now(), digest), "");
}

Result<bool> AnswerSweep::step(Transaction& transaction, std::size_t most) {
  const auto due = drop_due(transaction, most);
  if (!due) return due;
  const auto older = sort_older(transaction, most);
  if (!older) return older;
  return *due || *older;
}

Result<bool> AnswerSweep::drop_due(Transaction& transaction, std::size_t most) {
  const std::string_view from = next_due_.empty() ? kByTime : std::string_view(next_due_);
  const auto entries = transaction.writer().log().scan_meta(kByTime, from, most);
  if (!entries) return entries.error();
  for (const auto& [key, nothing] : *entries) {
    const std::string_view rest = std::string_view(key).substr(kByTime.size());
    Micros at = 0;
    const char* digits_end = rest.data() + std::min(rest.size(), kTimeDigits);
    const auto [end, ec] = std::from_chars(rest.data(), digits_end, at);
    const bool sound = ec == std::errc{} && end == digits_end && rest.size() > kTimeDigits + 1;
    if (sound && !run_out(at, transaction.now())) return false;
    next_due_ = key;
    transaction.stage_meta_gone(key);
    if (!sound) continue;
    // The key may have been used again since: that answer has its own time.
    const std::string answer = answer_key(rest.substr(kTimeDigits + 1));
    const auto kept = transaction.remembered(answer);
    if (!kept) return kept.error();
    const auto parsed = *kept ? parse(**kept) : std::nullopt;
    if (*kept && (!parsed || run_out(parsed->at, transaction.now())))
      transaction.stage_meta_gone(answer);
  }
  return entries->size() == most;
}

Result<bool> AnswerSweep::sort_older(Transaction& transaction, std::size_t most) {
  if (!all_sorted_) {
    const auto mark = transaction.writer().log().meta(kAllSorted);
    if (!mark) return mark.error();
    all_sorted_ = mark->has_value();
  }
  if (*all_sorted_) return false;
  const std::string_view from = next_older_.empty() ? kAnswer : std::string_view(next_older_);
  const auto entries = transaction.writer().log().scan_meta(kAnswer, from, most);
  if (!entries) return entries.error();
  for (const auto& [key, text] : *entries) {
    next_older_ = key + '\0';
    const auto kept = transaction.remembered(key);
    if (!kept) return kept.error();
    const auto parsed = *kept ? parse(**kept) : std::nullopt;
    if (parsed && !run_out(parsed->at, transaction.now()))
      transaction.stage_meta(time_key(parsed->at, std::string_view(key).substr(kAnswer.size())),
                             "");
    else
      transaction.stage_meta_gone(key);
  }
  if (entries->size() == most) return true;
  transaction.stage_meta(std::string(kAllSorted), "1");
  all_sorted_ = true;
  return false;
}

}  // namespace rollcall::net::inline presence
