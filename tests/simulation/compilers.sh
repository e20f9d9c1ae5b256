#!/usr/bin/env bash
# The digests of fixed lives, from the engine as other compilers make it and without optimizing.
#   tests/simulation/compilers.sh BUILD
# BUILD: a build folder, for the library of what is compared with nothing (files, crypto).
set -euo pipefail
build=$(cd "$1" && pwd)
cd "$(dirname "$0")/../.."
made=$(mktemp -d)
trap 'rm -rf "$made"' EXIT
sources=(engine/*.cc store/log/state_digest.cc store/tlog/merkle.cc tests/simulation/lives_test.cc tests/support/catch_main.cc)
for compiler in "g++ -O0" "clang++ -O0" "clang++ -O2" "clang++ -O1 -fsanitize=address,undefined"; do
  # shellcheck disable=SC2086
  $compiler -std=c++20 -I. "${sources[@]}" "$build/store/librollcall_store_bytes.a" -lfmt -lcrypto -ldl -lpthread -o "$made/lives"
  echo "$compiler: $("$made/lives" '[digest]' | tail -n 2 | head -n 1)"
done
