// Looking at every file of a store but the log's own.
#include "replay/verify_files.h"

#include "store/backup.h"
#include "store/erasures.h"
#include "store/log/newest_events.h"
#include "store/log/snapshot.h"

#include <fmt/format.h>

#include <algorithm>

namespace rollcall::replay {
namespace {

namespace fs = std::filesystem;

template <class T>
void note(std::vector<std::string>& out, const Result<T>& read) {
  if (!read) out.push_back(read.error().detail);
}

/// A store proper, not a backup of one or one that was only just restored: it has a key to sign by.
bool signs(const store::Layout& layout) {
  return fs::exists(layout.vault() / "records") && !fs::exists(layout.restored());
}

void snapshots(const Reader& reader, std::vector<std::string>& out) {
  std::error_code ec;
  const auto known = store::list_snapshots(reader.layout());
  for (const auto& entry : fs::directory_iterator(reader.layout().snapshots(), ec)) {
    if (!entry.is_regular_file() || entry.path().extension() == ".new") continue;
    const auto it = std::find_if(known.begin(), known.end(),
                                 [&](const auto& s) { return s.path == entry.path(); });
    // Of a size that this reader does not see yet: made by the writer meanwhile.
    if (it != known.end() && it->seq > reader.last()) continue;
    if (it == known.end() || !store::read_snapshot(*it, reader.log()))
      out.push_back(
          fmt::format("{}: damaged (it is only a shortcut: delete it)", entry.path().string()));
  }
}

/// What may be missing, but not wrong: each is made anew by a writer.
void shortcuts(const Reader& reader, std::vector<std::string>& out) {
  if (store::writer_about(reader.layout())) return;  // he may be writing them
  const auto newest = reader.layout().newest();
  if (fs::exists(newest)) {
    const auto known = store::NewestEvents::open(reader.layout(), reader.log());
    if (!known || !known->whole())
      out.push_back(fmt::format("{}: damaged (it is only a shortcut: delete it)", newest.string()));
  }
  if (reader.vault() != nullptr && reader.vault()->index_damaged())
    out.push_back(fmt::format(
        "{}: damaged, or not of this vault (it is only a shortcut: the next opening for writing "
        "makes it anew)",
        reader.vault()->index_path().string()));
}

}  // namespace

std::vector<std::string> damaged_files(const Reader& reader) {
  const auto& layout = reader.layout();
  std::vector<std::string> out;
  if (const auto newest = store::newest_checkpoint(reader.log(), layout);
      newest && newest->file_damage && signs(layout))
    out.push_back(*newest->file_damage +
                  " (the log has what was signed; the next signing "
                  "writes the file anew)");
  if (signs(layout)) {
    if (const auto fault = store::signing_key_fault(layout))
      out.push_back(fault->detail + ": nothing can be signed (`key rotate` makes a new one)");
  }
  note(out, store::store_policy(layout));
  note(out, store::read_erasures(layout.erasures()));
  note(out, store::read_backup_folders(layout));
  note(out, store::check_restored(layout));
  if (store::clean_mark_damaged(layout))
    out.push_back(
        fmt::format("{}: damaged (the next opening for writing takes a longer look and "
                    "writes it anew)",
                    layout.clean().string()));
  if (reader.vault() != nullptr && reader.vault()->torn() != 0 && !store::writer_about(layout))
    out.push_back(
        fmt::format("{}: its last {} bytes are no record: damaged, or torn by a crash "
                    "while a name was added",
                    reader.vault()->file().string(), reader.vault()->torn()));
  snapshots(reader, out);
  shortcuts(reader, out);
  return out;
}

}  // namespace rollcall::replay
