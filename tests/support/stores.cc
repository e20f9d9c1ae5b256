// Building stores.
#include "tests/support/stores.h"

#include "replay/import.h"
#include "store/log/event_clock.h"

namespace rollcall::test {

using engine::Kind;
using store::Proposal;

store::Layout layout_in(const std::filesystem::path& directory) {
  return store::locate(directory, "main").value();
}

void fill(store::Writer& writer, std::uint64_t events, std::uint64_t seed, engine::Micros start) {
  std::mt19937_64 rng{seed};
  engine::Micros at = start;
  for (std::uint64_t i = 0; i < events; ++i) {
    at += static_cast<engine::Micros>(below(rng, 90)) * kSecond;
    Proposal p;
    const std::string user = "user-" + std::to_string(below(rng, 20));
    p.user = user;
    const auto open = writer.session_by_key(user, "s");
    switch (below(rng, 6)) {
      case 0:
        p.kind = open ? Kind::Logout : Kind::Login;
        p.cause = open ? engine::Cause::Logout : engine::Cause::Login;
        if (open)
          p.session = *open;
        else
          p.body.external_key = "s";
        p.body.address = "10.1.0." + std::to_string(below(rng, 9));
        break;
      default:
        p.kind = Kind::Activity;
        p.action = below(rng, 2) == 0 ? "message.posted" : "order.updated";
        p.session = open.value_or(0);
        p.body.description = "text " + std::to_string(i) + " of " + user;
        p.body.target_type = below(rng, 3) == 0 ? "user" : "order";
        p.body.target_id = p.body.target_type == "user" ? "user-" + std::to_string(below(rng, 20))
                                                        : std::to_string(below(rng, 50));
        p.body.changes = R"({"attributes":{"state":"paid"},"old":{"state":"open"}})";
        break;
    }
    writer.stage(p, at).value();
    if (i % 64 == 63) writer.commit().value();
  }
  writer.commit().value();
  writer.sign(at).value();
}

store::Layout make_store(const std::filesystem::path& directory, std::uint64_t events,
                         std::uint64_t seed) {
  const auto layout = layout_in(directory);
  const auto writer = store::Writer::create(layout, "rollcall.test/log").value();
  fill(*writer, events, seed);
  return layout;
}

store::Layout make_real_store(const std::filesystem::path& directory, std::uint64_t lines,
                              const std::optional<engine::Policy>& policy) {
  const auto file = test_data("ubuntu-irc.ndjson.zst");
  if (!file) return make_store(directory, 5000, 1);
  std::string text = replay::read_maybe_zst(*file, std::size_t{1} << 30).value();
  if (lines != 0) {
    std::size_t end = 0;
    for (std::uint64_t i = 0; i < lines && end != std::string::npos; ++i)
      end = text.find('\n', end + (i == 0 ? 0 : 1));
    if (end != std::string::npos) text.resize(end + 1);
  }
  const auto layout = layout_in(directory);
  const auto writer = store::Writer::create(layout, "rollcall.test/log").value();
  replay::import_ndjson(*writer, text, replay::DryRun::No, store::wall_now(), nullptr, policy)
      .value();
  return layout;
}

std::unique_ptr<store::Writer> MemoryStore::create() const {
  return store::Writer::create(layout(), "rollcall.test/log", medium_).value();
}

void copy_tree(const std::filesystem::path& from, const std::filesystem::path& to) {
  std::filesystem::remove_all(to);
  std::filesystem::copy(from, to, std::filesystem::copy_options::recursive);
}

bool any_file_holds(const std::filesystem::path& directory, std::string_view bytes) {
  for (const auto& entry : std::filesystem::recursive_directory_iterator(directory)) {
    if (entry.is_regular_file() && slurp(entry.path()).find(bytes) != std::string::npos)
      return true;
  }
  return false;
}

}  // namespace rollcall::test
