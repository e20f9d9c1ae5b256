#!/bin/sh
# A demonstration on invented people: what an auditor and an operator do with rollcall.
# Usage: demo.sh ROLLCALL_BINARY. Leaves its store in a new folder, which it names at the end.
set -eu
rollcall=$1
data=$(mktemp -d "${TMPDIR:-/tmp}/rollcall-demo.XXXXXX")
cd "$data"
say() { printf '\n\033[1m%s\033[0m\n' "$*"; }
run() { printf '$ rollcall %s\n' "$*"; "$rollcall" "$@"; }

say '1. A day of twelve invented people, 600 events'
i=0
for user in ada alan barbara donald edsger frances grace john ken linus margaret radia; do
  i=$((i + 1))
  printf '{"at":"2026-01-14T08:%02d:00Z","type":"login","user":"%s","session":"%s-1","context":{"address":"10.1.0.%d","agent":"demo"}}\n' $i $user $user $i
done > day.ndjson
n=0
while [ $n -lt 576 ]; do
  set -- ada alan barbara donald edsger frances grace john ken linus margaret radia
  shift $((n * 7 % 12))
  second=$((n * 30))
  printf '{"at":"2026-01-14T%02d:%02d:%02dZ","type":"activity","user":"%s","session":"%s-1","action":"order.updated","target":{"type":"order","id":"%d"},"description":"order %d moved on","changes":{"attributes":{"state":"paid"},"old":{"state":"open"}}}\n' $((9 + second / 3600)) $((second / 60 % 60)) $((second % 60)) $1 $1 $((n % 40)) $((n % 40))
  n=$((n + 1))
done >> day.ndjson
for user in ada alan barbara donald edsger frances grace john ken linus margaret radia; do
  printf '{"at":"2026-01-14T14:00:00Z","type":"logout","user":"%s","session":"%s-1"}\n' $user $user
done >> day.ndjson
run import day.ndjson

say '2. Who was here, and what did they do?'
run who --at 2026-01-14T11:30:00Z
run last ada
run audit -u ada -n 2
run audit stats --by user -n 3

say '3. Proof: everything, one event, one person'
run verify --full --replay
run proof 100 -O event-100.tlog-proof
run verify proof event-100.tlog-proof
run export -u ada --format bundle --complete chain -O ada
printf '$ sh ada/verify.sh\n'
sh ada/verify.sh

say '4. A person is forgotten; the proof stays'
run --accept-clock forget ada --reason 'Art. 17 request' --ticket DP-88 --yes
run verify --full --replay
run audit -n 3
printf '$ sh ada/verify.sh   (the bundle made before)\n'
sh ada/verify.sh | tail -n 1

say "The store of this demonstration is in $data/rollcall-data. Next: rollcall --help, README.md, docs/"
