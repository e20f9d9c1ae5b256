// Address space that is kept back for the moment when there is none left.
//
// Why this file exists: under a limit of address space (ulimit -v, a small container) an allocation
// may fail anywhere, also where Asio destroys what it could not start, which allocates: the program
// would end there. So an allocation that fails gets a piece of what was kept back and succeeds, and
// from then on whoever wants much (a thread, a stream) is refused until it is kept again.
#pragma once

namespace rollcall::net::inline loop {

/// Keeps it, from now on (std::set_new_handler) and again whenever it was used up. Whether it is
/// kept now.
bool keep_memory_reserve();

}  // namespace rollcall::net::inline loop
