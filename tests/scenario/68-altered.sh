#!/usr/bin/env bash
# What an agent keeps is altered on disk while it is stopped: rows of journal and outbox, of copy, leases and roster, papers,
# keys and lanes are changed, deleted, exchanged, doubled. It is detected and named, nothing is repaired in silence, and no
# till sees anything of it. A folder that is restored from an older copy, and one key that lives in two places at once, show
# at head office.
# usage: 68-altered.sh BIN-FOLDER
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh" "$@"
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)

make_formula --customers 120 --stores 4 --lines 600
sign_up 2 2>/dev/null
printf '[till]\nlisten = 127.0.0.1:0\n[witness]\nevery = 1s\n' >"$work/2/run.ini"
agent 2 staff add till-2 --role manager <<<"Manon Manager" 2>/dev/null
agent 2 staff pin till-1 <<<7391
agent 2 staff pin till-2 <<<6284
(umask 077; echo 7391 >"$work/pin"; echo 6284 >"$work/other-pin")

# start_agent: from $work/2, until it runs
start_agent() {
  KLUIS_AGENT_DATA=$work/2 kluis-agent run >"$work/2.log" 2>&1 </dev/null &
  daemon=$!
  processes+=("$daemon")
  wait_for "$work/2.log" 'running on' "$daemon"
}
stop_agent() {
  kill -TERM "$daemon"
  end_process "$daemon" || fail "the agent stopped with exit status $?: $(cat "$work/2.log")"
}
until_true() {
  local what=$1
  shift
  for _ in $(seq 300); do
    if "$@" >/dev/null 2>&1; then return 0; fi
    sleep 0.1
  done
  cat "$work/2.log" >&2
  fail "waited in vain until $what"
}
status_of() { agent 2 status --json | python3 -c 'import json, sys
value = json.load(sys.stdin)
for name in sys.argv[1:]:
    value = value[name]
print(value)' "$@"; }
is_copied() { [ "$(agent 2 status --json | grep -c '"state": *"open"')" -ge 2 ]; }
is_destroyed() { [ ! -e "$work/2/leases/service.key" ] && ! agent 2 status | grep 'copy for service .*open' >/dev/null; }
has_seen() { [ "$(status_of seen_size)" -gt 0 ]; }
lookup() { agent 2 lookup card --purpose service --employee "${2:-till-1}" --pin-file "${3:-$work/pin}" --json <<<"$1"; }
ring_up() {
  agent 2 receipt --purpose service --employee till-1 --pin-file "$work/pin" >/dev/null \
    <<<'{"customer": {"field": "card", "value": "'"$1"'"}, "day": "'"$(date -u +%F)"'", "lines": [{"product": "7", "units": "1", "amount": "2.50"}]}'
}
mapfile -t cards < <(python3 - "$work/data/customers.csv" "$work/data/sales.csv" <<'P'
import csv, sys
mine = {row["customer_id"] for row in csv.DictReader(open(sys.argv[2])) if row["store_id"] == "2"}
print("\n".join(row["account_num"] for row in csv.DictReader(open(sys.argv[1])) if row["customer_id"] in mine))
P
)

# ---- a folder with something of everything in it, its broker away -----------------------------------------------------------

start_agent
until_true "the copies are there" is_copied
until_true "a checkpoint is cosigned" has_seen
stop_agent
cp -r "$work/2" "$work/older"
start_agent
kluis-broker agreement suspend 2 >/dev/null
until_true "the copy is destroyed" is_destroyed
kluis-broker agreement resume 2 >/dev/null
until_true "the copies are there again" is_copied
stop_broker
for i in 0 1 2 3; do
  lookup "${cards[$i]}" >"$work/shown.$i" 2>&1 || fail "no lookup: $(cat "$work/shown.$i")"
  ring_up "${cards[$i]}"
done
stop_agent
cp -r "$work/2" "$work/good"
for i in 0 1 2 3; do
  member[$i]=$(sed -nE 's/^member ([0-9a-f]{32}), from the copy.*/\1/p' "$work/shown.$i")
done

alter() { python3 "$here/altered.py" "$work/2" "$@"; }
fresh() {
  rm -rf "$work/2"
  cp -r "$work/good" "$work/2"
}
# A byte in the middle of a file.
change_file() { python3 -c 'import sys
path = sys.argv[1]
data = bytearray(open(path, "rb").read())
data[len(data) // 2] ^= 1
open(path, "wb").write(data)' "$work/2/$1"; }
# What lies in the folder, but for the time ("time"), which each end of the agent writes.
content() { (cd "$work/2" && mdb_dump -a db | grep -E '^( |database=)' | sed '/^ 74696d65$/,+1d' && find . -type f ! -path './db/*' ! -name lock | sort | xargs sha256sum) | sha256sum; }

# refused STATUS TEXT HOW...: it does not start, says so twice in the same words, and leaves all as it is.
refused() {
  local status=$1 text=$2 before
  shift 2
  fresh
  "$@"
  before=$(content)
  for _ in 1 2; do
    expect "$status" "$text" timeout 10 env KLUIS_AGENT_DATA="$work/2" kluis-agent run
  done
  [ "$(content)" = "$before" ] || fail "$*: the folder was changed"
}
delete_file() { rm "$work/2/$1"; }

# ---- journal and outbox -----------------------------------------------------------------------------------------------------

refused 1 'journal record 2 was altered; nothing was repaired: keep' alter journal change second
refused 1 'journal record 1 is missing' alter journal delete first
refused 1 'journal record 3 is missing' alter journal delete 0000000000000003
refused 1 'journal record 4 is missing' alter journal delete last
refused 1 'journal records 1 to 4 are missing' alter journal empty
refused 1 'was altered' alter journal swap first second
refused 1 'was put there by something else' alter journal duplicate last 00000000000000ff
refused 1 'the row that says where the journal ends was altered' alter meta change =journal
refused 1 'journal record 1 was put there by something else' alter meta delete =journal
shown "journal: records changed, missing, exchanged, doubled, and its end: named, not repaired, not started"

refused 1 'outbox item 2 was altered on disk; nothing was repaired: keep' alter outbox change second
refused 1 'outbox item 1 is missing on disk' alter outbox delete first
refused 1 'outbox item 4 is missing on disk' alter outbox delete last
refused 1 'outbox item 1 is missing on disk' alter outbox empty
refused 1 'was altered on disk' alter outbox swap first second
refused 1 'the outbox on disk has an item that was never put there' alter outbox duplicate last 00000000000000ff
refused 1 'outbox' alter meta change =outbox
refused 1 'the outbox on disk has an item that was never put there' alter meta delete =outbox
shown "outbox: items changed, missing, exchanged, doubled, and its list: named, not repaired, not started"

refused 1 'kept time or state cannot be read: it was altered' alter meta change =time
refused 1 'kept time or state cannot be read: it was altered' alter meta change =agreement-state
refused 1 'kept time or state cannot be read: it was altered' alter meta change =cosigned
refused 1 'kept time or state cannot be read: it was altered' alter meta swap =time =cosigned
shown "what is known of time, of the agreement's state and of the log: altered, it is named, not repaired, not started"

# What asks no daemon says the same.
fresh
alter journal change second
for command in status alarms 'outbox list'; do
  # shellcheck disable=SC2086 -- a command is words
  expect 1 'journal record 2 was altered' agent 2 $command
done

# ---- papers, keys, lanes ----------------------------------------------------------------------------------------------------

refused 4 'agreement.note: not signed by' change_file agreement.note
refused 4 'charter.note: not signed by' change_file charter.note
refused 3 'charter.note' delete_file charter.note
refused 4 'store.key is not a private key file' change_file store.key
refused 3 'store.key' delete_file store.key
refused 1 'it was altered, or seal.key was' change_file seal.key
refused 3 'seal.key' delete_file seal.key
refused 4 'witness.key is not a private key file' change_file witness.key
refused 4 'agent.ini' change_file agent.ini
refused 1 'lane 2: its memory does not open' change_file lanes/lane-2
refused 1 'broker.crt' delete_file broker.crt
shown "papers, keys, lanes and settings: each is named, not repaired, not started"

# ---- copy and roster --------------------------------------------------------------------------------------------------------

service=$(printf 'service\0' | od -An -tx1 | tr -d ' \n')
altered_alarm() { agent 2 alarms >"$work/alarms" && grep -F 'altered on disk' "$work/alarms" | grep -F "$1" >/dev/null; }
fresh
alter customer change "$service${member[0]}"
alter customer swap "$service${member[1]}" "$service${member[2]}"
alter customer delete "$service${member[3]}"
start_agent
for i in 0 1 2 3; do
  ! lookup "${cards[$i]}" >"$work/out" 2>&1 || fail "an altered row is shown: $(cat "$work/out")"
  ! grep -E 'Invented|7000' "$work/out" >/dev/null || fail "an altered row is shown: $(cat "$work/out")"
done
altered_alarm 'a member in the copy was altered' || fail "no alarm: $(cat "$work/alarms")"
lookup "${cards[4]}" >"$work/out" 2>&1 || fail "the others are not shown: $(cat "$work/out")"
stop_agent
fresh
alter staff swap =till-1 =till-2
start_agent
expect 1 'the PIN cannot be checked' lookup "${cards[0]}"
altered_alarm 'an employee on the roster was altered' || fail "no alarm: $(cat "$work/alarms")"
stop_agent
fresh
alter staff swap 74696c6c2d310070696e 74696c6c2d320070696e
start_agent
expect 1 'the PIN cannot be checked' lookup "${cards[0]}" till-1 "$work/other-pin"
stop_agent
shown "rows of members and employees, and PINs, changed, exchanged, missing: nothing of them is shown, and it is alarmed"

# A copy whose lease or key is not what it was is destroyed: nobody can say any more until when it may be read.
destroyed() {
  fresh
  "$@"
  start_agent
  until_true "the copy is destroyed" is_destroyed
  ! lookup "${cards[0]}" >"$work/out" 2>&1 || fail "$*: shown: $(cat "$work/out")"
  stop_agent
}
destroyed alter lease change =service
altered_alarm "the lease for 'service' was altered" || fail "no alarm: $(cat "$work/alarms")"
destroyed alter lease swap =service =direct-marketing
altered_alarm "the lease for 'service' was altered" || fail "no alarm: $(cat "$work/alarms")"
destroyed alter lease delete =service
destroyed change_file leases/service.key
destroyed cp "$work/good/leases/direct-marketing.key" "$work/2/leases/service.key"
destroyed delete_file leases/service.key
shown "leases and their keys, changed, exchanged, missing: the copy is destroyed"

# ---- an older folder --------------------------------------------------------------------------------------------------------

start_broker
rm -rf "$work/2"
cp -r "$work/older" "$work/2"
start_agent
is_found() { kluis-broker findings | grep 'two places, or its folder was restored'; }
until_true "head office finds it" is_found
is_told() { agent 2 alarms | grep 'key used in two places'; }
until_true "the store is told" is_told
until_true "the copies are there" is_copied
lookup "${cards[0]}" >"$work/out" 2>&1 || fail "it does not go on: $(cat "$work/out")"
employ() { agent 2 staff add till-3 --role cashier <<<"Testa Derde"; }
until_true "its office goes on" employ
stop_agent
shown "a folder restored from an older copy: alarmed, found at head office, and it goes on"

alter meta change "$service"
start_agent
until_true "it is alarmed" altered_alarm "where the copy for 'service' stands was altered"
lookup "${cards[0]}" >"$work/out" 2>&1 || fail "the till is not served: $(cat "$work/out")"
stop_agent
agent 2 sync --anew >/dev/null 2>&1 || fail "the copy is not made anew"
for number in $(agent 2 alarms --json | python3 -c 'import json, sys; [print(alarm["number"]) for alarm in json.load(sys.stdin)]'); do
  agent 2 alarms seen "$number" >/dev/null
done
start_agent
until_true "the copies are there" is_copied
lookup "${cards[0]}" >"$work/out" 2>&1 || fail "the till is not served: $(cat "$work/out")"
! altered_alarm '' || fail "alarmed still: $(cat "$work/alarms")"
stop_agent
shown "where a copy stands in the broker's changes: altered, it is alarmed and not gone on from; made anew by command"

# ---- one key, two places, both at work --------------------------------------------------------------------------------------

cp -r "$work/2" "$work/twin"
start_agent
here_too=$daemon
KLUIS_AGENT_DATA=$work/twin kluis-agent run >"$work/twin.log" 2>&1 </dev/null &
twin=$!
processes+=("$twin")
wait_for "$work/twin.log" 'running on' "$twin"
for i in 0 1 2; do # each reads from its own copy into its own journal
  lookup "${cards[$i]}" >/dev/null 2>&1 || fail "no lookup"
  agent twin lookup card --purpose service --employee till-1 --pin-file "$work/pin" --json <<<"${cards[4]}" >/dev/null 2>&1 || fail "no lookup"
done
is_rewritten() { kluis-broker findings | grep 'the journal is not the one that was shown before'; }
until_true "head office finds two journals" is_rewritten
is_told_somewhere() { cat <(agent 2 alarms) <(agent twin alarms) | grep 'key used in two places'; }
until_true "a store is told" is_told_somewhere
kill -TERM "$twin"
end_process "$twin" || fail "the twin stopped with exit status $?"
daemon=$here_too
stop_agent
shown "one key in two places, both reading: alarmed in the store, two places and two journals found at head office"
stop_broker
