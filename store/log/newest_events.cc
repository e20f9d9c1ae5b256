// Writing and reading the file.
#include "store/log/newest_events.h"

#include "store/bytes/files.h"
#include "store/tlog/merkle.h"

namespace rollcall::store::inline log {
namespace {

constexpr std::string_view kMagic = "rollcall-last-1\n";
constexpr std::size_t kHead = 96, kSummed = 64, kOfUser = 16;

}  // namespace

Result<void> NewestEvents::write(const Layout& layout, const EventLog& log,
                                 const engine::State& state, const Census& census) {
  const auto leaf = log.leaf(state.seq);
  if (!leaf) return leaf.error();
  if (!*leaf) return Error{Errc::NotFound, "the log has no such event"};
  Bytes body;
  body.reserve(state.users.size() * kOfUser);
  for (UserNumber user = 0; user < state.users.size(); ++user) {
    const auto mentions = census.mentions().find(user);
    put_be64(body, state.users[user].last_seq);
    put_be64(body, mentions == census.mentions().end() ? 0 : mentions->second.back().seq);
  }
  Bytes file(kMagic.begin(), kMagic.end());
  put_be64(file, state.seq);
  put_be32(file, static_cast<std::uint32_t>(state.users.size()));
  put_be32(file, 0);
  const Hash hash = merkle::leaf_hash(**leaf);
  file.insert(file.end(), hash.begin(), hash.end());
  const Bytes sums = CheckedPages::sums_of(body);
  const Hash sum = sha256({file, sums});
  file.insert(file.end(), sum.begin(), sum.end());
  file.insert(file.end(), sums.begin(), sums.end());
  file.insert(file.end(), body.begin(), body.end());
  return replace_file(layout.newest(), as_text(file));
}

std::optional<NewestEvents> NewestEvents::open(const Layout& layout, const EventLog& log) {
  auto file = MappedFile::open(layout.newest());
  if (!file) return std::nullopt;
  const ByteView bytes = file->bytes();
  if (bytes.size() < kHead || as_text(bytes.first(kMagic.size())) != kMagic) return std::nullopt;
  const std::uint64_t body = std::uint64_t{kOfUser} * get_be32(bytes.subspan(24));
  const std::uint64_t sums_size = CheckedPages::sums_size(body);
  if (bytes.size() != kHead + sums_size + body) return std::nullopt;
  const ByteView sums = bytes.subspan(kHead, sums_size);
  const Hash sum = sha256({bytes.first(kSummed), sums});
  if (!std::equal(sum.begin(), sum.end(), bytes.begin() + kSummed)) return std::nullopt;
  NewestEvents out;
  out.seq_ = get_be64(bytes.subspan(16));
  if (out.seq_ == 0 || out.seq_ > log.last()) return std::nullopt;
  const auto leaf = log.leaf(out.seq_);
  if (!leaf || !*leaf) return std::nullopt;
  const Hash hash = merkle::leaf_hash(**leaf);
  if (!std::equal(hash.begin(), hash.end(), bytes.begin() + 32)) return std::nullopt;
  out.body_ = {bytes.subspan(kHead + sums_size), sums};
  out.file_ = std::move(*file);
  return out;
}

std::optional<NewestEvents::Of> NewestEvents::of(UserNumber user) const {
  const auto piece = body_.piece(std::uint64_t{kOfUser} * user, kOfUser);
  if (!piece) return std::nullopt;
  return Of{get_be64(*piece), get_be64(piece->subspan(8))};
}

}  // namespace rollcall::store::inline log
