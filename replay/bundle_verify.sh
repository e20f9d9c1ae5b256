#!/bin/sh
# Checks this bundle with sh, openssl and coreutils alone: the checkpoint's signature, that every header
# is in the signed tree, that every body fits its header, that a complete chain or range has no gap, that
# events.ndjson says number, time, kind, who, session and action as they were signed, and that answer.txt
# says who was in what state when. What it does not check it lists.
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
: > "$tmp/unsigned"
unsigned() { printf 'not signed %s\n' "$1" >> "$tmp/unsigned"; }
if [ "$vkey" = "$(cat log.vkey)" ]; then
  [ ! -e log.pem ] || openssl pkey -pubin -in log.pem -outform DER 2> /dev/null | cmp -s - "$tmp/der" || fail 'log.pem holds another key than log.vkey'
else
  unsigned 'log.vkey and log.pem: another key than the one that was given'
fi
for f in *; do case $f in
  bundle | checkpoint | log.vkey | log.pem | policy | headers.bin | tree.proof | events.ndjson | answer.txt | README.txt | verify.sh) ;;
  bodies | receipts) ;;
  state | state.proof) [ "$(fact complete)" = chain ] || fail "$f: a file that no such bundle has" ;;
  *) fail "$f: a file that no bundle has" ;;
esac; done

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
# A little-endian number in hex, into n.
num() { _x=$1; n=; while [ -n "$_x" ]; do _y=${_x#??}; n=${_x%"$_y"}$n; _x=$_y; done; n=$((0x$n)); }
# kind cause flags user seq at session prev epoch length a b c d digest; the first ten as decimal numbers.
cut --output-delimiter=' ' -c1-2,3-4,5-8,9-16,17-32,33-48,49-64,65-80,81-88,89-96,97-112,113-128,129-144,145-160,161-224 "$tmp/hex" |
  while read -r k q f u s t i p e l rest; do
    num $k; k=$n; num $q; q=$n; num $f; f=$n; num $u; u=$n; num $s; s=$n; num $t; t=$n; num $p; p=$n; num $l; l=$n
    [ $i = ffffffffffffffff ] && i=0 || { num $i; i=$n; }
    echo $k $q $f $u $s $t $i $p $e $l $rest
  done > "$tmp/table"
cut -d ' ' -f 5 "$tmp/table" > "$tmp/seq"; cut -d ' ' -f 15 "$tmp/table" > "$tmp/digest"
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
  number() { num "$1"; echo "$n"; }
  cut -d ' ' -f 4,5,8 "$tmp/table" | while read -r u s p; do echo "$s $u $p"; done | sort -rn > "$tmp/chain"
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

# 5. Names: in the bodies of the events that gave them.
# Text number $2 of the body in file $1, as hex: the body is a packed Cap'n Proto message of one struct.
text_hex() {
  _h=$(tail -c +50 "$1" | basenc --base16 -w 0 | lower); _w=
  while [ -n "$_h" ]; do
    _r=${_h#??}; _t=${_h%"$_r"}; _h=$_r
    case $_t in
    00) _r=${_h#??}; _c=$((0x${_h%"$_r"})); _h=$_r; _w=${_w}0000000000000000
      while [ $_c -gt 0 ]; do _w=${_w}0000000000000000; _c=$((_c - 1)); done ;;
    ff) _r=${_h#????????????????}; _w=$_w${_h%"$_r"}; _h=$_r; _r=${_h#??}; _c=$((0x${_h%"$_r"})); _h=$_r
      while [ $_c -gt 0 ]; do _r=${_h#????????????????}; _w=$_w${_h%"$_r"}; _h=$_r; _c=$((_c - 1)); done ;;
    *) _m=$((0x$_t)); _b=0
      while [ $_b -lt 8 ]; do
        if [ $(((_m >> _b) & 1)) -eq 1 ]; then _r=${_h#??}; _w=$_w${_h%"$_r"}; _h=$_r; else _w=${_w}00; fi
        _b=$((_b + 1))
      done ;;
    esac
  done
  word() { printf '%s' "$_w" | cut -c$(($1 * 16 + 1))-$(($1 * 16 + 16)); }
  _p=$(word 0); num "$(printf '%s' "$_p" | cut -c1-8)"; _o=$((n >> 2)); num "$(printf '%s' "$_p" | cut -c9-12)"; _d=$n
  num "$(printf '%s' "$_p" | cut -c13-16)"; [ "$2" -lt "$n" ] || return 0
  _i=$((1 + _o + _d + $2)); _p=$(word $_i); num "$(printf '%s' "$_p" | cut -c1-8)"; _o=$((n >> 2))
  num "$(printf '%s' "$_p" | cut -c9-16)"; _n=$((n >> 3)); [ $_n -gt 1 ] || return 0
  _a=$(((_i + 1 + _o) * 16)); printf '%s' "$_w" | cut -c$((_a + 1))-$((_a + (_n - 1) * 2))
}
plain() { printf '%s' "$1" | upper | basenc --base16 -d; }
# The same with JSON's two escapes that a name can need.
quoted() { _q=; _x=$1; while [ -n "$_x" ]; do _y=${_x#??}; _z=${_x%"$_y"}; case $_z in 22 | 5c) _q=${_q}5c ;; esac; _q=$_q$_z; _x=$_y; done; plain "$_q"; }
mkdir "$tmp/user" "$tmp/action"
while read -r k q f u s t i p e l a b c d h; do
  case $k in
  1) if [ $l -eq 0 ]; then echo none; elif [ -e "bodies/$s" ]; then text_hex "bodies/$s" 0; else echo gone; fi > "$tmp/user/$u" ;;
  15) num $a; [ -e "$tmp/action/$n" ] || [ ! -e "bodies/$s" ] || text_hex "bodies/$s" 0 > "$tmp/action/$n" ;;
  esac
done < "$tmp/table"

# 6. events.ndjson: what stands before the texts in each line is what the header and the names say.
i=0; for x in none user_enrolled login logout activity inactivity link_up link_down node_up node_down status_set status_cleared joined left policy_set action_named channel_named state_digest alive_mark clock_step erase_requested user_erased hold_set hold_released history_read retention_applied import_began import_ended log_continued; do eval "kind_$i=$x"; i=$((i + 1)); done
i=0; for x in - login connect resync logout revoked superseded grace_expired ttl_expired erased idle_timeout client_hint clean abort timeout drain crash restart user expired admin; do eval "cause_$i=$x"; i=$((i + 1)); done
# Microseconds as RFC 3339, into when (days to a date: H. Hinnant, chrono-compatible date algorithms).
moment() {
  _f=$((($1 % 1000000 + 1000000) % 1000000)); _s=$((($1 - _f) / 1000000)); _t=$(((_s % 86400 + 86400) % 86400)); _z=$(((_s - _t) / 86400 + 719468))
  _e=$((_z / 146097)); _o=$((_z - _e * 146097)); _y=$(((_o - _o / 1460 + _o / 36524 - _o / 146096) / 365)); _d=$((_o - (365 * _y + _y / 4 - _y / 100)))
  _m=$(((5 * _d + 2) / 153)); _d=$((_d - (153 * _m + 2) / 5 + 1)); _y=$((_y + _e * 400)); [ $_m -lt 10 ] && _m=$((_m + 3)) || { _m=$((_m - 9)); _y=$((_y + 1)); }
  when=$(printf '%04d-%02d-%02dT%02d:%02d:%02d.%06dZ' $_y $_m $_d $((_t / 3600)) $((_t % 3600 / 60)) $((_t % 60)) $_f)
}
# Takes the text in front of the next bare quote from rest, into str.
take_string() {
  str=
  while :; do
    case $rest in *\"*) ;; *) fail "seq $s: a line that is no JSON" ;; esac
    _p=${rest%%\"*}; rest=${rest#*\"}; str=$str$_p; _odd=0
    while :; do case $_p in *\\) _p=${_p%\\}; _odd=$((1 - _odd)) ;; *) break ;; esac; done
    [ $_odd -eq 1 ] || return 0
    str=$str\"
  done
}
expect() { case $rest in "$1"*) rest=${rest#"$1"} ;; *) fail "seq $s: events.ndjson says something else than the signed bytes" ;; esac; }
# Keys of the rest of a line that would say again, and otherwise, what stood before.
said_twice() {
  printf '%s' "$1" | od -An -v -tx1 -w1 | {
    depth=1; string=no; key=; last=
    while read -r x; do
      if [ $string = yes ]; then
        case $x in 5c) key=$key$x; read -r x; key=$key$x ;; 22) string=no; last=$key ;; *) key=$key$x ;; esac
        continue
      fi
      case $x in
      22) string=yes; key= ;;
      7b | 5b) depth=$((depth + 1)) ;;
      7d | 5d) depth=$((depth - 1)) ;;
      3a) [ $depth -eq 1 ] || continue
        case $last in 736571 | 6174 | 6b696e64 | 6361757365 | 75736572 | 757365725f6e756d626572 | 73657373696f6e | 616374696f6e | *5c*) exit 0 ;; esac ;;
      esac
    done
    exit 1
  }
}
listed=0
exec 5< "$tmp/table"
while IFS= read -r line; do
  rest=${line#'{"seq":'}; want=${rest%%,*}; listed=$((listed + 1))
  case $want in '' | *[!0-9]*) fail 'events.ndjson: a line that is no event' ;; esac
  while :; do
    read -r k q f u s t i p e l a b c d h <&5 || fail "seq $want: events.ndjson tells of an event that is not in the bundle, or not in order"
    [ "$s" -ge "$want" ] && break
  done
  [ "$s" = "$want" ] || fail "seq $want: events.ndjson tells of an event that is not in the bundle"
  rest=$line; moment "$t"; eval "kind=\$kind_$k cause=\$cause_$q"
  expect "{\"seq\":$s,\"at\":\"$when\",\"kind\":\"$kind\""
  [ "$q" -eq 0 ] || expect ",\"cause\":\"$cause\""
  if [ "$u" -ne 0 ]; then
    expect ',"user":"'
    name=none; [ ! -e "$tmp/user/$u" ] || name=$(cat "$tmp/user/$u")
    case $name in
    none) take_string; rest=\"$rest; [ "$str" = "#$u" ] || unsigned "the name of user #$u" ;;
    gone) expect "#$u" ;;
    *) expect "$(quoted "$name")" ;;
    esac
    expect "\",\"user_number\":$u"
  fi
  [ "$i" -eq 0 ] || expect ",\"session\":$i"
  if [ "$k" -eq 4 ] && [ $((f & 16)) -eq 0 ]; then
    num "$c"; act=
    if [ "$n" -ne 0 ]; then
      if [ -e "$tmp/action/$n" ]; then act=$(plain "$(cat "$tmp/action/$n")"); else unsigned "the name of action $n"; expect ',"action":"'; take_string; fi
    elif [ -e "bodies/$s" ]; then
      act=$(plain "$(text_hex "bodies/$s" 1)")
    fi
    [ -z "$act" ] || expect ",\"action\":\"$act\""
  fi
  case $rest in ,* | '}') ;; *) fail "seq $s: events.ndjson says something else than the signed bytes" ;; esac
  case $rest in *'"seq"'* | *'"at"'* | *'"kind"'* | *'"cause"'* | *'"user"'* | *'"user_number"'* | *'"session"'* | *'"action"'* | *\\u*)
    ! said_twice "$rest" || fail "seq $s: events.ndjson says one thing twice" ;;
  esac
done < events.ndjson
exec 5<&-
[ -z "$(fact listed)" ] || [ "$(fact listed)" -eq "$listed" ] || fail 'events.ndjson leaves out or adds an event'
echo "readable   $listed events: number, time, kind, who, session and action as signed"

# 7. answer.txt: the chain is replayed by the rules of presence (docs/presence.md) for this one person.
state_now() {
  state=offline
  for x in $open; do eval "y=\$away_$x"; if [ "$y" -eq 0 ]; then state=online; elif [ $state = offline ]; then state=away; fi; done
  [ "$state" = online ] && [ "$manual" -eq 1 ] && state=away || :
}
has() { case " $open " in *" $1 "*) return 0 ;; esac; return 1; }
close() { _o=; for x in $open; do [ "$x" -eq "$1" ] || _o="$_o $x"; done; open=$_o; }
detach() { eval "det_$1=1 dr_$1=\$((dr_$1 + 1))"; }
# Takes the links of node $1 up to epoch $2 from every session.
drop_links() {
  for x in $open; do
    eval "y=\$links_$x"; z=; gone=no
    for w in $y; do if [ "${w%%:*}" = "$1" ] && w2=${w#*:} && [ "${w2%%:*}" -le "$2" ]; then gone=yes; else z="$z $w"; fi; done
    [ $gone = yes ] || continue
    eval "links_$x=\$z"; [ -n "$z" ] || detach "$x"
  done
}
apply() {
  case $k in 8 | 9 | 10 | 11 | 2 | 3 | 4 | 5 | 6 | 7 | 21) ;; *) return 0 ;; esac
  num $a; na=$n; num $b; nb=$n
  case $k in
  2) if [ "$a$b" != 00000000000000000000000000000000 ]; then for x in $open; do eval "y=\$tag_$x"; [ "$y" != "$a$b" ] || return 0; done; fi
    open="$open $s"; eval "away_$s=0 ever_$s=0 det_$s=0 ar_$s=1 dr_$s=0 no_$s=0 tag_$s=$a$b la_$s=$t links_$s=" ;;
  3) if [ "$i" -eq 0 ]; then case $q in 7 | 8) ;; *) open= ;; esac; return 0; fi
    has "$i" || return 0
    eval "x=\$det_$i y=\$dr_$i z=\$ever_$i w=\$ar_$i"
    case $q in
    7) [ "$x" -eq 1 ] && [ "$na" -eq "$y" ] || return 0 ;;
    8) [ "$z" -eq 0 ] && [ "$na" -eq "$w" ] || return 0 ;;
    esac
    close "$i" ;;
  4) if [ "$i" -eq 0 ]; then
      [ -n "$open" ] || return 0
      y=; for x in $open; do eval "z=\$la_$x"; if [ -z "$y" ] || [ "$z" -ge "$y" ]; then i=$x; y=$z; fi; done
    else has "$i" || return 0; fi
    eval "y=\$no_$i"; [ "$nb" -eq 0 ] || [ "$nb" -gt "$y" ] || return 0
    num "$d"; { [ "$n" -gt 0 ] && [ "$n" -lt "$t" ]; } || n=$t
    eval "away_$i=0 ar_$i=\$((ar_$i + 1)) x=\$la_$i z=\$det_$i"
    [ "$n" -le "$x" ] || eval "la_$i=$n"
    [ "$nb" -eq 0 ] || eval "no_$i=$nb"
    [ "$z" -eq 0 ] || eval "dr_$i=\$((dr_$i + 1))" ;;
  5) has "$i" || return 0
    eval "x=\$away_$i y=\$no_$i z=\$ar_$i"; [ "$x" -eq 0 ] || return 0
    if [ "$q" -eq 11 ]; then num "$c"; [ "$n" -eq 0 ] || { [ "$n" -gt "$y" ] || return 0; eval "no_$i=$n"; }; else [ "$na" -eq "$z" ] || return 0; fi
    eval "away_$i=1" ;;
  6 | 7) has "$i" || return 0
    w=$((nb >> 32)); z=$((nb & 4294967295)); eval "x=\${up_$w:--1} y=\${down_$w:--1}"
    { [ "$z" -ge "$x" ] && [ "$z" -gt "$y" ]; } || return 0
    w="$w:$z:$a"; eval "y=\$links_$i"
    case " $y " in *" $w "*) x=yes ;; *) x=no ;; esac
    if [ "$k" -eq 6 ]; then
      [ $x = no ] || return 0
      eval "links_$i=\"\$y \$w\" ever_$i=1 x=\$det_$i"; [ "$x" -eq 0 ] || eval "det_$i=0 dr_$i=\$((dr_$i + 1))"
    else
      [ $x = yes ] || return 0
      z=; for x in $y; do [ "$x" = "$w" ] || z="$z $x"; done
      eval "links_$i=\$z"; [ -n "$z" ] || detach "$i"
    fi ;;
  8 | 9) w=$((na >> 32)); e=$((na & 4294967295)); eval "x=\${up_$w:--1} y=\${down_$w:--1}"
    [ "$e" -gt "$y" ] || return 0
    if [ "$k" -eq 8 ]; then
      [ "$e" -gt "$x" ] || return 0
      [ "$e" -eq 0 ] || { up=$w; drop_links "$up" $((e - 1)); w=$up; }
      eval "up_$w=$e"
    else
      if [ "$q" -eq 17 ] && [ "$nb" -ne 0 ]; then for x in $open; do eval "y=\$det_$x"; [ "$y" -eq 0 ] || eval "dr_$x=\$((dr_$x + 1))"; done; fi
      down=$w; drop_links "$down" "$e"; eval "down_$down=$e"
    fi ;;
  10) manual=$((f & 3)); [ $manual -le 2 ] || manual=0; rev=$((rev + 1)) ;;
  11) if [ "$q" -eq 19 ] && [ "$nb" -ne "$rev" ]; then return 0; fi; manual=0; rev=$((rev + 1)) ;;
  21) open=; manual=0; erased=yes ;;
  esac
}
if [ -e answer.txt ] || [ -n "$(fact asked)" ] || [ -n "$(fact moment)" ]; then
  [ "$(fact complete)" = chain ] && [ -e answer.txt ] || fail 'answer.txt without a complete chain'
  asked=$(fact asked); when_asked=$(fact moment); open=; manual=0; rev=0; erased=no; said=; before=; after=; pinned=
  while read -r k q f u s t i p e l a b c d h; do
    [ "$s" -eq "$asked" ] && before=$t; [ "$s" -eq $((asked + 1)) ] && after=$t; [ "$s" -eq "$at" ] && pinned=$t
    [ -z "$when_asked" ] || [ "$s" -le "$asked" ] || [ "$t" -gt "$when_asked" ] || fail "seq $s: not later than the moment, and after the event asked about"
    [ "$s" -lt "$at" ] || continue
    if [ -z "$said" ] && [ "$s" -gt "$asked" ]; then state_now; said=$state; fi
    case $u in 0) case $k in 8 | 9) apply ;; esac ;; "$user") [ $erased = yes ] || apply ;; esac
  done < "$tmp/table"
  state_now; [ -n "$said" ] || said=$state
  case $(tail -c +$(($(fact record) + 40)) "state/$page" | head -c 1 | basenc --base16) in 00) x=offline ;; 01) x=online ;; *) x=away ;; esac
  [ "$state" = "$x" ] || fail "replaying the chain gives another state than the log's digest"
  [ -n "$before" ] || fail 'the event asked about is not in the bundle'
  if [ -n "$when_asked" ]; then
    [ -n "$after" ] && [ "$before" -le "$when_asked" ] || fail 'the event asked about is later than the moment, or the next is missing'
    [ -n "$pinned" ] && [ "$pinned" -gt "$when_asked" ] || fail 'the signed state digest is not later than the moment'
  fi
  name=none; [ ! -e "$tmp/user/$user" ] || name=$(cat "$tmp/user/$user")
  case $name in none | gone) who="user #$user"; unsigned "the name of user #$user" ;; *) who="$(plain "$name") (user #$user)" ;; esac
  when=; [ -z "$when_asked" ] || { moment "$when_asked"; when=" at $when,"; }
  printf '%s was %s%s after event %s of %s\n' "$who" "$said" "$when" "$asked" "$origin" > "$tmp/answer"
  cmp -s "$tmp/answer" answer.txt || fail 'answer.txt says something else than the chain'
  printf 'answer     '; cat answer.txt
fi
sort -u "$tmp/unsigned"
[ ! -e policy ] || echo 'not signed policy: which witnesses the operator asks you to demand'
[ "$listed" -eq 0 ] || echo 'not here   the texts of events.ndjson behind action, and receipts/: rollcall verify bundle checks them'
echo VERIFIED
