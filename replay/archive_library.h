// libarchive's functions as this program calls them, loaded with the first tar
// (store/bytes/shared_library.h says why). Inside rollcall::replay their names are pointers of the
// same types, which hide the library's own.
#pragma once

#include "store/bytes/errc.h"

#include <archive.h>
#include <archive_entry.h>

// X(name): each function that is called.
#define ROLLCALL_ARCHIVE_FUNCTIONS(X) \
  X(archive_entry_filetype)           \
  X(archive_entry_free)               \
  X(archive_entry_new)                \
  X(archive_entry_pathname)           \
  X(archive_entry_set_filetype)       \
  X(archive_entry_set_pathname)       \
  X(archive_entry_set_perm)           \
  X(archive_entry_set_size)           \
  X(archive_error_string)             \
  X(archive_free)                     \
  X(archive_read_data)                \
  X(archive_read_new)                 \
  X(archive_read_next_header)         \
  X(archive_read_open_filename)       \
  X(archive_read_support_filter_gzip) \
  X(archive_read_support_filter_zstd) \
  X(archive_read_support_format_tar)  \
  X(archive_write_close)              \
  X(archive_write_data)               \
  X(archive_write_header)             \
  X(archive_write_new)                \
  X(archive_write_open_fd)            \
  X(archive_write_open_filename)      \
  X(archive_write_set_format_ustar)

namespace rollcall::replay {

#define ROLLCALL_DECLARE(name) extern decltype(&::name) name;
ROLLCALL_ARCHIVE_FUNCTIONS(ROLLCALL_DECLARE)
#undef ROLLCALL_DECLARE

/// Before any of them is called. The first call loads; all get its result.
[[nodiscard]] const store::Result<void>& load_archive();

}  // namespace rollcall::replay
