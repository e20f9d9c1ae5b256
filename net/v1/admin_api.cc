// What the endpoints that govern do, each alone on the writer.
#include "net/v1/admin_api.h"

#include "net/access/tokens.h"
#include "net/v1/offload.h"
#include "replay/read_log.h"
#include "store/forget.h"
#include "store/govern.h"
#include "store/retention.h"

namespace rollcall::net::inline v1 {
namespace {

using store::Errc;
using store::Error;
using store::Result;

Answer<Place> hold(Call& call, engine::Kind kind, const HoldRequest& r) {
  auto work = [kind, r](store::Writer& writer, engine::Micros at) -> Result<Place> {
    const auto written = store::change_hold(writer, kind, {r.user, r.number}, r.reason.value_or(""),
                                            r.ticket.value_or(""), at);
    if (!written) return written.error();
    return Place{written->seq};
  };
  co_return co_await with_writer<Place>(call, std::move(work));
}

/// Readers hold names and keys in memory: none that was there before answers any more.
boost::asio::awaitable<void> renew_readers(Call& call) {
  auto work = [&app = call.app]() -> Result<bool> {
    app.readers().renew();
    return true;
  };
  (void)co_await offload<bool>(call, std::move(work));
}

}  // namespace

Answer<SignedNote> SignEndpoint::run(Call call, Request) {
  auto work = [](store::Writer& writer, engine::Micros at) -> Result<SignedNote> {
    const auto made = writer.sign(at);
    if (!made) return made.error();
    return SignedNote{store::note::render(made->note)};
  };
  co_return co_await with_writer<SignedNote>(call, std::move(work));
}

Answer<Place> HoldEndpoint::run(Call call, Request r) {
  co_return co_await hold(call, engine::Kind::HoldSet, r);
}

Answer<Place> ReleaseEndpoint::run(Call call, Request r) {
  co_return co_await hold(call, engine::Kind::HoldReleased, r);
}

Answer<Place> RetentionEndpoint::run(Call call, Request r) {
  const auto kind = engine::kind_of(r.kind);
  if (!kind) co_return Error{Errc::BadInput, "there is no such kind of event"};
  auto work = [kind = *kind, seconds = r.keep_seconds](store::Writer& writer,
                                                       engine::Micros at) -> Result<Place> {
    const auto written = store::set_retention(writer, kind, seconds, at);
    if (!written) return written.error();
    return Place{written->seq};
  };
  co_return co_await with_writer<Place>(call, std::move(work));
}

Answer<Place> ReadsEndpoint::run(Call call, Request r) {
  auto work = [needed = r.need_reason](store::Writer& writer, engine::Micros at) -> Result<Place> {
    const auto set = replay::set_reads_need_reason(writer, needed, at);
    if (!set) return set.error();
    return Place{writer.log().last()};
  };
  co_return co_await with_writer<Place>(call, std::move(work));
}

Answer<Dropped> RetentionApplyEndpoint::run(Call call, Request) {
  auto work = [](store::Writer& writer, engine::Micros at) -> Result<Dropped> {
    const auto plan = store::plan_retention(writer.log(), writer.ledger(), at);
    if (!plan) return plan.error();
    const auto dropped = store::apply_retention(writer, *plan, at, nullptr);
    if (!dropped) return dropped.error();
    return Dropped{*dropped};
  };
  co_return co_await with_writer<Dropped>(call, std::move(work));
}

Answer<ForgetPlanResponse> ForgetPlanEndpoint::run(Call call, Request r) {
  auto work = [r](store::Writer& writer, engine::Micros) -> Result<ForgetPlanResponse> {
    const auto user = store::find_user(writer, {r.user, r.number});
    if (!user) return user.error();
    const auto plan = store::plan_forget(writer, *user);
    ForgetPlanResponse out{plan.user, plan.bodies, plan.events, plan.held, {}};
    for (const auto& m : plan.mentions)
      out.mentions.push_back(
          {m.seq, writer.vault().name_of(m.by).value_or(fmt::format("#{}", m.by))});
    return out;
  };
  co_return co_await with_writer<ForgetPlanResponse>(call, std::move(work));
}

Answer<Forgotten> ForgetEndpoint::run(Call call, Request r) {
  if (r.reason.empty()) co_return Error{Errc::BadInput, "forgetting needs a reason"};
  auto work = [r](store::Writer& writer, engine::Micros at) -> Result<Forgotten> {
    const auto user = store::find_user(writer, {r.user, r.number});
    if (!user) return user.error();
    const auto done =
        store::forget(writer, store::plan_forget(writer, *user),
                      {r.reason, r.ticket.value_or(""), r.with_mentions.value_or(false)}, at);
    if (!done) return done.error();
    return Forgotten{*user, done->erased_seq, store::render(done->receipt)};
  };
  auto done = co_await with_writer<Forgotten>(call, std::move(work));
  if (done) co_await renew_readers(call);
  co_return done;
}

Answer<Rotated> RotateEndpoint::run(Call call, Request r) {
  if (r.what != "signing" && r.what != "epoch" && r.what != "master")
    co_return Error{Errc::BadInput, "what is signing, epoch or master"};
  // Several apps may share one master key (ROLLCALL_MASTER_KEY_FILE): it is the server's.
  if (r.what == "master" && !call.caller.may(kServerAdmin))
    co_return Error{Errc::NotPermitted, "a new master key needs the scope server:admin"};
  auto work = [what = r.what](store::Writer& writer, engine::Micros at) -> Result<Rotated> {
    if (what == "master") {  // drawn here, or the environment's: it never travels
      const auto next = store::MasterKey::next();
      if (!next) return next.error();
      const auto done = writer.vault().rotate_master(*next);
      if (!done) return done.error();
      writer.drop_cached_keys();
      return Rotated{"master"};
    }
    if (what == "epoch") {
      const auto number = writer.vault().add_epoch();
      if (!number) return number.error();
      return Rotated{fmt::format("{}", *number)};
    }
    const auto next = store::rotate_signing(writer, at);
    if (!next) return next.error();
    return Rotated{next->vkey()};
  };
  const bool of_vault = r.what == "master";
  auto done = co_await with_writer<Rotated>(call, std::move(work));
  if (done && of_vault) co_await renew_readers(call);
  co_return done;
}

}  // namespace rollcall::net::inline v1
