#!/usr/bin/env bash
# Garbage, truncated, oversized, forged, altered, replayed and reordered messages over real TLS against the real broker,
# and a flood of them while a store is being served: answered tersely, no entry but what a store signed, nothing disclosed.
# usage: 45-hostile-messages.sh BIN-FOLDER
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh" "$@"
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)

make_formula
for store in 6 7; do
  kluis-broker invite store "$store" --out "$work/$store.invitation" >/dev/null
  draft "$store" >/dev/null
  kluis-broker agreement sign --store "$store" >/dev/null
done
# a customer who bought at store 6
customer=$(awk -F, 'NR == 1 { for (i = 1; i <= NF; i++) at[$i] = i } NR > 1 && $at["store_id"] == 6 { print $at["customer_id"]; exit }' \
  "$work/data/sales.csv")
card=$(awk -F, -v id="$customer" '$1 == id { print $2; exit }' "$work/data/customers.csv")
protoc -I "$here/../../proto" --python_out="$work" "$here/../../proto/kluis.proto"
PYTHONDONTWRITEBYTECODE=1 /usr/bin/python3 "$here/hostile.py" "$work" "$card" || fail "not as FORMAT.md says"

kill -0 "$broker" || fail "the broker is gone"
grep -qF "$card" "$work/hq.serve" && fail "the broker's log says a card number"
[ "$(wc -l <"$work/hq.serve")" -lt 200 ] || fail "strangers fill the broker's log: $(wc -l <"$work/hq.serve") lines"
shown "the broker said $(wc -l <"$work/hq.serve") lines, no card number"
join_auditor
read_log
expect 0 'verified: ' kluis-audit verify "$work/mirror" --log-key "$work/watch/log.vkey"
expect 0 'no difference' kluis-audit replay "$work/mirror" --check
shown "the log of all this verifies and recomputes"
stop_broker
