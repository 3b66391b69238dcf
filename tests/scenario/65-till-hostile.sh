#!/usr/bin/env bash
# What a hostile page, or another user of the till's machine, tries on the agent's local API: pages of other origins,
# DNS rebinding, forms, odd bodies and paths, PINs and tokens by guessing, connections that say nothing. Refused, the
# till goes on, and nothing personal is in a log.
# usage: 65-till-hostile.sh BIN-FOLDER
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh" "$@"

make_formula
sign_up 2 2>/dev/null
agent 2 staff add till-2 --role manager <<<"Manon Verzonnen" 2>/dev/null
agent 2 staff pin till-1 <<<7391
agent 2 staff pin till-2 <<<6284
printf '[till]\nlisten = 127.0.0.1:0\n' >"$work/2/run.ini"
KLUIS_AGENT_DATA=$work/2 kluis-agent run >"$work/2.log" 2>&1 </dev/null &
daemon=$!
processes+=("$daemon")
wait_for "$work/2.log" 'running on' "$daemon"
card=$(python3 -c 'import csv, sys
row = next(csv.DictReader(open(sys.argv[1])))
print(row.get("card") or row.get("account_num"))' "$work/data/customers.csv")

python3 "$(dirname "${BASH_SOURCE[0]}")/till_hostile.py" "$work/2" "$card" "$daemon" || fail "see above"

# a new PIN forgets wrong tries
agent 2 staff pin till-1 <<<5173
(umask 077; echo 5173 >"$work/pin")
expect 3 '' agent 2 lookup card --purpose service --employee till-1 --pin-file "$work/pin" <<<"70009999999"
shown "a new PIN lets the employee in again"

[ "$(stat -c %a "$work/2/admin.token")" = 600 ] || fail "admin.token is open to others"
! grep -qE "7391|6284|5173|$card|Manon|Testa|$(cat "$work/2/admin.token")" "$work/2.log" "$work/hq.serve" || fail "a log has what it must not"
! tr '\0' ' ' <"/proc/$daemon/cmdline" | grep -E '7391|6284' >/dev/null || fail "a PIN is in ps"
shown "no PIN, token, card or name in the logs"
kill -TERM "$daemon"
end_process "$daemon" || fail "the agent stopped with exit status $?"
stop_broker
