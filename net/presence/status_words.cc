// Opened anew each time: a forgotten user's words are gone at once.
#include "net/presence/status_words.h"

#include "store/vault/sealing.h"

namespace rollcall::net::inline presence {

StatusWords status_words(const store::ReadView& reading, engine::Seq status_seq) {
  StatusWords out;
  if (status_seq == 0) return out;
  const auto header = reading.log().header(status_seq);
  const auto body = reading.log().body(status_seq);
  if (!header || !*header || !body) return out;
  store::BodyOpener opener(reading.vault(), reading.layout().app);
  auto opened = opener.open(**header, *body);
  out.text = std::move(opened.body.status_text);
  out.emoji = std::move(opened.body.emoji);
  return out;
}

}  // namespace rollcall::net::inline presence
