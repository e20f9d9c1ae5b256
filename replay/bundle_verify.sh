#!/bin/sh
# Checks this bundle with sh, openssl and coreutils alone: the checkpoint's signature, that every header
# is in the signed tree, that every body fits its header, and that a complete chain or range has no gap.
# Needs no secret and no network. Usage: sh verify.sh [VKEY]   (a verifier key you got elsewhere)
set -eu
cd "$(dirname "$0")"
LC_ALL=C
export LC_ALL
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
fail() { printf 'TAMPERED   %s\n' "$1"; exit 20; }
fact() { while read -r k v; do [ "$k" = "$1" ] && printf '%s' "$v" && return; done < bundle; return 0; }
upper() { tr a-f A-F; }
lower() { tr A-F a-f; }

# 1. The signature. The signed text is the first three lines; the key is log.vkey, or the one given.
vkey=${1:-$(cat log.vkey)}
keyname=${vkey%%+*}; rest=${vkey#*+}; keyhash=${rest%%+*}; keydata=${rest#*+}
printf '%s' "$keydata" | base64 -d > "$tmp/key" 2>/dev/null || fail 'the verifier key is not base64'
[ "$(head -c 1 "$tmp/key" | basenc --base16)" = 01 ] || fail 'the verifier key is not Ed25519'
tail -c 32 "$tmp/key" > "$tmp/raw"
{ printf '%s\n\001' "$keyname"; cat "$tmp/raw"; } > "$tmp/named"
set -- $(sha256sum < "$tmp/named"); case $1 in "$keyhash"*) ;; *) fail 'the verifier key does not fit its name' ;; esac
{ printf '\060\052\060\005\006\003\053\145\160\003\041\000'; cat "$tmp/raw"; } > "$tmp/der"
head -n 3 checkpoint > "$tmp/text"
{ read -r origin; read -r size; read -r root64; read -r blank; } < checkpoint
[ -z "$blank" ] || fail 'the checkpoint has more than three lines of text'
dash=$(printf '\342\200\224'); signed=no
while read -r d n sig; do
  [ "$d" = "$dash" ] && [ "$n" = "$keyname" ] || continue
  printf '%s' "$sig" | base64 -d > "$tmp/blob" 2>/dev/null || continue
  [ "$(head -c 4 "$tmp/blob" | basenc --base16 | lower)" = "$keyhash" ] || continue
  tail -c +5 "$tmp/blob" > "$tmp/sig"
  openssl pkeyutl -verify -pubin -keyform DER -inkey "$tmp/der" -rawin -in "$tmp/text" -sigfile "$tmp/sig" > /dev/null 2>&1 || fail 'the signature does not fit the checkpoint'
  signed=yes
done < checkpoint
[ $signed = yes ] || fail "the checkpoint is not signed by $keyname"
[ "$(fact origin)" = "$origin" ] && [ "$(fact size)" = "$size" ] || fail 'the facts and the checkpoint differ'
root=$(printf '%s' "$root64" | base64 -d | basenc --base16 -w 0 | lower)
echo "checkpoint $origin at size $size: signature ok"

# Hashes every line of hex on stdin as bytes of the length given; one hash a line on stdout.
hash_lines() {
  rm -rf "$tmp/h"; mkdir "$tmp/h"
  upper | tr -d '\n' | basenc --base16 -d | split -b "$1" -a 7 -d - "$tmp/h/"
  for a in 0 1 2 3 4 5 6 7 8 9; do for b in 0 1 2 3 4 5 6 7 8 9; do for c in 0 1 2 3 4 5 6 7 8 9; do
    set -- "$tmp/h/$a$b$c"*
    [ -e "$1" ] || break 3
    sha256sum "$@" | cut -c1-64
  done; done; done
}

# The root that "index hash" lines on stdin lead to in a tree of $1 leaves with the proof file $2.
multi_root() {
  cat > "$tmp/known"; count=$1; : > "$tmp/used"; cp "$2" "$tmp/proof"
  while [ "$count" -gt 1 ]; do
    : > "$tmp/todo"; : > "$tmp/plan"
    exec 3< "$tmp/known" 4< "$tmp/proof"
    have=no
    while :; do
      if [ $have = yes ]; then i=$ni; h=$nh; have=no; else read -r i h <&3 || break; fi
      if [ $((i % 2)) -eq 1 ]; then
        read -r s <&4 || { echo short; return; }
        printf '01%s%s\n' "$s" "$h" >> "$tmp/todo"; echo "$((i / 2)) +" >> "$tmp/plan"
        continue
      fi
      if read -r ni nh <&3; then have=yes; fi
      if [ $have = yes ] && [ "$ni" -eq $((i + 1)) ]; then
        have=no; printf '01%s%s\n' "$h" "$nh" >> "$tmp/todo"; echo "$((i / 2)) +" >> "$tmp/plan"
      elif [ $((i + 1)) -lt "$count" ]; then
        read -r s <&4 || { echo short; return; }
        printf '01%s%s\n' "$h" "$s" >> "$tmp/todo"; echo "$((i / 2)) +" >> "$tmp/plan"
      else
        echo "$((i / 2)) $h" >> "$tmp/plan"
      fi
    done
    cat <&4 > "$tmp/left"
    exec 3<&- 4<&-
    mv "$tmp/left" "$tmp/proof"
    hash_lines 65 < "$tmp/todo" > "$tmp/made"
    exec 3< "$tmp/made"
    while read -r i h; do [ "$h" = + ] && { read -r h <&3 || h=short; }; echo "$i $h"; done < "$tmp/plan" > "$tmp/known"
    exec 3<&-
    count=$(((count + 1) / 2))
  done
  [ -s "$tmp/proof" ] && { echo long; return; }
  read -r i h < "$tmp/known"; echo "$h"
}

# 2. Every header is a leaf of the signed tree.
basenc --base16 -w 224 headers.bin | lower > "$tmp/hex"
le() { cut -c"$1" "$tmp/hex" | while read -r x; do
    out=; while [ -n "$x" ]; do b=${x%"${x#??}"}; x=${x#??}; out=$b$out; done; echo $((0x$out)); done; }
le 17-32 > "$tmp/seq"; le 9-16 > "$tmp/user"; le 65-80 > "$tmp/prev"; cut -c161-224 "$tmp/hex" > "$tmp/digest"
while read -r x; do printf '00%s\n' "$x"; done < "$tmp/hex" | hash_lines 113 > "$tmp/leaf"
while read -r s; do echo $((s - 1)); done < "$tmp/seq" | paste -d ' ' - "$tmp/leaf" > "$tmp/leaves"
last=-1; while read -r i h; do [ "$i" -gt "$last" ] && [ "$i" -lt "$size" ] || fail 'the headers are not in order'; last=$i; done < "$tmp/leaves"
[ "$(multi_root "$size" tree.proof < "$tmp/leaves")" = "$root" ] || fail 'the headers and their proof do not lead to the signed root'
echo "events     $(wc -l < "$tmp/seq") in the signed tree"

# 3. Every body fits the digest in its header.
bodies=0
if [ -d bodies ]; then
  paste -d ' ' "$tmp/seq" "$tmp/digest" > "$tmp/digests"
  while read -r s d; do [ -e "bodies/$s" ] && printf '%s  bodies/%s\n' "$d" "$s"; done < "$tmp/digests" > "$tmp/sums" || :
  bodies=$(wc -l < "$tmp/sums")
  [ "$bodies" -eq "$(ls bodies | wc -l)" ] || fail 'a body belongs to no header'
  [ "$bodies" -eq 0 ] || sha256sum --quiet -c "$tmp/sums" > /dev/null 2>&1 || fail 'a body does not fit the digest in its header'
fi
echo "bodies     $bodies fit their digests"

# 4. Nothing was left out.
case $(fact complete) in
none) ;;
headers)
  want=$(fact from); to=$(fact to)
  while read -r s; do [ "$s" -ge "$want" ] || continue; [ "$s" -eq "$want" ] || break; [ "$s" -eq "$to" ] && { want=done; break; }; want=$((want + 1)); done < "$tmp/seq"
  [ "$want" = done ] || fail "seq $want: its header is missing from the range"
  echo "complete   every header from $(fact from) to $to" ;;
chain)
  user=$(fact user); page=$(fact page); at=$(fact digest)
  want=$(paste -d ' ' "$tmp/seq" "$tmp/digest" | while read -r s d; do [ "$s" -eq "$at" ] && echo "$d"; done)
  for p in $(ls state | sort -n); do
    set -- $({ printf '\000'; cat "state/$p"; } | sha256sum); echo "$p $1"
  done > "$tmp/pages"
  [ "$(multi_root "$(fact pages)" state.proof < "$tmp/pages")" = "$want" ] || fail "the state's pages do not lead to the logged digest"
  # A record begins with the user's number (4 bytes) and last seq (8 bytes), little-endian.
  head_of() { tail -c +$(($2 + 1)) "state/$1" | head -c 12 | basenc --base16 -w 0 | lower; }
  number() { x=$1; out=; while [ -n "$x" ]; do b=${x%"${x#??}"}; x=${x#??}; out=$b$out; done; echo $((0x$out)); }
  paste -d ' ' "$tmp/seq" "$tmp/user" "$tmp/prev" | sort -rn > "$tmp/chain"
  for who in "$user" 0; do
    if [ "$who" -eq 0 ]; then r=$(head_of 0 "$(fact record0)"); else r=$(head_of "$page" "$(fact record)"); fi
    [ ${#r} -eq 24 ] && [ "$(number "$(echo "$r" | cut -c1-8)")" -eq "$who" ] || fail "the page holds no record of user $who"
    next=$(number "$(echo "$r" | cut -c9-24)"); n=0
    while read -r s u p; do
      [ "$u" -eq "$who" ] && [ "$s" -lt "$at" ] || continue
      [ "$s" -eq "$next" ] || fail "seq $next: missing from the chain of user $who"
      next=$p; n=$((n + 1))
    done < "$tmp/chain"
    [ "$next" -eq 0 ] || fail "seq $next: missing from the chain of user $who"
    echo "complete   $n events of user #$who before seq $at"
  done ;;
*) fail 'the bundle says it is complete in an unknown way' ;;
esac
echo VERIFIED
