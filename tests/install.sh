#!/bin/sh
# Installs a build into an empty folder and uses the program from there: tests/install.sh BUILD_DIR
#
# Why this file exists: a program that works in its build folder may still miss a library path or a file once installed.
set -eu
prefix=$(mktemp -d)
trap 'rm -rf "$prefix"' EXIT
cmake --install "$1" --prefix "$prefix" >/dev/null
cd "$prefix"
bin/rollcall -d data login ada >/dev/null
bin/rollcall -d data checkpoint sign >/dev/null
bin/rollcall -d data who ada | grep -q online || { echo "who does not show a login"; exit 1; }
bin/rollcall -d data verify --full >/dev/null
doc=share/doc/rollcall
for file in README.md LICENSE CHANGELOG.md SECURITY.md CONTRIBUTING.md ARCHITECTURE.md docs/server.md docs/decisions/README.md; do
  [ -s "$doc/$file" ] || { echo "missing: $doc/$file"; exit 1; }
done
# What the README links to is there.
for link in $(grep -o '](\([A-Za-z][^):#]*\)' "$doc/README.md" | cut -c 3-); do
  [ -e "$doc/$link" ] || { echo "README.md links to $link, which is not installed"; exit 1; }
done
