#!/usr/bin/env bash
# A store that runs itself: kluis-agent run makes the copy, follows each change, loses the copy the moment its agreement
# is suspended and certifies that, comes back after broker or agent were killed, and says so when its folder runs twice.
# usage: 62-agent.sh BIN-FOLDER
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh" "$@"

make_formula
for store in 2 3; do
  sign_up "$store" 2>/dev/null
  printf '[till]\nlisten = 127.0.0.1:0\n[witness]\nevery = 1s\n' >"$work/$store/run.ini"
done

declare -A agents

# start_agent STORE: what it says is added to $work/STORE.log.
start_agent() {
  : >"$work/$1.log"
  KLUIS_AGENT_DATA=$work/$1 kluis-agent run >"$work/$1.log" 2>&1 </dev/null &
  agents[$1]=$!
  processes+=("$!")
  wait_for "$work/$1.log" 'running on' "$!"
}

# stop_agent STORE: by SIGTERM, within two seconds, with exit status 0.
stop_agent() {
  local status=0 began
  began=$(now_ms)
  kill -TERM "${agents[$1]}"
  end_process "${agents[$1]}" || status=$?
  [ "$status" -eq 0 ] || { cat "$work/$1.log" >&2; fail "agent $1 stopped with exit status $status"; }
  [ $(($(now_ms) - began)) -lt 2000 ] || fail "agent $1 took $(($(now_ms) - began)) ms to stop"
}

now_ms() { date +%s%3N; }

# copied STORE: customers in its copy for service.
copied() {
  agent "$1" status --json | python3 -c 'import json, sys
copies = json.load(sys.stdin)["copies"]
print(sum(copy["customers"] for copy in copies if copy["purpose"] == "service"))'
}

# say STORE PATH...: a member of its status.
say() {
  agent "$1" status --json | python3 -c 'import json, sys
value = json.load(sys.stdin)
for name in sys.argv[1:]:
    value = value[name]
print(value)' "${@:2}"
}

# until_says WHAT VALUE COMMAND...: within 20 s.
until_says() {
  local what=$1 want=$2 got=''
  shift 2
  for _ in $(seq 200); do
    got=$("$@" 2>/dev/null) || got='?'
    [ "$got" != "$want" ] || return 0
    sleep 0.1
  done
  cat "$work"/*.log >&2
  fail "$what: '$got' instead of '$want'"
}

# ---- the first copy, by itself -------------------------------------------------------------------------------------------

agent 2 sync >/dev/null
whole=$(agent 2 status --json | python3 -c 'import json, sys; print(sum(c["customers"] for c in json.load(sys.stdin)["copies"] if c["purpose"] == "service"))')
[ "$whole" -gt 0 ] || fail "store 2 has nobody in scope"
start_agent 3
start_agent 2
until_says "store 2's copy" "$whole" copied 2
until_says "online" True say 2 online
[ "$(say 2 agreement state)" = active ] || fail "not active"
expect 0 "service" kluis-broker holdings
shown "two agents make their first copies by themselves: $whole customers in store 2"

# ---- a change at the broker ----------------------------------------------------------------------------------------------

python3 - "$work/data/sales.csv" "$work/more.csv" <<'P'
import csv, sys
rows = list(csv.DictReader(open(sys.argv[1])))
mine = {row["customer_id"] for row in rows if row["store_id"] == "2"}
row = next(row for row in rows if row["customer_id"] not in mine)
row["store_id"] = "2"
out = csv.DictWriter(open(sys.argv[2], "w"), rows[0].keys(), lineterminator="\n")
out.writeheader()
out.writerow(row)
P
# Says "asking", then when the copy had one more, in ms since 1970.
python3 - "$work/2/till.port" "$whole" >"$work/seen" <<'P' &
import http.client, json, sys, time
address, port = open(sys.argv[1]).read().split()
server = http.client.HTTPConnection(address, int(port), timeout=10)
def copied():
    server.request("GET", "/v1/status")
    return sum(copy["customers"] for copy in json.load(server.getresponse())["copies"] if copy["purpose"] == "service")
print("asking", flush=True)
end = time.time() + 10
while copied() != int(sys.argv[2]) + 1 and time.time() < end:
    pass
print("seen", int(time.time() * 1000), flush=True)
P
asking=$!
wait_for "$work/seen" asking "$asking"
began=$(now_ms)
import sales "$work/more.csv" >/dev/null 2>&1
wait "$asking"
took=$(($(sed -n 's/^seen //p' "$work/seen") - began))
[ "$took" -lt 1000 ] || fail "a change took $took ms"
whole=$((whole + 1))
[ "$(copied 2)" = "$whole" ] || fail "the copy has $(copied 2) customers instead of $whole"
shown "a change at the broker stands in the copy $took ms after the command that made it was started"

# ---- suspended, resumed --------------------------------------------------------------------------------------------------

kluis-broker agreement suspend 2 >/dev/null
until_says "the copy of a suspended store" 0 copied 2
[ -z "$(ls "$work/2/leases")" ] || fail "keys are left: $(ls "$work/2/leases")"
until_says "what it holds" 0 bash -c 'kluis-broker holdings | grep -c "^ *2 " || true'
[ "$(copied 3)" -gt 0 ] || fail "store 3 lost its copy too"
kluis-broker agreement resume 2 >/dev/null
until_says "the copy of a store that is resumed" "$whole" copied 2
shown "suspended: the copy is gone with its keys and head office has the certificate; resumed: copied anew"

# ---- broker and agent killed ---------------------------------------------------------------------------------------------

kill -KILL "$broker"
end_process "$broker" 2>/dev/null || true
until_says "offline" False say 2 online
[ "$(copied 2)" = "$whole" ] || fail "the copy is gone with the broker"
start_broker
until_says "online again" True say 2 online
until_says "online again" True say 3 online
shown "the broker is killed and started again: both agents are back"
for _ in 1 2 3; do
  kill -KILL "${agents[2]}"
  end_process "${agents[2]}" 2>/dev/null || true
  start_agent 2
  until_says "online after kill -9" True say 2 online
done
until_says "the copy after kill -9" "$whole" copied 2
expect 0 '' agent 2 alarms
! grep -q '[a-z]' <(tail -n +2 "$work/out") || fail "alarms: $(cat "$work/out")"
shown "an agent killed three times goes on where it was, without an alarm"

# ---- commands while it runs ----------------------------------------------------------------------------------------------

agent 2 staff add till-2 --role manager <<<"Manon Manager" 2>/dev/null
agent 2 staff pin till-2 <<<"7391"
agent 2 staff list --json | grep till-2 >/dev/null || fail "till-2 is not on the roster"
agent 2 staff remove till-2
! agent 2 staff list --json | grep till-2 >/dev/null || fail "till-2 is on the roster still"
expect 0 'running' agent 2 status
expect 0 '' agent 2 outbox list
expect 3 'no refused item 7' agent 2 outbox discard 7
shown "staff, status and outbox work while it runs"

# ---- twice ---------------------------------------------------------------------------------------------------------------

expect 1 "works in '$work/2' now" timeout 20 env KLUIS_AGENT_DATA="$work/2" kluis-agent run
shown "refused: a second agent on one folder"
stop_agent 3
cp -r "$work/3" "$work/4"
rm "$work/4/till.port" "$work/4/admin.token"
start_agent 3
until_says "online" True say 3 online
sleep 1
start_agent 4
until_says "online" True say 4 online
for _ in $(seq 100); do
  twice=$(cat <(agent 3 alarms) <(agent 4 alarms) | grep -c 'two' || true)
  [ "$twice" -eq 0 ] || break
  sleep 0.1
done
[ "$twice" -gt 0 ] || { cat "$work"/[34].log >&2; fail "no alarm of a store that runs in two places"; }
until_says "head office's finding" 1 bash -c 'kluis-broker findings | grep -c "two places" | sed "s/^[1-9].*/1/"'
shown "a folder copied elsewhere and run: an alarm in the store, a finding at head office"
stop_agent 4
stop_agent 3
stop_agent 2
stop_broker
