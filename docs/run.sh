#!/usr/bin/env bash
# The server with a small invented company. Usage: run.sh ROLLCALL_BINARY. The store is made anew in
# ./rollcall-demo; Ctrl-C ends everything that was started here.
set -euo pipefail
rollcall=$1
port=${ROLLCALL_PORT:-8080}
url=http://127.0.0.1:$port
rm -rf rollcall-demo
"$rollcall" -d rollcall-demo serve --listen "127.0.0.1:$port" --log quiet &
server=$!
company=
stop() {
  [ -z "$company" ] || kill "$company" 2>/dev/null || true
  kill "$server" 2>/dev/null || true
  wait "$server" 2>/dev/null || true
}
trap stop EXIT
for _ in $(seq 100); do
  [ -f rollcall-demo/admin.token ] && "$rollcall" -d rollcall-demo --url "$url" who >/dev/null 2>&1 && break
  kill -0 "$server" 2>/dev/null || exit 1
  sleep 0.1
done
"$rollcall" -q -d rollcall-demo --url "$url" company --speed 20 &
company=$!
link=$("$rollcall" -d rollcall-demo --url "$url" token link)
cat <<TEXT

Twelve invented people come and go; each is a real WebSocket client. Look at them in a browser, where you can be
any of them (the link signs you in):

  $link

In another terminal:

  $rollcall -d rollcall-demo --url $url who
  $rollcall -d rollcall-demo --url $url audit -n 20
  $rollcall -d rollcall-demo --url $url login you       (you appear below)

TEXT
if [ -t 1 ]; then
  sleep 3
  "$rollcall" -d rollcall-demo --url "$url" watch --heading "In a browser: $link" || true
else
  "$rollcall" -d rollcall-demo --url "$url" watch -o ndjson || true
fi
