#!/usr/bin/env bash
# A store's key is replaced while its daemon runs: tills look up, in the copy and at the broker, and ring up on, and not one
# call fails. Then the agent is killed with -9 at any instant of it, again and again, and goes on by itself each time.
# At the end nothing is missing, nothing is there twice, nobody is alarmed, and the log verifies.
# usage: 81-rotate.sh BIN-FOLDER
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh" "$@"
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)

make_formula
{ # anybody is looked up, but only those who were here are copied
  sed -e 's/^per-day .*/per-day    = 1000000/' "$examples/agreement.template.ini"
  printf '\n[grant elsewhere]\npurpose = service\noperations = lookup\ncustomers = all\nfields = given_name, tier, card\n'
  printf 'staff = cashier\nhours = mon-sun 00:00-24:00 America/Los_Angeles\nper-day = 1000000\nterritory = US, CA, MX\n'
} >"$work/template.ini"
sign_up 2 2>/dev/null
join_auditor
port=$(free_port)
printf '[till]\nlisten = 127.0.0.1:%s\n[witness]\nevery = 1s\n' "$port" >"$work/2/run.ini"
agent 2 staff pin till-1 <<<7391

start_agent() {
  : >"$work/2.log"
  KLUIS_AGENT_DATA=$work/2 kluis-agent run >>"$work/2.log" 2>&1 </dev/null &
  agent=$!
  processes+=("$agent")
  wait_for "$work/2.log" 'running on' "$agent"
}
kill_agent() {
  kill -KILL "$agent" 2>/dev/null || true
  end_process "$agent" 2>/dev/null || true
}

# say PATH...: a member of the store's status.
say() {
  agent 2 status --json | python3 -c 'import json, sys
value = json.load(sys.stdin)
for name in sys.argv[1:]:
    value = value[name]
print(value)' "$@"
}
# until_says WHAT VALUE COMMAND...: within 30 s.
until_says() {
  local what=$1 want=$2 got=''
  shift 2
  for _ in $(seq 300); do
    got=$("$@" 2>/dev/null) || got='?'
    [ "$got" != "$want" ] || return 0
    sleep 0.1
  done
  cat "$work/2.log" >&2
  fail "$what: '$got' instead of '$want'"
}
receipts() { kluis-broker totals --json | jq '[.[] | select(.store == 2) | .receipts] | add // 0'; }
is_copied() { agent 2 status --json | grep '"state": *"open"' >/dev/null && echo yes; }

start_agent
until_says 'the first copy' yes is_copied
until_says online True say online
python3 - "$work/data/sales.csv" "$work/data/customers.csv" >"$work/cards" <<'P'
import csv, sys
here = {row["customer_id"] for row in csv.DictReader(open(sys.argv[1])) if row["store_id"] == "2"}
rows = list(csv.reader(open(sys.argv[2])))[1:]
for row in [row for row in rows if row[0] in here][:20]:
    print("copy", row[1])
for row in [row for row in rows if row[0] not in here][:20]:
    print("broker", row[1])
P
before=$(receipts)

# open_tills STRICT-OR-PATIENT, close_tills.
tills=()
open_tills() {
  local i
  rm -f "$work/stop"
  for i in 1 2 3; do
    python3 "$here/rotate_tills.py" "$port" "$work/cards" "$work/notes.$i" "$work/stop" "$1" <<<7391 &
    tills+=("$!")
    processes+=("$!")
  done
}
close_tills() {
  local each
  touch "$work/stop"
  for each in "${tills[@]}"; do end_process "$each" || fail "a till ended with exit status $?"; done
  tills=()
}
answered() { cat "$work"/notes.? 2>/dev/null | grep -cx "$1" || true; }
# still_served WHAT: since the last time each kind of call was answered again, and none failed.
declare -A last=([copy]=0 [broker]=0 [receipt]=0)
still_served() {
  local kind
  for kind in copy broker receipt; do
    for _ in $(seq 200); do
      [ "$(answered $kind)" -lt "$((last[$kind] + 3))" ] || break
      sleep 0.05
    done
    ! grep -h FAILED "$work"/notes.? >&2 || fail "$1: a call of a till failed"
    [ "$(answered $kind)" -ge "$((last[$kind] + 3))" ] || { cat "$work/2.log" >&2; fail "$1: no answer for $kind any more"; }
    last[$kind]=$(answered $kind)
  done
}

# ---- while it runs -----------------------------------------------------------------------------------------------------

open_tills strict
still_served 'before a rotation'
process=$agent
for _ in 1 2 3 4 5 6; do
  key=$(say key)
  expect 0 'the old one is taken no more' agent 2 key rotate
  [ "$(say key)" != "$key" ] || fail "the key is $key as before"
  grep -q "is now $(say key);" "$work/out" || fail "status says $(say key): $(cat "$work/out")"
  still_served 'after a rotation'
done
kill -0 "$process" || fail "the agent does not run any more"
[ "$(say key)" = "$(sed -E 's/^PRIVATE\+KEY\+[^+]*\+([0-9a-f]{8})\+.*/\1/' "$work/2/store.key")" ] || fail "the folder has another key"
[ "$(wc -l <"$work/2/retired.vkeys")" = 6 ] || fail "six keys were retired: $(cat "$work/2/retired.vkeys")"
for _ in 1 2 3 4 5 6 7 8 9 10; do expect 0 '' agent 2 key rotate; done # one right after the other
still_served 'after ten rotations at once'
shown "16 rotations under load, without a restart: $(answered copy) lookups in the copy, $(answered broker) at the broker, $(answered receipt) receipts, none failed"

# ---- without the broker ------------------------------------------------------------------------------------------------

close_tills
stop_broker
until_says offline False say online
key=$(say key)
expect 1 'the key is as it was' agent 2 key rotate
[ "$(say key)" = "$key" ] && [ ! -e "$work/2/store.key.new" ] || fail "something was begun"
start_broker
until_says online True say online
shown "without the broker: refused, and nothing is begun"

# ---- killed at any instant ---------------------------------------------------------------------------------------------

open_tills patient
: >"$work/cuts"
: >"$work/rotate.out"
for cut in $(seq 20); do
  # one rotation after the other until the agent is gone
  KLUIS_AGENT_DATA=$work/2 setsid bash -c 'while kluis-agent key rotate; do :; done' >>"$work/rotate.out" 2>&1 & rotating=$!
  sleep "0.$((RANDOM % 200 + 100))"
  kill_agent
  kill -KILL -- "-$rotating" 2>/dev/null || true
  wait "$rotating" 2>/dev/null || true
  for _ in $(seq 100); do kill -0 -- "-$rotating" 2>/dev/null || break; sleep 0.02; done # its command has the folder still
  [ ! -e "$work/2/store.key.new" ] || echo new >>"$work/cuts"
  [ ! -e "$work/2/store.key.next" ] || echo next >>"$work/cuts"
  start_agent
  still_served "after kill $cut" # signed in again too: a sign-in that is cut off counts as a wrong PIN
done
for name in new next; do until_says "store.key.$name" gone bash -c "[ -e '$work/2/store.key.$name' ] || echo gone"; done
left() { grep -cx "$1" "$work/cuts" || true; }
shown "killed twenty times in $(grep -c 'is now' "$work/rotate.out") rotations, store.key.new was left $(left new) times and store.key.next $(left next) times, and gone on with"

# ---- cut off, and the broker is away -----------------------------------------------------------------------------------

close_tills
(umask 077; echo 7391 >"$work/pin")
card=$(sed -n 's/^copy //p' "$work/cards" | sed -n 1p)
# hang_rotation: the broker does not answer any more, and the agent is killed while it waits for that. What it waited for
# before comes first: then it is tried again.
hang_rotation() {
  for _ in $(seq 10); do
    until_says 'all delivered' 0 say outbox waiting
    kill -STOP "$broker"
    agent 2 key rotate >"$work/rotate.out" 2>&1 & rotating=$!
    for _ in $(seq 40); do
      [ ! -e "$work/2/store.key.new" ] || break 2
      sleep 0.05
    done
    kill -CONT "$broker"
    wait "$rotating" || true
  done
  sleep 0.2
  kill_agent
  wait "$rotating" 2>/dev/null || true
  [ -e "$work/2/store.key.new" ] || fail "the rotation had not begun"
}
is_through() { [ ! -e "$work/2/store.key.new" ] && [ ! -e "$work/2/store.key.next" ] && echo yes; }
hang_rotation # and the broker never got it
kill -KILL "$broker"
end_process "$broker" 2>/dev/null || true
start_agent
key=$(say key)
expect 0 'from the copy' agent 2 lookup card --purpose service --employee till-1 --pin-file "$work/pin" <<<"$card"
[ -e "$work/2/store.key.new" ] && [ "$(say key)" = "$key" ] || fail "the key was replaced without the broker"
start_broker
until_says 'the rotation' yes is_through
[ "$(say key)" != "$key" ] || fail "the key is as it was"
hang_rotation # and the broker got it
kill -CONT "$broker"
sleep 0.3
start_agent
until_says 'the rotation' yes is_through
open_tills patient
still_served 'after rotations that were cut off'
close_tills
shown "cut off, the broker away: the copy is served, and the agent goes on by itself when the broker is back"

# ---- nothing lost, nothing twice ---------------------------------------------------------------------------------------

until_says 'all delivered' 0 say outbox waiting
until_says 'the journal' 0 say journal waiting
! grep -h FAILED "$work"/notes.? >&2 || fail "a call of a till failed"
[ "$(say outbox refused)" = 0 ] || fail "refused: $(agent 2 outbox list)"
[ "$(($(receipts) - before))" = "$(answered receipt)" ] ||
  fail "$(answered receipt) receipts were acknowledged, head office has $(($(receipts) - before))"
agent 2 alarms >"$work/out"
! grep -q '[a-z]' <(tail -n +2 "$work/out") || fail "alarms: $(cat "$work/out")"
kluis-broker findings >"$work/out"
! grep -q '[0-9]' <(tail -n +2 "$work/out") || fail "findings: $(cat "$work/out")"
kill -TERM "$agent"
end_process "$agent" || fail "the agent stopped with exit status $?"
expect 0 'the old one is taken no more' agent 2 key rotate # the command does it itself
expect 0 '' agent 2 sync
sleep 0.2
expect 0 '' kluis-audit mirror "$work/watch" --to "$work/mirror"
expect 0 'verified' kluis-audit verify "$work/mirror" --log-key "$work/watch/log.vkey"
expect 0 'no difference' kluis-audit replay "$work/mirror" --check
shown "all $(answered receipt) receipts are there once, no alarm, no finding, and the log verifies"
stop_broker
