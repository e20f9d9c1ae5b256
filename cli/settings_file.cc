// Reading with toml++; every key is known, or the file is refused.
#include "cli/settings_file.h"

#include "cli/toml_section.h"
#include "net/loop/http.h"
#include "net/presence/rooms.h"
#include "net/wire/http_message.h"
#include "net/wire/jwt.h"
#include "net/wire/refusals.h"
#include "net/wire/request_head.h"
#include "store/bytes/crypto.h"
#include "store/bytes/files.h"
#include "store/log/layout.h"

#include <arpa/inet.h>
#include <fmt/format.h>

#include <algorithm>
#include <array>

namespace rollcall::cli {
namespace {

using store::Errc;
using store::Error;
using store::Result;

constexpr const char* kEndpointFault =
    "is not ADDRESS:PORT, like 127.0.0.1:8080, 0.0.0.0:443 or [::1]:8080";

/// What is wrong with a host's name, or a site, that may have * in it: what could never match.
std::optional<std::string> site_fault(const std::string& text) {
  const bool origin = text.find("://") != std::string::npos;
  const std::string_view host = origin ? net::origin_host(text) : std::string_view(text);
  if (host.empty() || host.find_first_of("/@ \t\r\n") != std::string_view::npos)
    return "is not a host's name or a site, like example.com, *.example.com or https://example.com";
  if (!origin && host.front() != '[' && std::count(host.begin(), host.end(), ':') == 1)
    return "has a port: give the name alone";
  if (std::count(host.begin(), host.end(), '*') > 4) return "has more than four *";
  return std::nullopt;
}

void read_policy(Section& s, engine::Policy& policy) {
  std::int64_t idle_s = policy.idle_after_ms / 1000;
  const std::int64_t before = idle_s;
  s.integer("idle_after", idle_s, 1, 4'000'000);
  if (s.has("idle_after") && s.has("idle_after_ms"))
    s.say("idle_after_ms", "policy: idle_after or idle_after_ms, not both");
  if (idle_s != before) policy.idle_after_ms = static_cast<std::uint32_t>(idle_s * 1000);
  s.integer("idle_after_ms", policy.idle_after_ms, 50, 4'000'000'000);
  s.integer("ttl", policy.ttl_s, 1, 100'000'000);
  s.integer("grace_clean", policy.grace_clean_s, 0, 65'535);
  s.integer("grace_abort", policy.grace_abort_s, 0, 65'535);
  s.integer("grace_node", policy.grace_node_s, 0, 65'535);
  s.integer("grace_drain", policy.grace_drain_s, 0, 65'535);
  s.integer("sessions_max", policy.sessions_max, 1, 10'000);
}

std::string secret_of(Section& s, const char* key) {
  std::string text, file;
  s.text(key, text);
  const std::string file_key = std::string(key) + "_file";
  s.text(file_key.c_str(), file);
  if (!text.empty() && !file.empty())
    s.say(file_key.c_str(), fmt::format("{} or {}, not both", key, file_key));
  if (file.empty()) return text;
  auto content = store::read_file(file);
  if (!content) {
    s.fail(file_key.c_str(), "a file that can be read: " + content.error().detail);
    return {};
  }
  while (!content->empty() && (content->back() == '\n' || content->back() == '\r'))
    content->pop_back();
  return *content;
}

void read_app(Section& s, net::AppSettings& app) {
  s.text_or_number("id", app.id);
  s.text_or_number("key", app.key);
  app.secret = secret_of(s, "secret");
  if (const auto which = s.choice("client_events", {"none", "members", "all"}))
    app.client_events = std::array{net::ClientEvents::None, net::ClientEvents::Members,
                                   net::ClientEvents::All}[*which];
  s.boolean("watchlist", app.watchlist);
  s.boolean("subscription_count", app.subscription_count);
  s.boolean("enabled", app.enabled);
  s.boolean("tls_only", app.tls_only);
  s.texts("allowed_origins", app.allowed_origins, site_fault);
  s.integer("activity_timeout", app.activity_timeout_s, 1, 86'400);
  s.integer("pong_timeout", app.pong_timeout_s, 1, 3600);
  s.integer("connections_max", app.connections_max, 0, 1'000'000);
  s.integer("channels_max", app.channels_max, 1, 100'000);
  s.integer("members_max", app.members_max, 0, 10'000'000);
  s.integer("user_info_max", app.user_info_max, 2, 1 << 20);
  s.integer("user_id_max", app.user_id_max, 1, 256);
  s.integer("event_max", app.event_max, 1, 1 << 20);
  s.integer("message_max", app.message_max, 1024, 1 << 24);
  s.integer("client_events_per_s", app.client_events_per_s, 1, 100'000);
  s.integer("watchlist_max", app.watchlist_max, 0, 100'000);
  s.integer("cache_ttl", app.cache_ttl_s, 1, 86'400);
  s.integer("sign_in_within", app.sign_in_within_s, 0, 3600);
  s.integer("member_removed_delay_ms", app.member_removed_delay_ms, 0, 600'000);
  s.integer("sign_every", app.sign_every_s, 1, 86'400);
  s.integer("snapshot_every", app.snapshot_every, 0, std::uint64_t{1} << 40);
  s.texts("attendance", app.attendance, [](const std::string& prefix) {
    constexpr std::string_view kPresence = "presence-";
    const bool fits = prefix.starts_with(kPresence) || kPresence.starts_with(prefix);
    return fits ? std::optional<std::string>()
                : "begins no presence channel's name: they begin with presence-";
  });
  s.texts("rooms", app.rooms, [](const std::string& room) {
    return net::valid_room(room) ? std::optional<std::string>()
                                 : "is not a room's name: 1 to 64 of a-z, 0-9 and dash";
  });
  if (s.choice("last_seen", {"exact", "minutes", "day", "hidden"}))
    s.text("last_seen", app.last_seen);
  s.table("policy", [&](Section& t) { read_policy(t, app.policy); });
  s.tables("webhooks", [&](Section& t) {
    net::WebhookSettings hook;
    t.text("url", hook.url);
    t.choices("events", hook.events,
              {"channel_occupied", "channel_vacated", "member_added", "member_removed",
               "client_event", "cache_miss", "subscription_count"});
    t.boolean("batch", hook.batch);
    const std::string place = net::place_of(hook.url);
    if ((!hook.url.starts_with("http://") && !hook.url.starts_with("https://")) ||
        place.ends_with('/') || hook.url.find_first_of(" \t\r\n") != std::string::npos)
      t.fail("url", "an http:// or https:// URL");
    for (const auto& other : app.webhooks)  // a URL is one cursor
      if (other.url == hook.url)
        t.say("url", "this URL has a [[apps.webhooks]] already: put the events of both into one");
    app.webhooks.push_back(std::move(hook));
  });
  s.tables("jwt", [&](Section& t) {
    net::JwtSettings jwt;
    t.text("algorithm", jwt.algorithm);
    (void)t.choice("algorithm", {"HS256", "RS256", "EdDSA"});
    jwt.key = secret_of(t, "key");
    t.text("audience", jwt.audience);
    t.text("issuer", jwt.issuer);
    if (!t.has("algorithm")) t.fail("algorithm", "given: one of HS256, RS256, EdDSA");
    if (jwt.key.empty())
      t.fail("key", "given, or key_file");
    else if (const auto fault = net::jwt_key_fault(jwt))
      t.fail(t.has("key") ? "key" : "key_file", *fault);
    if (jwt.audience.empty()) t.fail("audience", "given: tokens for somebody else are refused");
    if (jwt.issuer.empty()) t.fail("issuer", "given: tokens of somebody else are refused");
    app.jwt.push_back(std::move(jwt));
  });
  s.tables("channels", [&](Section& t) {
    net::ChannelRule rule;
    t.text("pattern", rule.pattern);
    t.texts("users", rule.users, [](const std::string& user) {
      return user.empty() ? std::optional<std::string>("is nobody's name") : std::nullopt;
    });
    if (rule.pattern.empty()) t.fail("pattern", "a channel's name, or its beginning and *");
    app.channels.push_back(std::move(rule));
  });
  if (!store::valid_app_id(app.id)) s.fail("id", store::kAppIdRule);
  if (app.key.empty() || app.key.find_first_of("/?#\\ \t\r\n") != std::string::npos)
    s.fail("key", "given, without spaces, /, ?, # and \\: it stands in an address");
  if (app.secret.empty() && !s.has("secret_file")) s.fail("secret", "given, or secret_file");
}

std::string in_lower_case(std::string text) {
  for (char& c : text)
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c + 32);
  return text;
}

std::string random_text(std::size_t bytes) {
  store::Bytes random(bytes);
  store::random_bytes(random);
  return store::hex(random);
}

}  // namespace

std::string wrong_site(const std::string& site) {
  const auto fault = site_fault(site);
  return fault ? fmt::format("'{}' {}", net::for_log(site), *fault) : std::string();
}

Result<net::Endpoint> parse_endpoint(const std::string& text, bool tls) {
  const Error bad{Errc::BadInput, fmt::format("'{}' {}", net::for_log(text), kEndpointFault)};
  const std::size_t colon = text.rfind(':');
  if (colon == std::string::npos) return bad;
  net::Endpoint out;
  out.tls = tls;
  out.address = text.substr(0, colon);
  if (out.address.starts_with('[') && out.address.ends_with(']'))
    out.address = out.address.substr(1, out.address.size() - 2);
  if (out.address.empty()) out.address = "0.0.0.0";
  std::array<unsigned char, sizeof(in6_addr)> bytes{};
  if (::inet_pton(AF_INET, out.address.c_str(), bytes.data()) != 1 &&
      ::inet_pton(AF_INET6, out.address.c_str(), bytes.data()) != 1)
    return bad;
  const auto port = store::parse_decimal(text.substr(colon + 1));
  if (!port || *port > 65'535) return bad;
  out.port = static_cast<std::uint16_t>(*port);
  return out;
}

Result<void> read_settings(const std::filesystem::path& file, net::Settings& settings) {
  const auto text = store::read_file(file);
  if (!text) return text.error();
  toml::table table;
  try {
    table = toml::parse(*text, file.string());
  } catch (const toml::parse_error& error) {
    return Error{Errc::BadInput, fmt::format("{}, line {}: {}", file.string(),
                                             error.source().begin.line, error.description())};
  }
  Section s(table, "");
  const auto endpoint_fault = [](const std::string& entry) {
    const auto endpoint = parse_endpoint(entry, false);
    return endpoint ? std::optional<std::string>() : kEndpointFault;
  };
  std::vector<std::string> listen;
  s.texts("listen", listen, endpoint_fault);
  std::vector<std::string> listen_tls;
  s.texts("listen_tls", listen_tls, endpoint_fault);
  std::string certificate, key;
  s.text("tls_cert", certificate);
  s.text("tls_key", key);
  std::string path;
  s.text("path", path);
  if (const auto prefix = net::normal_prefix(path))
    settings.path_prefix = *prefix;
  else
    s.fail("path", "a path, like /sockets");
  std::vector<std::string> proxies;
  s.texts("trusted_proxies", proxies, [](const std::string& entry) {
    return net::Networks::parse({entry}) ? std::optional<std::string>()
                                         : "is not an address or a network, like 10.0.0.7, "
                                           "10.0.0.0/8 or 2001:db8::/32";
  });
  if (auto trusted = net::Networks::parse(proxies)) settings.trusted_proxies = std::move(*trusted);
  s.boolean("proxy_protocol", settings.proxy_protocol);
  if (settings.proxy_protocol && proxies.empty())
    s.say("proxy_protocol",
          "proxy_protocol needs trusted_proxies, which are who may say for whom they speak");
  s.texts("hosts", settings.hosts, site_fault);
  s.texts("origins", settings.origins, site_fault);
  s.integer("threads", settings.threads, 0, 16);
  s.table("limits", [&](Section& t) {
    t.integer("connections", settings.connections_max, 1, 10'000'000);
    t.integer("handshakes_per_s", settings.handshakes_per_s, 0, 10'000'000);
    t.integer("handshake_timeout", settings.handshake_timeout_s, 1, 600);
    t.integer("request_bytes", settings.request_max, 1024, 1 << 30);
    t.integer("ring_bytes", settings.ring_bytes, 1024, 1 << 30);
    t.integer("outbox_bytes", settings.outbox_bytes, 4096, 1 << 30);
    t.integer("commands", settings.commands_max, 1, 1000);
    t.integer("commands_per_caller", settings.commands_per_caller, 1, 1000);
    t.integer("command_seconds", settings.command_s, 1, 86'400);
    t.integer("command_cpu_seconds", settings.command_cpu_s, 1, 86'400);
    t.integer("command_rows", settings.command_rows, 0, 1'000'000'000'000);
    t.integer("command_memory_mb", settings.command_memory_mb, 256, 1 << 20);
    std::int64_t drain = settings.drain.count();
    t.integer("drain_ms", drain, 0, 600'000);
    settings.drain = std::chrono::milliseconds(drain);
  });
  s.table("callers", [&](Section& t) {
    net::CallerLimits& c = settings.callers;
    constexpr std::int64_t kMost = 1'000'000'000;
    t.integer("writes_per_s", c.writes_per_s, 0, kMost);
    t.integer("write_bytes_per_s", c.write_bytes_per_s, 0, kMost);
    t.integer("service_writes_per_s", c.service_writes_per_s, 0, kMost);
    t.integer("service_write_bytes_per_s", c.service_write_bytes_per_s, 0, kMost);
    t.integer("questions", c.questions, 1, 10'000);
    t.integer("streams", c.streams, 1, 10'000);
    t.integer("streams_all", c.streams_all, 1, 10'000);
    t.integer("streams_reserved", c.streams_reserved, 0, 10'000);
    t.integer("failures_per_minute", c.failures_per_minute, 0, kMost);
    if (c.streams_reserved >= c.streams_all)
      t.fail("streams_reserved", "fewer than streams_all: the rest is for everybody");
  });
  s.tables("apps", [&](Section& t) {
    net::AppSettings app;
    read_app(t, app);
    for (const auto& other : settings.apps) {
      if (other.id == app.id) t.fail("id", "different for every app");
      // Where the store lies on a file system that takes both for one, they would share a folder.
      if (other.id != app.id && in_lower_case(other.id) == in_lower_case(app.id))
        t.fail("id", fmt::format("different from '{}' in more than capitals", other.id));
      if (other.key == app.key && !app.key.empty()) t.fail("key", "different for every app");
    }
    settings.apps.push_back(std::move(app));
  });
  if (const auto fault = s.finish())
    return Error{Errc::BadInput,
                 fmt::format("{}, line {}: {}", file.string(), fault->line, fault->sentence)};
  if (!certificate.empty()) settings.tls_certificate = certificate;
  if (!key.empty()) settings.tls_key = key;
  if (!listen.empty() || !listen_tls.empty()) settings.listen.clear();
  for (const auto& [list, tls] : {std::pair(&listen, false), std::pair(&listen_tls, true)}) {
    for (const auto& entry : *list) {
      auto endpoint = parse_endpoint(entry, tls);
      if (!endpoint) return endpoint.error();
      settings.listen.push_back(*endpoint);
    }
  }
  return {};
}

Result<void> make_settings(const std::filesystem::path& file, const std::string& app) {
  RC_TRY(store::make_directories(file.parent_path(), store::Secret::Yes));
  // Two first starts at once make one configuration.
  const auto lock = store::FileLock::wait(file.string() + ".lock");
  if (!lock) return lock.error();
  if (std::filesystem::exists(file)) return {};
  return store::replace_file(
      file,
      fmt::format("# What `rollcall serve` is told; docs/server.md has every setting.\n"
                  "# The secret signs for every user: keep this file to yourself.\n\n"
                  "[[apps]]\n"
                  "id = \"{}\"\n"
                  "key = \"{}\"\n"
                  "secret = \"{}\"\n"
                  "client_events = \"members\"   # none, members, all\n"
                  "watchlist = true\n"
                  "subscription_count = false\n",
                  app, random_text(10), random_text(16)),
      store::Secret::Yes);
}

std::string wrong_endpoint(const std::string& text) {
  const auto endpoint = parse_endpoint(text, false);
  return endpoint ? std::string() : endpoint.error().detail;
}

}  // namespace rollcall::cli
