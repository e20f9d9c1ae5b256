// Creating, listing, restoring and pruning backups.
#include "store/backup.h"

#include "store/bytes/files.h"
#include "store/erasures.h"
#include "store/log/log.h"
#include "store/writer.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <thread>

namespace rollcall::store {
namespace {

namespace fs = std::filesystem;

Result<void> copy_durably(const fs::path& from, const fs::path& to, Secret secret = Secret::No) {
  const auto content = read_file(from);
  if (!content) return content.error();
  return replace_file(to, *content, secret);
}

Result<std::set<UserNumber>> union_of(const std::vector<fs::path>& lists) {
  std::set<UserNumber> out;
  for (const fs::path& list : lists) {
    const auto numbers = read_erasures(list);
    if (!numbers) return numbers.error();
    out.insert(numbers->begin(), numbers->end());
  }
  return out;
}

std::string render(const BackupInfo& info) {
  return with_sum(fmt::format("app {}\norigin {}\nsize {}\nroot {}\ntaken_at {}\n", info.app,
                              info.origin, info.size, base64(info.root), info.taken_at));
}

/// Notes where copies lie, before the first is made: an erasure must reach them all.
Result<void> remember(const Layout& layout, std::string_view what, const fs::path& directory) {
  const std::string line = fmt::format("{} {}\n", what, directory.string());
  const auto there = read_backup_folders(layout);
  if (!there) return there.error();
  if (("\n" + *there).find("\n" + line) != std::string::npos) return {};
  return replace_file(layout.backups(), with_sum(*there + line));
}

/// The list beside the backups holds everybody who was ever forgotten here or there. Somebody who
/// is being forgotten meanwhile is put on the store's own list first: so it is looked at again.
Result<void> note_erased(const Layout& layout, const fs::path& directory) {
  const auto lock = lock_copies(directory);
  if (!lock) return lock.error();
  const fs::path list = directory / "erasures";
  for (;;) {
    const auto erased = union_of({layout.erasures(), list});
    if (!erased) return erased.error();
    RC_TRY(write_erasures(list, *erased));
    const auto since = read_erasures(layout.erasures());
    if (!since) return since.error();
    if (std::includes(erased->begin(), erased->end(), since->begin(), since->end())) return {};
  }
}

/// The vault's copy, without whoever was forgotten while it was made.
Result<void> copy_vault(const Layout& layout, const fs::path& to) {
  RC_TRY(make_directories(to.parent_path(), Secret::Yes));
  const auto lock = lock_copies(to.parent_path());
  if (!lock) return lock.error();
  RC_TRY(copy_durably(layout.vault() / "records", to, Secret::Yes));
  // On the store's list before the key goes: whoever is not on it yet finds this copy himself.
  const auto erased = read_erasures(layout.erasures());
  if (!erased) return erased.error();
  return erased->empty() ? Result<void>{} : Vault::scrub_copy(to, *erased);
}

/// What is made aside goes away again where it does not become whole: on a full disk a half is of
/// no use and takes the room.
struct Unfinished {
  fs::path path;  ///< renamed once it is whole
  ~Unfinished() {
    std::error_code ec;
    fs::remove_all(path, ec);
  }
};

bool valid_name(std::string_view name) {
  return !name.empty() && name.size() <= 100 && name.front() != '.' &&
         std::all_of(name.begin(), name.end(), [](char c) {
           return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                  c == '-' || c == '_' || c == '.';
         });
}

}  // namespace

Result<FileLock> lock_copies(const fs::path& directory) {
  constexpr auto kPatience = std::chrono::seconds(60);
  const fs::path file = directory / ".lock";
  const auto end = std::chrono::steady_clock::now() + kPatience;
  for (;;) {
    auto lock = FileLock::try_lock(file);
    if (!lock) return lock.error();
    if (*lock) return std::move(**lock);
    if (std::chrono::steady_clock::now() > end)
      return Error{Errc::Conflict, fmt::format("another process holds {}", file.string())};
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
  }
}

Result<std::string> read_backup_folders(const Layout& layout) {
  if (!fs::exists(layout.backups())) return std::string();
  const auto text = read_file(layout.backups());
  if (!text) return text.error();
  auto whole = without_sum(*text);
  if (!whole)
    return Error{Errc::Incomplete,
                 fmt::format("{}: damaged, or edited by hand (look at its folders, then take out "
                             "its last line): an erasure must reach every backup",
                             layout.backups().string())};
  return std::move(*whole);
}

Layout layout_of(const BackupInfo& backup) { return {backup.path, backup.app}; }

Result<BackupInfo> create_backup(const Layout& layout, const BackupRequest& request) {
  if (!valid_name(request.name))
    return Error{Errc::BadInput,
                 "a backup's name is 1 to 100 of A-Z, a-z, 0-9, dot, dash and underscore"};
  const fs::path path = request.directory / request.name;
  if (present(path)) return Error{Errc::Refused, fmt::format("{} exists", path.string())};
  // The numbers of the forgotten first: whoever finds the backup finds at least this list.
  RC_TRY(make_directories(request.directory));
  RC_TRY(remember(layout, "data", request.directory));
  RC_TRY(note_erased(layout, request.directory));
  if (!request.vault_directory.empty()) RC_TRY(remember(layout, "vault", request.vault_directory));
  const fs::path aside = request.directory / (".making-" + request.name);
  const Unfinished unfinished{aside};
  std::error_code ec;
  fs::remove_all(aside, ec);
  RC_TRY(make_directories(aside / "keys"));
  // With the writer's lock free, hard links; beside a live writer, a copy of what is durable.
  auto log = Log::open(layout, Log::Mode::Write);
  if (!log && log.error().code == Errc::Conflict) log = Log::open(layout, Log::Mode::Read);
  if (!log) return log.error();
  RC_TRY((*log)->copy_to(aside / "log"));
  // The file `checkpoint` may be of a later size by now: the one that goes with the copy is in it.
  const auto newest = (*log)->last_meta("checkpoint/");
  if (!newest) return newest.error();
  if (*newest) RC_TRY(replace_file(aside / "checkpoint", (*newest)->second));
  // After the log: keys only become more, and what signed the copy is among them.
  RC_TRY(copy_durably(layout.trusted(), aside / "keys" / "trusted"));
  if (present(layout.policy())) RC_TRY(copy_durably(layout.policy(), aside / "keys" / "policy"));
  BackupInfo info;
  info.name = request.name;
  info.app = layout.app;
  info.origin = (*log)->origin();
  info.size = (*log)->last();
  info.taken_at = request.taken_at;
  info.path = path;
  const auto root = (*log)->root_at(info.size);
  if (!root) return root.error();
  info.root = *root;
  RC_TRY(replace_file(aside / "backup", render(info)));
  if (request.check) RC_TRY(request.check({aside, layout.app}, info));
  if (!request.vault_directory.empty())  // after the log: names are there before their events
    RC_TRY(copy_vault(layout, request.vault_directory / request.name));
  RC_TRY(note_erased(layout, request.directory));
  fs::rename(aside, path, ec);
  if (ec) {
    std::error_code left;
    if (!request.vault_directory.empty()) fs::remove(request.vault_directory / request.name, left);
    return Error{Errc::Io, fmt::format("cannot rename {}: {}", aside.string(), ec.message())};
  }
  RC_TRY(sync_directory(request.directory));
  return info;
}

namespace {

/// The facts that render() wrote.
Result<BackupInfo> parse_facts(const fs::path& file) {
  const auto text = read_file(file);
  if (!text) return text.error();
  BackupInfo info;
  const auto whole = without_sum(*text);
  if (!whole) return Error{Errc::Incomplete, fmt::format("{}: damaged", file.string())};
  std::string_view rest = *whole;
  while (!rest.empty()) {
    const auto end = rest.find('\n');
    const std::string_view line = rest.substr(0, end);
    const auto space = line.find(' ');
    if (space == std::string_view::npos || end == std::string_view::npos)
      return Error{Errc::Incomplete, fmt::format("{}: damaged", file.string())};
    const std::string_view key = line.substr(0, space);
    const std::string value(line.substr(space + 1));
    if (key == "app")
      info.app = value;
    else if (key == "origin")
      info.origin = value;
    else if (key == "size")
      info.size = parse_decimal(value).value_or(0);
    else if (key == "taken_at")
      info.taken_at = value;
    else if (key == "root") {
      const auto root = from_base64(value);
      if (root && root->size() == 32) std::copy(root->begin(), root->end(), info.root.begin());
    }
    rest.remove_prefix(end + 1);
  }
  if (!valid_app_id(info.app))
    return Error{Errc::Incomplete, fmt::format("{}: damaged", file.string())};
  return info;
}

}  // namespace

Result<void> check_restored(const Layout& layout) {
  if (!fs::exists(layout.restored())) return {};
  const auto facts = parse_facts(layout.restored());
  if (!facts) return facts.error();
  return {};
}

Result<BackupInfo> read_backup(const fs::path& path) {
  auto info = parse_facts(path / "backup");
  if (!info && info.error().code == Errc::NotFound)
    return Error{Errc::NotFound, fmt::format("{} is no backup", path.string())};
  if (!info) return info;
  info->path = path;
  info->name = path.filename().string();
  return info;
}

Result<std::vector<BackupInfo>> list_backups(const fs::path& directory) {
  std::vector<BackupInfo> out;
  std::error_code ec;
  for (const auto& entry : fs::directory_iterator(directory, ec)) {
    if (!entry.is_directory() || entry.path().filename().string().starts_with('.')) continue;
    auto info = read_backup(entry.path());
    if (info) out.push_back(std::move(*info));
  }
  if (ec)
    return Error{Errc::NotFound,
                 fmt::format("cannot read {}: {}", directory.string(), ec.message())};
  std::sort(out.begin(), out.end(), [](const auto& a, const auto& b) {
    return std::tie(a.taken_at, a.name) < std::tie(b.taken_at, b.name);
  });
  return out;
}

Result<std::vector<std::string>> prune_backups(const fs::path& directory, std::size_t keep,
                                               bool dry_run) {
  const auto backups = list_backups(directory);
  if (!backups) return backups.error();
  std::vector<std::string> removed;
  for (std::size_t i = 0; i + keep < backups->size(); ++i) {
    removed.push_back((*backups)[i].name);
    if (dry_run) continue;
    std::error_code ec;
    fs::remove_all((*backups)[i].path, ec);
    if (ec)
      return Error{Errc::Io,
                   fmt::format("cannot remove {}: {}", (*backups)[i].path.string(), ec.message())};
  }
  return removed;
}

Result<void> restore_backup(const Layout& layout, const RestoreRequest& request) {
  if (exists(layout))
    return Error{Errc::Refused, fmt::format("{} holds a log: restore into a folder that holds none",
                                            layout.app_dir.string())};
  const auto info = read_backup(request.backup);
  if (!info) return info.error();
  const Layout aside{layout.app_dir.string() + ".restoring", layout.app};
  const Unfinished unfinished{aside.app_dir};
  std::error_code ec;
  fs::remove_all(aside.app_dir, ec);
  RC_TRY(make_directories(aside.app_dir, Secret::Yes));
  RC_TRY(make_directories(aside.keys(), Secret::Yes));
  RC_TRY(make_directories(aside.vault(), Secret::Yes));
  fs::copy(request.backup / "log", aside.log(), fs::copy_options::recursive, ec);
  if (ec)
    return Error{Errc::Io, fmt::format("cannot copy {}: {}", (request.backup / "log").string(),
                                       ec.message())};
  RC_TRY(copy_durably(request.backup / "keys" / "trusted", aside.trusted()));
  if (present(request.backup / "checkpoint"))
    RC_TRY(copy_durably(request.backup / "checkpoint", aside.checkpoint()));
  RC_TRY(copy_durably(request.vault, aside.vault() / "records", Secret::Yes));
  if (!request.master_key.empty())
    RC_TRY(copy_durably(request.master_key, aside.vault() / "master.key", Secret::Yes));
  // Whoever was forgotten since is forgotten here before a name or a body can be read.
  auto lists = request.erasures;
  lists.push_back(request.backup.parent_path() / "erasures");
  const auto erased = union_of(lists);
  if (!erased) return erased.error();
  RC_TRY(write_erasures(aside.erasures(), *erased));
  auto vault = Vault::open(aside.vault(), info->app);
  if (!vault) return vault.error();
  RC_TRY(vault->forget(*erased));
  RC_TRY(replace_file(aside.restored(), render(*info)));
  fs::create_directories(layout.app_dir.parent_path(), ec);
  fs::rename(aside.app_dir, layout.app_dir, ec);
  if (ec)
    return Error{Errc::Io,
                 fmt::format("cannot rename {}: {}", aside.app_dir.string(), ec.message())};
  return sync_directory(layout.app_dir.parent_path());
}

Result<void> continue_restored(Writer& writer) {
  const Layout& layout = writer.layout();
  EventLog& log = writer.log();
  // From the file, not from the log: a crash may have come between the new origin and its first
  // event.
  const auto facts = parse_facts(layout.restored());
  if (!facts) return facts.error();
  const std::string old_origin = facts->origin;
  const auto history = checkpoint_history(log);
  if (!history) return history.error();
  std::array<std::uint8_t, 4> id;
  random_bytes(id);
  // A second restore of the same log gets another suffix in the same place.
  const std::string stem = old_origin.substr(0, old_origin.rfind("/r-"));
  const std::string origin = fmt::format("{}/r-{}", stem, hex(id));
  Proposal continued;
  continued.kind = engine::Kind::LogContinued;
  engine::write_fields(continued, engine::ContinuedFields{log.last()});
  continued.body.detail = fmt::format("{{\"origin\":\"{}\",\"size\":{},\"root\":\"{}\"}}",
                                      old_origin, log.last(), base64(log.root()));
  // The old log's signatures are kept under its own name; they say nothing of this one.
  for (const auto& made : *history) {
    if (made.checkpoint.origin != old_origin) continue;
    RC_TRY(log.put_meta(fmt::format("former/{}/{:016x}", old_origin, made.checkpoint.size),
                        note::render(made.note)));
    RC_TRY(log.delete_meta(fmt::format("checkpoint/{:016x}", made.checkpoint.size)));
  }
  std::error_code ec;
  std::filesystem::remove(layout.checkpoint(), ec);
  RC_TRY(create_signing_key(layout, origin));
  RC_TRY(log.put_meta("origin", origin));
  // At the last event's own time: nothing may fall due before it, so that it is the first.
  const auto written = writer.write(continued, writer.state().at);
  if (!written) return written.error();
  std::filesystem::remove(layout.restored(), ec);
  RC_TRY(sync_directory(layout.app_dir));
  return {};
}

}  // namespace rollcall::store
