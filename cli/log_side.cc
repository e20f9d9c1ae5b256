// Opening a folder, or asking a server.
#include "cli/log_side.h"

#include "cli/event_rows.h"

#include <fmt/format.h>

namespace rollcall::cli {

using replay::RootQuestion;

LogSide::LogSide(const Context& context, const std::string& where, std::string_view what)
    : context_(context), name_(where) {
  const bool url = where.starts_with("http://") || where.starts_with("https://");
  context_.url = url ? where : std::string();
  if (!url) {
    context_.data = where;
    context_.token_file.clear();
  }
  open(what);
}

LogSide::LogSide(const Context& context, std::string_view what) : context_(context) {
  go_where_served(context_);
  name_ = context.url.empty() ? context.data_folder().native() : context.url;
  open(what);
}

void LogSide::open(std::string_view what) {
  if (context_.url.empty()) {
    const replay::ReadQuestion question{
        {what, true}, {}, std::string(what), [](const replay::Reader&) {
          return std::vector<replay::UserNumber>{};
        }};
    desk_ = std::make_unique<OpenDesk>(context_, question, store::Log::Mode::Read);
  }
  log_ = ask_side(RootQuestion{}, [](const replay::NoRow&) { return true; });
}

replay::LogRoots LogSide::roots() {
  return {log_.events, [this](replay::Seq size) -> replay::Result<std::string> {
            RootQuestion q;
            q.size = size;
            return ask_side(q, [](const replay::NoRow&) { return true; }).root.value_or("");
          }};
}

replay::EventView LogSide::event(replay::Seq seq) {
  replay::EventQuestion q;
  q.seq = seq;
  std::optional<replay::EventView> out;
  (void)ask_side(q, [&](const replay::EventView& event) {
    out = event;
    return true;
  });
  if (!out) throw store::Failure({store::Errc::Io, fmt::format("{}: no event {}", name_, seq)});
  return std::move(*out);
}

const replay::Reader* LogSide::reader() const { return desk_ ? desk_->desk().reader : nullptr; }

std::string event_line(const replay::EventView& e) {
  return fmt::format("#{}  {}  {}  {}", e.header.seq, replay::short_time(e.header.at),
                     printable(e.user.empty() ? "-" : e.user), printable(sentence(e)));
}

}  // namespace rollcall::cli
