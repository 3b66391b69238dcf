#!/usr/bin/env bash
# The clock of a running broker is set back behind its log: it answers nobody and says so, logs nothing at a wrong time, and
# goes on once the clock is right. A few seconds, as NTP sets clocks back, do not matter.
# usage: 41-clock.sh BIN-FOLDER
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh" "$@"

# A library that reads the time from a file; under AddressSanitizer, which must come first, it does not load.
preload=$(find /usr/lib -name libfaketimeMT.so.1 2>/dev/null | sed -n 1p)
echo '+0' >"$work/clock"
under_clock=(env "FAKETIME_TIMESTAMP_FILE=$work/clock" FAKETIME_NO_CACHE=1 "LD_PRELOAD=$preload")
if [ -z "$preload" ] || ! "${under_clock[@]}" kluis-broker --version >/dev/null 2>&1; then
  shown "not shown (no faketime, or it does not work here): a clock set back while the broker runs"
  exit 0
fi

make_formula
sign_up 2
agent 2 sync >/dev/null
card=$(awk -F, 'NR == FNR { if ($5 == 2) here[$3]; next } $1 in here { print $2; exit }' "$work/data/sales.csv" "$work/data/customers.csv")
stop_broker
"${under_clock[@]}" kluis-broker serve >"$work/serve" 2>&1 </dev/null &
broker=$!
processes+=("$broker")
wait_for "$work/serve" 'serving on' "$broker"
look_up() { agent 2 lookup card --purpose service --employee till-1 <<<"$card"; }
expect 0 "" look_up

echo '-3' >"$work/clock"
expect 0 "allowed by" look_up
shown "three seconds back: served"

join_auditor
mark_log
echo '-600' >"$work/clock"
expect 1 "the clock is set back behind the log" look_up
grep -q given_name "$work/out" && fail "a member was shown all the same"
expect 1 "the clock is set back behind the log" agent 2 sync
expect 1 "the clock is set back behind the log" kluis-broker store list
expect 1 "the clock is set back behind the log" kluis-broker agreement suspend 2
grep -q 'the clock is set back behind the log' "$work/serve" || fail "the broker does not say so"
shown "ten minutes back: nobody is answered, and the broker says why"

echo '+0' >"$work/clock"
expect 0 "allowed by" look_up
log_since
[ "$(grep -c lookup "$work/new")" -eq 1 ] || { cat "$work/new" >&2; fail "something was logged at a wrong time"; }
expect 0 "verified" kluis-audit verify "$work/mirror" --log-key "$work/watch/log.vkey"
expect 0 "no difference" kluis-audit replay "$work/mirror" --check
shown "set right, it goes on; nothing of the time between is in the log"
stop_broker
