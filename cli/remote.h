// Working against a running server: --url, tokens, its API.
#pragma once

#include "cli/command.h"

#include <boost/json/object.hpp>

#include <functional>
#include <optional>

namespace rollcall::cli {

/// The bearer token: ROLLCALL_TOKEN, else --token-file, else admin.token in the store's folder.
[[nodiscard]] std::string token_of(const Context& context);
/// URL of a path of the server, with ?app= where --app is given. `query` begins with & or is empty.
[[nodiscard]] std::string url_of(const Context& context, const std::string& path,
                                 const std::string& query = {});

/// The lines of an answer of /v1 as they come, until `line` returns false: a POST if there is a
/// body. A Failure with the server's sentence if there is none.
void stream_lines(const Context& context, const std::string& path, const std::string& query,
                  const std::optional<boost::json::object>& body,
                  const std::function<bool(std::string_view line)>& line);
/// A call of /v1 with a JSON body; throws Failure with the server's sentence.
[[nodiscard]] boost::json::object call(const Context& context, const std::string& path,
                                       const boost::json::object& body);
/// A question of /v1 (GET); throws Failure with the server's sentence.
[[nodiscard]] boost::json::object get(const Context& context, const std::string& path);
/// Server-sent events from now on, until `event` returns false: {name, data}.
enum class Follow { Everything, Presence };  ///< Presence: PresenceChanged alone
void follow_events(const Context& context,
                   const std::function<bool(std::string_view name, std::string_view data)>& event,
                   Follow what = Follow::Everything);

}  // namespace rollcall::cli
