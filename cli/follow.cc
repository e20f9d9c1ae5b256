// On a store by following its log, on a server by its stream of lines.
#include "cli/follow.h"

#include "cli/ask.h"
#include "store/bytes/mutex.h"
#include "store/log/log_watch.h"

#include <boost/json.hpp>

#include <csignal>
#include <thread>

namespace rollcall::cli {
namespace {

using replay::EventsQuestion;
using Summary = EventsQuestion::Summary;

void follow_here(Context& context, EventsQuestion q,
                 const std::function<bool(const replay::EventView&)>& row,
                 const std::function<void(const Summary&, Followed)>& so_far) {
  store::LogWatch watch(context.layout());  // before the log is read: nothing comes between
  const auto asked = replay::read_question("audit", replay::write_value(q).as_object()).value();
  OpenDesk open(context, asked, store::Log::Mode::Follow);
  Summary last;
  do {
    open.catch_up();
    const std::uint64_t upto = open.desk().reader->last();
    if (last.upto == 0 || upto > last.upto) {
      auto s = replay::answer(open.desk(), q, replay::RowSink<replay::EventView>(row)).value();
      if (!s.cursor) s.cursor = last.cursor;
      last = std::move(s);
      so_far(last, Followed::More);
      q.limit.reset();
      q.cursor.reset();
      q.after_cursor.reset();
      q.after = last.upto;
    }
  } while (watch.wait());
  so_far(last, Followed::Ended);
}

void follow_there(Context& context, const EventsQuestion& q,
                  const std::function<bool(const replay::EventView&)>& row,
                  const std::function<void(const Summary&, Followed)>& so_far) {
  // What is printed is whole lines: the signal waits until a piece has been handled.
  store::Mutex handling;
  Summary last;
  sigset_t ends;
  ::sigemptyset(&ends);
  ::sigaddset(&ends, SIGINT);
  ::sigaddset(&ends, SIGTERM);
  ::pthread_sigmask(SIG_BLOCK, &ends, nullptr);
  std::thread([&] {
    int which = 0;
    ::sigwait(&ends, &which);
    const store::Lock guard(handling);
    so_far(last, Followed::Ended);
    std::fflush(nullptr);
    std::_Exit(0);
  }).detach();
  const auto asked = replay::read_question("audit", replay::write_value(q).as_object()).value();
  ask_there(context, "audit", asked.ask,
            {[&](const boost::json::value& value) {
               const store::Lock guard(handling);
               return row(replay::row_from_json<replay::EventView>(value).value());
             },
             [&](const boost::json::value& value) {
               const store::Lock guard(handling);
               Summary s;
               replay::read_value(value, s, "the answer", replay::Of::Answer).value();
               if (!s.cursor) s.cursor = last.cursor;
               last = std::move(s);
               so_far(last, Followed::More);
               std::fflush(stdout);
             }},
            {{"follow", true}});
  const store::Lock guard(handling);
  so_far(last, Followed::Ended);
}

}  // namespace

void follow(Context& context, const EventsQuestion& q,
            const std::function<bool(const replay::EventView&)>& row,
            const std::function<void(const Summary&, Followed)>& so_far) {
  go_where_served(context);
  if (context.url.empty())
    follow_here(context, q, row, so_far);
  else
    follow_there(context, q, row, so_far);
}

}  // namespace rollcall::cli
