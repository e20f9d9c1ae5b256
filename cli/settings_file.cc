// Reading with toml++; every key is known, or the file is refused.
#include "cli/settings_file.h"

#include "net/rooms.h"
#include "store/crypto.h"
#include "store/files.h"
#include "store/layout.h"

#include <fmt/format.h>
#include <toml++/toml.h>

#include <algorithm>
#include <set>

namespace rollcall::cli {
namespace {

using store::Errc;
using store::Error;
using store::Result;

/// One table, read key by key; what is left over at the end is unknown.
class Section {
 public:
  Section(const toml::table& table, std::string where) : table_(table), where_(std::move(where)) {}

  template <class T>
  void integer(const char* key, T& out, std::int64_t least, std::int64_t most) {
    known_.insert(key);
    const auto node = table_[key];
    if (!node) return;
    const auto value = node.value<std::int64_t>();
    if (!node.is_integer() || *value < least || *value > most)
      return fail(key, fmt::format("a whole number from {} to {}", least, most));
    out = static_cast<T>(*value);
  }
  void boolean(const char* key, bool& out) {
    known_.insert(key);
    const auto node = table_[key];
    if (!node) return;
    if (!node.is_boolean()) return fail(key, "true or false");
    out = *node.value<bool>();
  }
  void text(const char* key, std::string& out) {
    known_.insert(key);
    const auto node = table_[key];
    if (!node) return;
    if (!node.is_string()) return fail(key, "a text");
    out = *node.value<std::string>();
  }
  void texts(const char* key, std::vector<std::string>& out) {
    known_.insert(key);
    const auto node = table_[key];
    if (!node) return;
    const toml::array* list = node.as_array();
    if (list == nullptr) return fail(key, "a list of texts");
    out.clear();
    for (const auto& entry : *list) {
      if (!entry.is_string()) return fail(key, "a list of texts");
      out.push_back(*entry.value<std::string>());
    }
  }
  template <class Read>
  void tables(const char* key, const Read& read) {
    known_.insert(key);
    const auto node = table_[key];
    if (!node) return;
    const toml::array* list = node.as_array();
    if (list == nullptr) return fail(key, "tables: [[" + where_ + key + "]]");
    for (const auto& entry : *list) {
      if (!entry.is_table()) return fail(key, "tables: [[" + where_ + key + "]]");
      Section section(*entry.as_table(), where_ + key + ".");
      read(section);
      take(section);
    }
  }
  template <class Read>
  void table(const char* key, const Read& read) {
    known_.insert(key);
    const auto node = table_[key];
    if (!node) return;
    if (!node.is_table()) return fail(key, "a table: [" + where_ + key + "]");
    Section section(*node.as_table(), where_ + key + ".");
    read(section);
    take(section);
  }
  void fail(const char* key, const std::string& what) {
    if (!error_) error_ = fmt::format("{}{} must be {}", where_, key, what);
  }
  [[nodiscard]] std::optional<std::string> finish() {
    for (const auto& [key, value] : table_)
      if (!error_ && !known_.contains(std::string(key.str())))
        error_ = fmt::format("there is no setting {}{}", where_, key.str());
    return error_;
  }

 private:
  void take(Section& section) {
    if (auto error = section.finish(); error && !error_) error_ = error;
  }
  const toml::table& table_;
  std::string where_;
  std::set<std::string> known_;
  std::optional<std::string> error_;
};

void read_policy(Section& s, engine::Policy& policy) {
  std::int64_t idle_s = policy.idle_after_ms / 1000;
  const std::int64_t before = idle_s;
  s.integer("idle_after", idle_s, 1, 4'000'000);
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
  s.text((std::string(key) + "_file").c_str(), file);
  if (file.empty()) return text;
  auto content = store::read_file(file);
  if (!content) {
    s.fail(key, "in a file that can be read: " + content.error().detail);
    return {};
  }
  while (!content->empty() && (content->back() == '\n' || content->back() == '\r'))
    content->pop_back();
  return *content;
}

void read_app(Section& s, net::AppSettings& app) {
  s.text("id", app.id);
  s.text("key", app.key);
  app.secret = secret_of(s, "secret");
  std::string client_events = "members";
  s.text("client_events", client_events);
  if (client_events == "none")
    app.client_events = net::ClientEvents::None;
  else if (client_events == "all")
    app.client_events = net::ClientEvents::All;
  else if (client_events != "members")
    s.fail("client_events", "none, members or all");
  s.boolean("watchlist", app.watchlist);
  s.boolean("subscription_count", app.subscription_count);
  s.boolean("enabled", app.enabled);
  s.boolean("tls_only", app.tls_only);
  s.texts("allowed_origins", app.allowed_origins);
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
  s.texts("attendance", app.attendance);
  s.texts("rooms", app.rooms);
  for (const auto& room : app.rooms)
    if (!net::valid_room(room)) s.fail("rooms", "names of 1 to 64 of a-z, 0-9 and dash");
  s.text("last_seen", app.last_seen);
  if (app.last_seen != "exact" && app.last_seen != "minutes" && app.last_seen != "day" &&
      app.last_seen != "hidden")
    s.fail("last_seen", "exact, minutes, day or hidden");
  s.table("policy", [&](Section& t) { read_policy(t, app.policy); });
  s.tables("webhooks", [&](Section& t) {
    net::WebhookSettings hook;
    t.text("url", hook.url);
    t.texts("events", hook.events);
    t.boolean("batch", hook.batch);
    if (!hook.url.starts_with("http://") && !hook.url.starts_with("https://"))
      t.fail("url", "an http:// or https:// URL");
    app.webhooks.push_back(std::move(hook));
  });
  s.tables("jwt", [&](Section& t) {
    net::JwtSettings jwt;
    t.text("algorithm", jwt.algorithm);
    jwt.key = secret_of(t, "key");
    t.text("audience", jwt.audience);
    t.text("issuer", jwt.issuer);
    if (jwt.algorithm != "HS256" && jwt.algorithm != "RS256" && jwt.algorithm != "EdDSA")
      t.fail("algorithm", "HS256, RS256 or EdDSA");
    if (jwt.key.empty()) t.fail("key", "given, or key_file");
    if (jwt.audience.empty()) t.fail("audience", "given: tokens for somebody else are refused");
    if (jwt.issuer.empty()) t.fail("issuer", "given: tokens of somebody else are refused");
    app.jwt.push_back(std::move(jwt));
  });
  s.tables("channels", [&](Section& t) {
    net::ChannelRule rule;
    t.text("pattern", rule.pattern);
    t.texts("users", rule.users);
    if (rule.pattern.empty()) t.fail("pattern", "a channel's name, or its beginning and *");
    app.channels.push_back(std::move(rule));
  });
  if (!store::valid_app_id(app.id)) s.fail("id", "1 to 64 of a-z, 0-9, _ and -");
  if (app.key.empty()) s.fail("key", "given");
  if (app.secret.empty()) s.fail("secret", "given, or secret_file");
}

std::string random_text(std::size_t bytes) {
  store::Bytes random(bytes);
  store::random_bytes(random);
  return store::hex(random);
}

}  // namespace

Result<net::Endpoint> parse_endpoint(const std::string& text, bool tls) {
  const Error bad{Errc::BadInput,
                  fmt::format("'{}' is not ADDRESS:PORT, like 127.0.0.1:8080 or [::1]:8080", text)};
  const std::size_t colon = text.rfind(':');
  if (colon == std::string::npos) return bad;
  net::Endpoint out;
  out.tls = tls;
  out.address = text.substr(0, colon);
  if (out.address.starts_with('[') && out.address.ends_with(']'))
    out.address = out.address.substr(1, out.address.size() - 2);
  if (out.address.empty()) out.address = "0.0.0.0";
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
  std::vector<std::string> listen;
  s.texts("listen", listen);
  std::vector<std::string> listen_tls;
  s.texts("listen_tls", listen_tls);
  std::string certificate, key;
  s.text("tls_cert", certificate);
  s.text("tls_key", key);
  s.text("path", settings.path_prefix);
  s.texts("hosts", settings.hosts);
  s.texts("origins", settings.origins);
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
    t.integer("command_memory_mb", settings.command_memory_mb, 256, 1 << 20);
    std::int64_t drain = settings.drain.count();
    t.integer("drain_ms", drain, 0, 600'000);
    settings.drain = std::chrono::milliseconds(drain);
  });
  s.tables("apps", [&](Section& t) {
    net::AppSettings app;
    read_app(t, app);
    for (const auto& other : settings.apps) {
      if (other.id == app.id) t.fail("id", "different for every app");
      if (other.key == app.key) t.fail("key", "different for every app");
    }
    settings.apps.push_back(std::move(app));
  });
  if (const auto error = s.finish())
    return Error{Errc::BadInput, fmt::format("{}: {}", file.string(), *error)};
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

}  // namespace rollcall::cli
