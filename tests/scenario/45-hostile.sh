#!/usr/bin/env bash
# A broker over TLS against clients that keep no rule: garbage, oversized, cut, altered, replayed, misattributed requests
# are refused, only what a store's own key signed is entered in the log, and as refused; while strangers flood the
# broker, a store is served.
# usage: 45-hostile.sh BIN-FOLDER
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh" "$@"

make_formula
join_auditor
sign_up 3
sign_up 4
agent 4 sync >/dev/null

# a customer whom store 4 may see
card=$(agent 4 copy --purpose service | jq -r '.fields.card' | sed -n 1p)

agreement_of() { agent "$1" status | sed -n "s,^agreement *\([0-9a-f]*\)$,\1,p"; }

expect 0 "" agent 4 lookup card --purpose service --employee till-1 <<<"$card"
read_log
employee=$(awk -F, '$6 == "lookup" { id = $5 } END { print id }' "$work/log")
address=$(sed -n 's/^listen = //p' "$work/hq/broker.ini")

mark_log
expect 0 "entries: " kluis-hostile messages "$address" "$work/4/broker.crt" "$work/4/store.key" "$(agreement_of 4)" \
  "$(agreement_of 3)" "$employee" "$card"
while IFS= read -r each; do shown "$each"; done < <(grep -v '^entries' "$work/out")
entries=$(sed -n 's/^entries: //p' "$work/out")

# the log has exactly what was authenticated: two lookups, the others as refused
log_since
[ "$(wc -l <"$work/new")" -eq "$entries" ] || { cat "$work/new" >&2; fail "not $entries entries"; }
[ "$(grep -c ',lookup,service,ok,' "$work/new")" -eq 2 ] || { cat "$work/new" >&2; fail "not two lookups"; }
if grep -v '/store/4,' "$work/new" >&2; then fail "an entry in another's name"; fi
shown "the log holds $entries entries for all this: 2 lookups, $((entries - 2)) refusals of what the store's own key signed"

# ---- a flood of strangers ------------------------------------------------------------------------------------------------

mark_log
kluis-hostile flood "$address" "$work/4/broker.crt" "$work/3/store.key" 5 >"$work/flood" 2>&1 </dev/null &
flood=$!
processes+=("$flood")
lookups=0 slowest=0
while kill -0 "$flood" 2>/dev/null; do
  began=$(date +%s%N)
  expect 0 "" agent 4 lookup card --purpose service --employee till-1 <<<"$card"
  took=$((($(date +%s%N) - began) / 1000000))
  [ "$took" -le "$slowest" ] || slowest=$took
  lookups=$((lookups + 1))
done
end_process "$flood" || { cat "$work/flood" >&2; fail "the flood ended early"; }
[ "$lookups" -ge 5 ] || fail "only $lookups lookups in 5 s"
log_since
[ "$(wc -l <"$work/new")" -eq "$lookups" ] || fail "$(wc -l <"$work/new") entries of $lookups lookups"
[ "$(grep -c ',lookup,service,ok,' "$work/new")" -eq "$lookups" ] || fail "an entry of something else"
[ "$(wc -l <"$work/hq.serve")" -lt 200 ] || fail "the flood fills the broker's own log"
shown "in 5 s $(sed -n 's/^sent: //p' "$work/flood") messages of strangers: $lookups lookups of a store succeed (slowest $slowest ms), nothing else is entered"

expect 0 "in sync" agent 4 sync
read_log
expect 0 "verified" kluis-audit verify "$work/mirror" --log-key "$work/watch/log.vkey"
expect 0 "no difference" kluis-audit replay "$work/mirror" --check
stop_broker
shown "the log verifies, and every verdict is right"
