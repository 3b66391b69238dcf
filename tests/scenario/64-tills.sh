#!/usr/bin/env bash
# Tills: while a store's agent runs, employees look up, ring up, register, change, record consents, hand on requests and
# report incidents by command; and the local API answers as its OpenAPI file says, route by route.
# usage: 64-tills.sh BIN-FOLDER
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh" "$@"
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)

make_formula
sed -E '/^\[grant service-at-till\]/,/^\[grant direct/ {
  s/^operations = .*/operations = lookup, sync, receipt, register, update, consent/
  s/^customers  = .*/customers  = all/
}' "$examples/agreement.template.ini" >"$work/template.ini"
sign_up 2 2>/dev/null
printf '[till]\nlisten = 127.0.0.1:0\n' >"$work/2/run.ini"
card=$(python3 -c 'import csv, sys
row = next(csv.DictReader(open(sys.argv[1])))
print(row.get("card") or row.get("account_num"))' "$work/data/customers.csv")

# ---- without the daemon --------------------------------------------------------------------------------------------------

(umask 077; echo 7391 >"$work/pin"; echo 7392 >"$work/wrong-pin")
as=(--employee till-1 --pin-file "$work/pin")
for command in register "change 00000000000000000000000000000000" \
  "consent 00000000000000000000000000000000 given --to direct-marketing"; do
  # shellcheck disable=SC2086 -- a command is words
  expect 3 'the daemon is not running; start it with' agent 2 $command --purpose service "${as[@]}" </dev/null
done
expect 3 "the daemon is not running; start it with 'kluis-agent run'" agent 2 request access "${as[@]}" <<<"please"
expect 3 'the daemon is not running' agent 2 incident loss "${as[@]}" <<<"lost"
expect 0 '' agent 2 lookup card --purpose service --employee till-1 <<<"$card"
agent 2 staff pin till-1 <<<7391
shown "without the daemon: what needs it says so, the rest goes on"

# ---- with it -------------------------------------------------------------------------------------------------------------

KLUIS_AGENT_DATA=$work/2 kluis-agent run >"$work/2.log" 2>&1 </dev/null &
daemon=$!
processes+=("$daemon")
wait_for "$work/2.log" 'running on' "$daemon"
for _ in $(seq 200); do
  agent 2 status --json 2>/dev/null | grep '"state": *"open"' >/dev/null && break
  sleep 0.1
done
expect 0 '' agent 2 lookup card --purpose service "${as[@]}" --json <<<"$card"
member=$(sed -nE 's/^member ([0-9a-f]{32}), from the copy; .*/\1/p' "$work/out")
[ -n "$member" ] || { cat "$work/out" >&2; fail "no member from the copy"; }
expect 3 '' agent 2 lookup card --purpose service "${as[@]}" <<<"70009999999"
expect 3 '' agent 2 lookup card --purpose service --employee till-1 --pin-file "$work/wrong-pin" <<<"$card"
expect 2 'give --pin-file' setsid env KLUIS_AGENT_DATA="$work/2" kluis-agent lookup card --purpose service --employee till-1 <<<"$card"
chmod 644 "$work/wrong-pin"
expect 1 '' agent 2 lookup card --purpose service --employee till-1 --pin-file "$work/wrong-pin" <<<"$card"
shown "lookup: by name and PIN, from the copy"

receipt='{"customer": {"field": "card", "value": "'$card'"}, "day": "2026-01-17", "lines": [{"product": "7", "units": "1", "amount": "2.50"}]}'
expect 0 'rung up; number' agent 2 receipt --purpose service "${as[@]}" <<<"$receipt"
expect 4 'unknown key' agent 2 receipt --purpose service "${as[@]}" <<<'{"customer": {}, "colour": "red"}'
expect 0 'registered; number' agent 2 register --purpose service "${as[@]}" <<<$'card=70009999998\ngiven_name=Nieuw\nfamily_name=Verzonnen'
new=$(grep -xE '[0-9a-f]{32}' "$work/out") || fail "no id"
expect 4 'standard input:2: not FIELD=VALUE' agent 2 register --purpose service "${as[@]}" <<<$'given_name=A\n70009999997'
expect 0 'changed; number' agent 2 change "$new" --purpose service "${as[@]}" <<<'city=Zeist'
expect 0 'recorded; number' agent 2 consent "$member" given --to direct-marketing --purpose service "${as[@]}"
expect 4 '' agent 2 consent "$member" perhaps --to direct-marketing --purpose service "${as[@]}"
expect 0 'handed on; number' agent 2 request erasure "$member" "${as[@]}" <<<"I want to be forgotten"
expect 4 '' agent 2 request everything "${as[@]}" <<<"?"
expect 0 'reported; number' agent 2 incident loss --since 2026-01-17T14:30Z "${as[@]}" <<<"a printout was lost"
expect 2 'MEMBER is the 32' agent 2 change ann --purpose service "${as[@]}" <<<'city=Zeist'
shown "receipt, registration, change, consent, request and incident by command, into the outbox"

for _ in $(seq 100); do
  waiting=$(agent 2 status --json | python3 -c 'import json, sys; print(json.load(sys.stdin)["outbox"]["waiting"])')
  [ "$waiting" -ne 0 ] || break
  sleep 0.1
done
[ "$waiting" -eq 0 ] || fail "$waiting items wait still"
agent 2 outbox list >"$work/outbox"
! grep -q refused "$work/outbox" || { cat "$work/outbox" >&2; fail "the broker refused"; }
shown "the broker has all of it"

# ---- the API -------------------------------------------------------------------------------------------------------------

python3 "$(dirname "${BASH_SOURCE[0]}")/till_api.py" "$root" "$work/2" till-1 7391 "$card" || fail "the API and its file differ"
shown "each route answers as openapi.json says"
! grep -qE '7391|7392|Nieuw|Verzonnen|forgotten|printout|'"$card" "$work/2.log" || fail "something personal is in the log"
kill -TERM "$daemon"
end_process "$daemon" || fail "the agent stopped with exit status $?"
stop_broker
