// Opening a vault: the master key, and every record unsealed.
#include "store/bytes/files.h"
#include "store/bytes/in_parallel.h"
#include "store/vault/vault.h"

#include <fmt/format.h>

#include <cstdlib>
#include <future>
#include <thread>

namespace rollcall::store::inline vault {
namespace {

std::optional<Key> to_key(const std::optional<Bytes>& bytes) {
  if (!bytes || bytes->size() != 32) return std::nullopt;
  Key key;
  std::copy(bytes->begin(), bytes->end(), key.begin());
  return key;
}

std::optional<Key> key_from_hex(std::string_view text) {
  while (!text.empty() && (text.back() == '\n' || text.back() == ' ')) text.remove_suffix(1);
  return to_key(from_hex(text));
}

constexpr std::size_t kWrappedKey = 32 + xaes::kOverhead;

}  // namespace

Result<MasterKey> MasterKey::load(const std::filesystem::path& vault_dir) {
  const Error bad{Errc::NotPermitted, "the master key is not 64 hexadecimal digits"};
  if (const char* text = std::getenv("ROLLCALL_MASTER_KEY"); text != nullptr && *text != '\0') {
    const auto key = key_from_hex(text);
    if (!key) return bad;
    return MasterKey{*key, {}};
  }
  const char* named = std::getenv("ROLLCALL_MASTER_KEY_FILE");
  const std::filesystem::path file =
      named != nullptr && *named != '\0' ? std::filesystem::path(named) : vault_dir / "master.key";
  const auto text = read_file(file);
  if (!text) {
    return Error{
        Errc::NotPermitted,
        fmt::format("no master key: {} (give ROLLCALL_MASTER_KEY or ROLLCALL_MASTER_KEY_FILE)",
                    text.error().detail)};
  }
  const auto key = key_from_hex(*text);
  if (!key)
    return Error{Errc::NotPermitted,
                 fmt::format("the master key in {} is not 64 hexadecimal digits", file.string())};
  return MasterKey{*key, file};
}

Result<MasterKey> MasterKey::create(const std::filesystem::path& vault_dir, Files& files) {
  if (std::getenv("ROLLCALL_MASTER_KEY") != nullptr ||
      std::getenv("ROLLCALL_MASTER_KEY_FILE") != nullptr)
    return load(vault_dir);
  const MasterKey master{random_key(), vault_dir / "master.key"};
  RC_TRY(files.replace(master.file, hex(master.key) + "\n", Secret::Yes));
  return master;
}

Result<MasterKey> MasterKey::next() {
  const char* text = std::getenv("ROLLCALL_NEW_MASTER_KEY");
  if (text == nullptr) return MasterKey{random_key(), {}};
  const auto key = key_from_hex(text);
  if (!key) return Error{Errc::BadInput, "ROLLCALL_NEW_MASTER_KEY is not 64 hexadecimal digits"};
  return MasterKey{*key, {}};
}

Result<Vault> Vault::open(const std::filesystem::path& dir, std::string app, Files& files) {
  auto opened = open_once(dir, app, files);
  // A file that is written anew while it is read looks damaged for a moment; damage stays.
  if (!opened && opened.error().code == Errc::Incomplete) opened = open_once(dir, app, files);
  return opened;
}

Result<Vault> Vault::open_once(const std::filesystem::path& dir, const std::string& app,
                               Files& files) {
  if (!present(dir / "records")) {
    return Error{Errc::NotFound, fmt::format("there is no vault in {}", dir.string())};
  }
  auto master = MasterKey::load(dir);
  if (!master) return master.error();
  Vault vault(dir, app, *master, files);
  const auto loaded = vault.load();
  if (loaded) return vault;
  // A rotation that a crash cut short: the file is wrapped by the next key already.
  const std::filesystem::path next = dir / "master.key.next";
  if (loaded.error().code == Errc::NotPermitted && present(next)) {
    const auto text = read_file(next);
    const auto key = text ? key_from_hex(*text) : std::nullopt;
    if (key) {
      Vault again(dir, app, MasterKey{*key, master->file}, files);
      if (again.load()) {
        if (!master->file.empty()) {
          RC_TRY(files.replace(master->file, hex(*key) + "\n", Secret::Yes));
          (void)files.remove(next);  // one that stays is no key of anything
        }
        return again;
      }
    }
  }
  return loaded.error();
}

Vault::Opened Vault::open_record(ByteView record) const {
  using Fault = Opened::Fault;
  Opened out;
  const ByteView payload = record.subspan(4, record.size() - 8);
  const Hash sum = sha256({payload});
  if (!std::equal(sum.begin(), sum.begin() + 4, record.end() - 4))
    return out.fault = Fault::Damaged, out;
  if (payload.size() < 5) return out.fault = Fault::Short, out;
  out.type = static_cast<char>(payload[0]);
  out.number = get_be32(payload.subspan(1));
  if (out.type == 'X') return out;
  if (payload.size() < 5 + kWrappedKey) return out.fault = Fault::Short, out;
  const auto key =
      xaes::open_key(master_.key, payload.subspan(5, kWrappedKey), aad(out.type, out.number));
  if (!key) return out.fault = Fault::Closed, out;
  out.key = *key;
  if (out.type == 'E') return out;
  if (out.type != 'U') return out.fault = Fault::Unknown, out;
  return out;
}

void Vault::open_name(Opened& record, ByteView framed) const {
  if (record.fault != Opened::Fault::None || record.type != 'U') return;
  const auto name = xaes::open(
      record.key, framed.subspan(4 + 5 + kWrappedKey).first(framed.size() - 8 - 5 - kWrappedKey),
      aad('N', record.number));
  if (name)
    record.name = std::string(as_text(*name));
  else
    record.fault = Opened::Fault::NameClosed;
}

Result<void> Vault::load() {
  const auto text = read_file(file());
  if (!text) return text.error();
  const ByteView all = as_bytes(*text);
  struct Piece {
    std::uint64_t offset;
    std::uint32_t size;
  };
  std::vector<Piece> pieces;
  std::uint64_t at = 0;
  while (at < all.size()) {
    const ByteView rest = all.subspan(at);
    const std::uint32_t size = rest.size() >= 8 ? get_be32(rest) : 0;
    if (rest.size() < 8 || rest.size() - 8 < size) break;  // torn, or damaged: the log's users tell
    if (size == 0 || size > kFramedMax - 8)
      return Error{Errc::Incomplete, fmt::format("{}: damaged at byte {}", file().string(), at)};
    pieces.push_back({at, size + 8});
    at += size + 8;
  }
  // Unsealing a million records takes seconds on one core, and no record needs another.
  std::vector<Opened> opened(pieces.size());
  const auto open_range = [&](std::size_t from, std::size_t to) {
    const auto framed = [&](std::size_t i) {
      return all.subspan(pieces[i].offset, pieces[i].size);
    };
    // Keys first, names after: what the one master key's derivations share is computed once.
    for (std::size_t i = from; i < to; ++i) opened[i] = open_record(framed(i));
    for (std::size_t i = from; i < to; ++i) open_name(opened[i], framed(i));
  };
  constexpr std::size_t kWorthAThread = 1000;
  const std::size_t parts =
      pieces.size() < kWorthAThread ? 1 : std::max(1U, std::thread::hardware_concurrency());
  std::vector<std::future<void>> others;
  for (std::size_t p = 1; p < parts; ++p)
    others.push_back(in_parallel([&open_range, &pieces, p, parts] {
      open_range(pieces.size() * p / parts, pieces.size() * (p + 1) / parts);
    }));
  open_range(0, pieces.size() / parts);
  for (auto& other : others) other.get();
  numbers_.reserve(pieces.size());
  for (std::size_t i = 0; i < pieces.size(); ++i) {
    Opened& record = opened[i];
    const auto damaged = [&](const char* what) {
      return Error{Errc::Incomplete,
                   fmt::format("{}: {} at byte {}", file().string(), what, pieces[i].offset)};
    };
    switch (record.fault) {
      case Opened::Fault::None:
        break;
      case Opened::Fault::Damaged:
        // Of the last record: a torn write.
        if (i + 1 == pieces.size() && pieces[i].offset + pieces[i].size == all.size()) continue;
        return damaged("damaged");
      case Opened::Fault::Short:
        return damaged("a record too short");
      case Opened::Fault::Unknown:
        return damaged("a record of an unknown type");
      case Opened::Fault::NameClosed:
        return damaged("a name that does not open");
      case Opened::Fault::Closed:
        return Error{Errc::NotPermitted,
                     fmt::format("the master key does not open the vault {}", file().string())};
    }
    good_size_ = pieces[i].offset + pieces[i].size;
    if (record.type == 'X') {
      if (record.number != 0) erased_.insert(record.number);
    } else if (record.type == 'E') {
      const ByteView bytes = all.subspan(pieces[i].offset, pieces[i].size);
      epochs_[record.number] = {record.key, Bytes(bytes.begin(), bytes.end()), pieces[i].offset};
    } else {
      put_user(record.number,
               User{record.key, std::move(record.name), pieces[i].offset, pieces[i].size});
    }
  }
  torn_ = all.size() - good_size_;
  if (!users_.contains(0))
    return Error{Errc::Incomplete,
                 fmt::format("{}: the app's own key is missing", file().string())};
  index_key_ = VaultIndex::key_of(users_.at(0).key);
  return {};
}

}  // namespace rollcall::store::inline vault
