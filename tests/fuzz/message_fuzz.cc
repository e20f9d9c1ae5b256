// What clients say: messages, channel_data, user_data, names, socket ids.
#include "net/wire/channel_name.h"
#include "net/wire/json_text.h"
#include "net/wire/pusher_message.h"
#include "net/wire/socket_id.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace rollcall::net;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  if (const auto message = parse_client_message(text)) {
    // What is relayed must itself be JSON, whatever came in.
    const std::string relayed =
        message::client_event(message->event, message->channel, message->raw_data, "u");
    const auto again = parse_json(relayed);
    if (!again || !again->is_object()) __builtin_trap();
  }
  if (const auto identity = parse_channel_data(text)) {
    if (!parse_json(identity->info)) __builtin_trap();
  }
  (void)parse_user_data(text);
  if (channel_kind(text) && user_of_presence_channel(text) &&
      *presence_channel_of(*user_of_presence_channel(text)) != text)
    __builtin_trap();
  (void)parse_socket_id(text);
  return 0;
}
