#!/usr/bin/env bash
# The server with a small invented company. Usage: run.sh ROLLCALL_BINARY. The store is made anew in
# ./rollcall-run, a folder of its own for every port; Ctrl-C ends everything that was started here.
set -euo pipefail
rollcall=$1
port=${ROLLCALL_PORT:-8080}
url=http://127.0.0.1:$port
data=rollcall-run
[ "$port" = 8080 ] || data=rollcall-run-$port
if (exec 3<>"/dev/tcp/127.0.0.1/$port") 2>/dev/null; then # before anything is removed
  echo "something listens on $url already: end it, or say ROLLCALL_PORT=8081 ./dev run" >&2
  exit 1
fi
rm -rf "$data"
"$rollcall" -d "$data" serve --listen "127.0.0.1:$port" --log quiet &
server=$!
company=
stop() {
  [ -z "$company" ] || kill "$company" 2>/dev/null || true
  kill "$server" 2>/dev/null || true
  wait "$server" 2>/dev/null || true
}
trap stop EXIT
for _ in $(seq 100); do
  [ -f "$data/admin.token" ] && "$rollcall" -d "$data" --url "$url" who >/dev/null 2>&1 && break
  kill -0 "$server" 2>/dev/null || exit 1
  sleep 0.1
done
"$rollcall" -q -d "$data" --url "$url" company --speed 20 &
company=$!
link=$("$rollcall" -d "$data" --url "$url" token link)
cat <<TEXT

Twelve invented people come and go; each is a real WebSocket client. Look at them in a browser, where you can be
any of them (the link signs you in):

  $link

In another terminal:

  $rollcall -d $data --url $url who
  $rollcall -d $data --url $url audit -n 20
  $rollcall -d $data --url $url login you       (you appear below)

TEXT
if [ -t 1 ]; then
  sleep 3
  "$rollcall" -d "$data" --url "$url" watch --heading "In a browser: $link" || true
else
  "$rollcall" -d "$data" --url "$url" watch -o ndjson || true
fi
