// Opening a store for writing, whatever the process before left behind.
//
// Why this file exists: the server, the command line and imports open in the same way. An erasure
// or a restore that was cut short is finished, a clock that is far ahead is refused, and nodes that
// nobody closed are closed, before anybody appends.
#pragma once

#include "store/writer.h"

namespace rollcall::store {

enum class AcceptClock : std::uint8_t { No, Yes };

/// On what terms a store is opened for writing.
struct Opening {
  /// What the wall clock says, where it is what events will be stamped with: too far ahead of the
  /// log's last event (EventClock::kRefused) the store is not opened, unless somebody accepts it.
  std::optional<engine::Micros> wall;
  AcceptClock accept_clock = AcceptClock::No;
  /// A server that opens its own log anew goes on as the node it is. For anybody else a node that
  /// is open died: its NodeDown comes before whatever is appended first.
  enum class Nodes : std::uint8_t { Died, GoOn } nodes = Nodes::Died;
  /// What the store is kept on; outlives what is opened.
  Medium* medium = &on_disk();
};

[[nodiscard]] Result<std::unique_ptr<Writer>> open_store(const Layout& layout,
                                                         const Opening& opening = {});
/// open_store() if there is a store, else Writer::create().
[[nodiscard]] Result<std::unique_ptr<Writer>> open_or_create_store(const Layout& layout,
                                                                   const Opening& opening = {});

}  // namespace rollcall::store
