#!/bin/sh
# Three verifiers that nobody here wrote accept our checkpoints and proofs, and refuse tampered ones:
# Debian's Go sumdb/note and tlog, npm's @sigstore/verify, and openssl through the bundle's script.
# Usage: run.sh ROLLCALL_BINARY [known-log folder]. Prints "N passed, N failed" and exits 0 or 1.
set -u
rollcall=$1
known=${2:-}
here=$(cd "$(dirname "$0")" && pwd)
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
passed=0
failed=0
accept() { what=$1; shift; if "$@" > "$tmp/out" 2>&1; then passed=$((passed + 1)); else failed=$((failed + 1)); echo "FAILED: $what was refused"; cat "$tmp/out"; fi; }
refuse() { what=$1; shift; if "$@" > "$tmp/out" 2>&1; then failed=$((failed + 1)); echo "FAILED: $what was accepted"; else passed=$((passed + 1)); fi; }
# Changes one base64 letter in the line that matches.
tamper() { awk -v pattern="$2" '$0 ~ pattern && !done { c = substr($0, length($0) - 9, 1); $0 = substr($0, 1, length($0) - 10) (c == "A" ? "B" : "A") substr($0, length($0) - 8); done = 1 } { print }' "$1"; }

cd "$tmp" || exit 1
export GOPATH=/usr/share/gocode GO111MODULE=off GOCACHE="$tmp/gocache" GOFLAGS=
go build -o gonote "$here/gonote/main.go" || exit 1

"$rollcall" -d data store init --origin rollcall.example/foreign > /dev/null || exit 1
i=0
while [ $i -lt 700 ]; do
  i=$((i + 1))
  printf '{"at":"2026-01-14T%02d:%02d:00Z","type":"activity","user":"user-%d","action":"message.posted","description":"text %d"}\n' $((i / 60)) $((i % 60)) $((i % 37)) $i
done > events.ndjson
"$rollcall" -d data import events.ndjson > /dev/null || exit 1
"$rollcall" -d data checkpoint show > old
"$rollcall" -d data --accept-clock login ada > /dev/null
"$rollcall" -d data checkpoint sign > /dev/null
"$rollcall" -d data checkpoint show > checkpoint
"$rollcall" -d data tiles export tiles > /dev/null
"$rollcall" -d data proof 412 -O receipt
"$rollcall" -d data show 412 --raw > entry
"$rollcall" -d data export -u user-5 --format bundle --complete chain -O bundle > /dev/null
vkey=$("$rollcall" -d data key show)

sigstore() { NODE_PATH="$here/node_modules" node "$here/sigstore.cjs" "$@"; }
accept 'go: our log' ./gonote "$vkey" checkpoint tiles receipt entry old
accept 'sigstore: our log' sigstore "$vkey" receipt entry
accept 'openssl: our bundle' sh bundle/verify.sh "$vkey"

tamper checkpoint '^— ' > bad-signature
refuse 'go: a changed signature' ./gonote "$vkey" bad-signature tiles receipt entry old
awk 'NR == 2 { $0 = $0 + 1 } { print }' checkpoint > bad-size
refuse 'go: a changed size' ./gonote "$vkey" bad-size tiles receipt entry old
tamper receipt '^[A-Za-z0-9+/]*=$' > bad-receipt
refuse 'go: a changed path' ./gonote "$vkey" checkpoint tiles bad-receipt entry old
refuse 'sigstore: a changed path' sigstore "$vkey" bad-receipt entry
{ cat entry; printf x; } > bad-entry
refuse 'go: another entry' ./gonote "$vkey" checkpoint tiles receipt bad-entry old
refuse 'sigstore: another entry' sigstore "$vkey" receipt bad-entry
tamper receipt '^— ' > bad-signed-receipt
refuse 'sigstore: a changed signature' sigstore "$vkey" bad-signed-receipt entry
cp -r tiles bad-tiles
tile=bad-tiles/tile/0/001
{ head -c 100 "$tile"; printf '\377\376'; tail -c +103 "$tile"; } > tile && cp tile "$tile"
refuse 'go: a changed tile' ./gonote "$vkey" checkpoint bad-tiles receipt entry old
for file in checkpoint headers.bin tree.proof; do
  cp -r bundle bad-bundle
  { head -c 60 "bundle/$file"; printf '~'; tail -c +62 "bundle/$file"; } > "bad-bundle/$file"
  refuse "openssl: a changed $file" sh bad-bundle/verify.sh "$vkey"
  rm -rf bad-bundle
done
cp -r bundle bad-bundle
body=$(ls bad-bundle/bodies | head -n 1)
printf 'x' >> "bad-bundle/bodies/$body"
refuse 'openssl: a changed body' sh bad-bundle/verify.sh "$vkey"
other=$("$rollcall" key gen rollcall.example/foreign -O other.key)
refuse 'openssl: another key' sh bundle/verify.sh "$other"

# The known log of the test data, where it is there: its own files, through the same foreign eyes.
if [ -n "$known" ] && [ -e "$known/v.json" ]; then
  kkey=$(node -p 'JSON.parse(require("fs").readFileSync(process.argv[1], "utf8")).vkey' "$known/v.json")
  accept 'go: the known log' ./gonote "$kkey" "$known/checkpoint" "$known/log" "$known/event-412.tlog-proof" "$known/entry-412.bin" "$known/checkpoint"
  accept 'sigstore: the known log' sigstore "$kkey" "$known/event-412.tlog-proof" "$known/entry-412.bin"
  accept 'rollcall: the known log' "$rollcall" verify proof "$known/event-412.tlog-proof" --entry "$known/entry-412.bin" --key "$kkey"
else
  echo "skipped: the known log is not in the test data"
fi
echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ]
