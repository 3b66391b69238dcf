#!/usr/bin/env bash
# Every key gets another one while stores look customers up in a loop, and not one request fails: a store's own, the log's,
# the broker's certificate, the master key, each killed in the middle once; and a store's stolen key is revoked. At the
# end an auditor who was given the log's first key follows all of it.
# usage: 80-keys.sh BIN-FOLDER
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh" "$1"

make_formula --customers 400
# anybody, as often as they like: what is refused here is a key's fault
sed -e 's/^customers .*/customers  = all/' -e 's/^per-day .*/per-day    = 1000000/' "$examples/agreement.template.ini" >"$work/template.ini"
for store in 5 6 7; do sign_up "$store" 2>/dev/null; done
join_auditor
cut -d, -f2 "$work/data/customers.csv" | sed -n 2,41p >"$work/cards"
cp "$work/watch/log.vkey" "$work/first.vkey"

# ---- stores at work ----------------------------------------------------------------------------------------------------

# work_on STORE: looks up card after card until $work/stop is there; a line in STORE.done for each, in STORE.failed for
# what was not answered.
work_on() {
  local card
  while [ ! -e "$work/stop" ]; do
    while read -r card; do
      [ ! -e "$work/stop" ] || break
      if agent "$1" lookup card --purpose service --employee till-1 <<<"$card" >"$work/$1.out" 2>&1; then
        echo "$card" >>"$work/$1.done"
      else
        cat "$work/$1.out" >>"$work/$1.failed"
      fi
    done <"$work/cards"
  done
}
: >"$work/5.done" && : >"$work/6.done"
work_on 5 & workers=("$!")
work_on 6 & workers+=("$!")
processes+=("${workers[@]}")

# still_at_work WHAT: both stores have looked up more since the last time, and nothing failed.
declare -A before=([5]=0 [6]=0)
still_at_work() {
  local store now
  for store in 5 6; do
    for _ in $(seq 200); do
      now=$(wc -l <"$work/$store.done" 2>/dev/null || echo 0)
      [ "$now" -lt "$((before[$store] + 5))" ] || break
      sleep 0.1
    done
    [ ! -e "$work/$store.failed" ] || { cat "$work/$store.failed" >&2; fail "$1: a lookup of store $store failed"; }
    [ "$now" -ge "$((before[$store] + 5))" ] || fail "$1: store $store stands still at $now lookups"
    before[$store]=$now
  done
  shown "$1; stores looked up on, $((before[5] + before[6])) times so far"
}
still_at_work 'before anything is rotated'

# ---- a store's key -----------------------------------------------------------------------------------------------------

old=$(cat "$work/5/store.key")
expect 0 'the old one is taken no more' agent 5 key rotate
[ "$old" != "$(cat "$work/5/store.key")" ] || fail "store 5 has the same key"
[ ! -e "$work/5/store.key.new" ] && [ ! -e "$work/5/store.key.next" ] || fail "a rotation left its files"
expect 0 '' agent 5 agreement show
for cut in 1 2 3 4 5 6; do # killed after some hundredths of a second
  agent 7 key rotate >/dev/null 2>&1 & rotating=$!
  sleep "0.0$cut"
  kill -KILL "$rotating" 2>/dev/null || true
  wait "$rotating" 2>/dev/null || true
  # which key the broker knows now, the next rotation finds out
  expect 0 'the old one is taken no more' agent 7 key rotate
  expect 0 '' agent 7 lookup card --purpose service --employee till-1 <<<"$(head -1 "$work/cards")"
done
# somebody who copied the folder before is out
mkdir -m 700 "$work/thief"
cp -a "$work/5/." "$work/thief/"
echo "$old" >"$work/thief/store.key"
rm -f "$work/thief/lanes/"*
expect 3 '' env KLUIS_AGENT_DATA="$work/thief" kluis-agent lookup card --purpose service --employee till-1 <<<"$(head -1 "$work/cards")"
still_at_work "stores' keys rotated"

# ---- a stolen key ------------------------------------------------------------------------------------------------------

expect 0 '' agent 7 lookup card --purpose service --employee till-1 <<<"$(head -1 "$work/cards")"
expect 2 '--reason' kluis-broker key revoke 7
expect 0 'is taken no more' kluis-broker key revoke 7 --reason 'back office broken into'
expect 3 'not found' kluis-broker key revoke 7 --reason 'again'
expect 3 'principal' agent 7 lookup card --purpose service --employee till-1 <<<"$(head -1 "$work/cards")"
mv "$work/7" "$work/7.stolen"
rm "$work/7.invitation"
join_store 7
expect 0 '' agent 7 agreement sign --yes
expect 0 '' agent 7 staff add till-2 --role cashier <<<"Testa Second"
expect 0 '' agent 7 lookup card --purpose service --employee till-2 <<<"$(head -1 "$work/cards")"
expect 3 'principal' env KLUIS_AGENT_DATA="$work/7.stolen" kluis-agent sync
still_at_work 'a stolen key was revoked and its store joined again'

# ---- the log's key -----------------------------------------------------------------------------------------------------

kluis-audit mirror "$work/watch" --to "$work/mirror" >/dev/null
expect 3 'no rotation was begun' kluis-broker key rotate-log --finish
kluis-broker key rotate-log >/dev/null 2>&1 & rotating=$!
sleep 0.03
kill -KILL "$rotating" 2>/dev/null || true
wait "$rotating" 2>/dev/null || true
kluis-broker key rotate-log >"$work/out" 2>&1 || grep -q 'keys already' "$work/out" || fail "rotate-log: $(cat "$work/out")"
[ "$(kluis-broker key list | grep -c 'signs checkpoints')" = 2 ] || fail "the log has not two keys: $(kluis-broker key list)"
expect 0 'trust version 1' agent 5 trust
kluis-audit mirror "$work/watch" --to "$work/mirror" >/dev/null
[ "$(grep -c '^— ' "$work/mirror/checkpoint")" = 2 ] || fail "the checkpoint has not two signatures"
expect 0 'trust version 2' kluis-broker key rotate-log --finish
[ ! -e "$work/hq/log.key" ] && [ -e "$work/hq/log-2.key" ] || fail "the old log key is still there"
expect 0 'trust version 2, new here' agent 5 trust
still_at_work "the log's key was rotated"

# ---- the certificate ---------------------------------------------------------------------------------------------------

expect 0 'trust version 3' kluis-broker key rotate-certificate
expect 3 'two certificates already' kluis-broker key rotate-certificate
for store in 5 6 7; do expect 0 'trust version 3' agent "$store" trust; done
kluis-audit mirror "$work/watch" --to "$work/mirror" >/dev/null
expect 0 'trust version 4' kluis-broker key rotate-certificate --finish
[ ! -e "$work/hq/tls.key" ] && [ -e "$work/hq/tls-2.key" ] || fail "the old certificate's key is still there"
expect 0 'trust version 4, new here' agent 6 trust
still_at_work 'the certificate was rotated'
# one that was not told is locked out, and comes in by a new invitation
kluis-broker store open 4711 Late NL >/dev/null
kluis-broker invite store 4711 --out "$work/4711.invitation" >/dev/null
expect 0 'joined as' agent 4711 join "$work/4711.invitation"
expect 0 'trust version 4, new here' agent 4711 trust

# ---- the master key ----------------------------------------------------------------------------------------------------

for cut in 02 05 10 20; do
  kluis-broker key rotate-master >/dev/null 2>&1 & rotating=$!
  sleep "0.$cut"
  kill -KILL "$rotating" 2>/dev/null || true
  wait "$rotating" 2>/dev/null || true
done
newest=$(find "$work/hq" -maxdepth 1 -name 'master*.key' | sort -V | tail -1)
expect 0 'were sealed anew' kluis-broker key rotate-master
[ "$(find "$work/hq" -maxdepth 1 -name 'master*.key' | wc -l)" = 1 ] || fail "old master keys are left: $(ls "$work/hq")"
[ -n "$newest" ] || fail "no master key"
still_at_work 'the master key was rotated'

# ---- a restart: everything is found again ------------------------------------------------------------------------------

touch "$work/stop"
for each in "${workers[@]}"; do end_process "$each" || true; done
[ ! -e "$work/5.failed" ] && [ ! -e "$work/6.failed" ] || fail "a lookup failed: $(cat "$work"/?.failed)"
stop_broker
start_broker
expect 0 '' agent 5 lookup card --purpose service --employee till-1 <<<"$(head -1 "$work/cards")"
expect 0 '' agent 6 sync
kluis-broker key list >"$work/out"
grep -q 'log-2.key' "$work/out" && grep -q 'tls-2.crt.*shown' "$work/out" || fail "key list: $(cat "$work/out")"
shown 'the broker comes back with the keys of all rotations'

# ---- the auditor -------------------------------------------------------------------------------------------------------

sleep 0.2
expect 0 '' kluis-audit mirror "$work/watch" --to "$work/mirror"
expect 0 'followed to trust version 4' kluis-audit verify "$work/mirror" --log-key "$work/first.vkey"
expect 0 'no difference' kluis-audit replay "$work/mirror" --check
# another auditor, who comes in by an invitation of now
kluis-broker invite auditor late --out "$work/late.invitation" >/dev/null
kluis-audit join "$work/late.invitation" --dir "$work/late" >/dev/null
kluis-audit mirror "$work/late" --to "$work/late.mirror" >/dev/null
expect 0 'verified' kluis-audit verify "$work/late.mirror" --log-key "$work/late/log.vkey"
# a proof from before the rotations and one from now, by the first key
kluis-audit prove "$work/mirror" 3 --entry "$work/3.entry" >"$work/3.proof"
expect 5 '' kluis-audit check-proof "$work/3.proof" --entry "$work/3.entry" --log-key "$work/first.vkey"
expect 0 'is entry 3' kluis-audit check-proof "$work/3.proof" --entry "$work/3.entry" --log-key "$work/first.vkey" --mirror "$work/mirror"
# a trust note taken out, or its line: named
paper=$(grep -l '^version = 2' "$work"/mirror/papers/* | sed -n 1p)
cp "$paper" "$work/paper"
rm "$paper"
expect 5 '' kluis-audit verify "$work/mirror" --log-key "$work/first.vkey"
sed '$d' "$work/paper" >"$paper"
expect 5 '' kluis-audit verify "$work/mirror" --log-key "$work/first.vkey"
cp "$work/paper" "$paper"
expect 0 'verified' kluis-audit verify "$work/mirror" --log-key "$work/first.vkey"
shown 'the log verifies from its first key on, and every decision comes out the same'
