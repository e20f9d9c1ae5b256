// rollcall.toml: what a server is told, read and checked; and the one a first start makes.
#pragma once

#include "net/settings.h"
#include "store/errc.h"

namespace rollcall::cli {

/// Adds what the file says to `settings`. An error names file, line and key, and what it may be.
[[nodiscard]] store::Result<void> read_settings(const std::filesystem::path& file,
                                                net::Settings& settings);
/// Makes a configuration with one app (id, random key and secret), readable by its owner alone.
[[nodiscard]] store::Result<void> make_settings(const std::filesystem::path& file,
                                                const std::string& app);
/// The file's rules for host names and sites, for an option's.
[[nodiscard]] std::string wrong_site(const std::string& site);
/// "127.0.0.1:8080", "[::1]:8080", ":8080".
[[nodiscard]] store::Result<net::Endpoint> parse_endpoint(const std::string& text, bool tls);

}  // namespace rollcall::cli
