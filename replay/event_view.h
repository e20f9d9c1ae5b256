// One event as shown to people and machines: with names, its body opened.
#pragma once

#include "replay/reader.h"

namespace rollcall::replay {

struct EventView {
  Header header;
  std::string user;  ///< name or #number; empty for the app itself
  std::string action;
  std::string channel;  ///< Joined, Left, ChannelNamed: the channel's name
  std::string subject;  ///< whom it is about, if that is another user: name or #number
  store::OpenedBody body;
};

[[nodiscard]] EventView view_of(const Reader& reader, const Header& header);
[[nodiscard]] EventView view_of(const Reader& reader, const Header& header, store::OpenedBody body);

/// Whom the event is about, if that is another user than the one who did it.
[[nodiscard]] std::optional<UserNumber> subject_of(const Header& header);

}  // namespace rollcall::replay
