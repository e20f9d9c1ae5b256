// One token a link, so that each can be revoked by its name.
#include "cli/sign_in_link.h"

#include "net/access/tokens.h"
#include "store/log/event_clock.h"
#include "store/writer.h"

#include <fmt/format.h>

namespace rollcall::cli {

std::string sign_in_link(const Context& context, std::string base, std::int64_t expires) {
  while (base.ends_with('/')) base.pop_back();
  const auto made = net::Tokens(context.data_folder())
                        .create(fmt::format("link-{}", store::wall_now() / 1'000),
                                context.app.empty() ? "*" : context.app, {"admin"}, expires)
                        .value();
  return fmt::format("{}/sign-in#token={}", base, made);
}

}  // namespace rollcall::cli
