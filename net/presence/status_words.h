// The words of a user's status, which the log keeps in the body of an event.
#pragma once

#include "store/read_view.h"

#include <string>

namespace rollcall::net::inline presence {

struct StatusWords {
  std::string text, emoji;
};
/// What a StatusSet says; empty where there is none or it cannot be opened any more.
[[nodiscard]] StatusWords status_words(const store::ReadView& reading, engine::Seq status_seq);

}  // namespace rollcall::net::inline presence
