// RC_CHECK: an invariant that is checked in every build.
//
// Why this file exists: a wrong answer of an audit costs more than a crash, which the next start
// logs. For what only a fault of this program can break; bytes from disk or network that are wrong
// are an Error instead. Prints the condition, never a value: values may be personal.
#pragma once

#include <cstdio>
#include <cstdlib>

namespace rollcall::engine {

[[noreturn, gnu::cold, gnu::noinline]] inline void check_failed(const char* condition,
                                                                const char* file, int line) {
  std::fprintf(stderr, "%s:%d: this must hold and does not: %s\n", file, line, condition);
  std::abort();
}

}  // namespace rollcall::engine

#define RC_CHECK(condition) \
  ((condition) ? void() : ::rollcall::engine::check_failed(#condition, __FILE__, __LINE__))
