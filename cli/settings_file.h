// rollcall.toml: reading and checking a server's settings, and creating the file at a first start.
#pragma once

#include "net/hub/settings.h"
#include "store/bytes/errc.h"

namespace rollcall::cli {

/// Adds the file's values to `settings`. An error names file, line, key and accepted values.
[[nodiscard]] store::Result<void> read_settings(const std::filesystem::path& file,
                                                net::Settings& settings);
/// Creates a configuration with one app (id, random key and secret), readable by its owner only.
[[nodiscard]] store::Result<void> make_settings(const std::filesystem::path& file,
                                                const std::string& app);
/// The file's rules for host names and sites, for the options.
[[nodiscard]] std::string wrong_site(const std::string& site);
/// "127.0.0.1:8080", "[::1]:8080", ":8080".
[[nodiscard]] store::Result<net::Endpoint> parse_endpoint(const std::string& text, bool tls);
/// The same for options: what is wrong with it; empty if nothing is.
[[nodiscard]] std::string wrong_endpoint(const std::string& text);

}  // namespace rollcall::cli
