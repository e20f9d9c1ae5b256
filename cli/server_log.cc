// Formatters that keep each message on one line, whatever it quotes.
#include "cli/server_log.h"

#include "net/wire/pusher_message.h"
#include "store/bytes/printable.h"

#include <spdlog/pattern_formatter.h>
#include <spdlog/sinks/stdout_sinks.h>
#include <spdlog/spdlog.h>

namespace rollcall::cli {
namespace {

/// The message as a JSON string: what it quotes must not end it.
class JsonMessage final : public spdlog::custom_flag_formatter {
 public:
  void format(const spdlog::details::log_msg& m, const std::tm&,
              spdlog::memory_buf_t& out) override {
    const std::string text =
        store::printable_json(net::json_string({m.payload.data(), m.payload.size()}));
    out.append(text.data(), text.data() + text.size());
  }
  [[nodiscard]] std::unique_ptr<custom_flag_formatter> clone() const override {
    return std::make_unique<JsonMessage>();
  }
};

/// The message on one line that says what it holds, whoever's words it quotes.
class LineMessage final : public spdlog::custom_flag_formatter {
 public:
  void format(const spdlog::details::log_msg& m, const std::tm&,
              spdlog::memory_buf_t& out) override {
    const std::string text = store::printable({m.payload.data(), m.payload.size()});
    out.append(text.data(), text.data() + text.size());
  }
  [[nodiscard]] std::unique_ptr<custom_flag_formatter> clone() const override {
    return std::make_unique<LineMessage>();
  }
};

}  // namespace

void set_up_log(const std::string& format, bool verbose) {
  auto logger = spdlog::stderr_logger_mt("rollcall");
  // Messages are made of addresses, numbers and our own words: never of bodies, names or secrets.
  auto formatter = std::make_unique<spdlog::pattern_formatter>(spdlog::pattern_time_type::utc);
  if (format == "json")
    formatter->add_flag<JsonMessage>('*').set_pattern(
        R"({"at":"%Y-%m-%dT%H:%M:%S.%fZ","level":"%l","message":%*})");
  else
    formatter->add_flag<LineMessage>('*').set_pattern("%Y-%m-%d %H:%M:%S.%e %l %*");
  logger->set_formatter(std::move(formatter));
  logger->set_level(format == "quiet" ? spdlog::level::warn
                    : verbose         ? spdlog::level::debug
                                      : spdlog::level::info);
  logger->flush_on(spdlog::level::info);
  spdlog::set_default_logger(std::move(logger));
}

}  // namespace rollcall::cli
