#!/usr/bin/env bash
# clang's -Wthread-safety over sources of ours: what a mutex guards is touched with it held.
#   tests/thread_safety.sh BUILD [FILE…]
# BUILD: a build folder with compile_commands.json. Without files, all that its commands name outside
# of tests and benchmarks.
set -euo pipefail
build=$(cd "$1" && pwd)
shift
cd "$(dirname "$0")/.."
node - "$build/compile_commands.json" "$@" <<'E2' | xargs -P "$(nproc)" -d '\n' -n 1 bash -c
const { readFileSync } = require('node:fs'), { relative, resolve } = require('node:path')
const [commands, ...files] = process.argv.slice(2), wanted = new Set(files.map((f) => resolve(f)))
for (const { file, directory, command } of JSON.parse(readFileSync(commands, 'utf8'))) {
  const at = resolve(directory, file)
  const ours = ['engine', 'store', 'replay', 'net', 'cli'].includes(relative('.', at).split('/')[0])
  if (wanted.size ? !wanted.has(at) : !ours) continue
  const words = command.split(' ').filter((word, i, all) => /^-(I|D|std=|isystem$)/.test(word) || all[i - 1] === '-isystem')
  console.log(['clang++', '-fsyntax-only', '-Wno-everything', '-Wthread-safety', '-Werror', ...words, at].join(' '))
}
E2
