// The test runner's main, which also lends its program to the readers of a pool under test.
#define CATCH_CONFIG_RUNNER
#include "net/readers/reader_process.h"

#include <catch2/catch.hpp>

int main(int argc, char** argv) {
  if (argc > 0 && argv[0] == rollcall::net::kReaderName) return rollcall::net::run_reader();
  return Catch::Session().run(argc, argv);
}
