#!/usr/bin/env bash
# FoodMart through the real programs: every number that its README publishes, each store's copy, ownership by both rules
# against a computation of awk's own, an audit of all of it, and no value of a customer in the log.
# usage: 10-foodmart.sh BIN-FOLDER
set -euo pipefail
bin=$(cd "$1" && pwd)
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
data=${KLUIS_FOODMART:-../shared/data}
if [ ! -r "$data/customers.csv.gz" ]; then
  echo "10-foodmart: FoodMart is not at $data (KLUIS_FOODMART names another place): nothing was shown"
  exit 0
fi
data=$(cd "$data" && pwd)
examples=$PWD/broker/examples/foodmart
work=$(mktemp -d)
broker=''
trap '[ -z "$broker" ] || kill "$broker" 2>/dev/null || true; rm -rf "$work"' EXIT
fail() {
  echo "10-foodmart: $*" >&2
  exit 1
}
shown() { echo "10-foodmart: $*"; }
export PATH=$bin:$PATH
sales=("$data/sales_1997.csv.gz" "$data/sales_1998.csv.gz" "$data/sales_1998_dec.csv")

free_port() {
  local port
  for port in $(seq 7930 8030); do
    (exec 3<>"/dev/tcp/127.0.0.1/$port") 2>/dev/null || { echo "$port"; return 0; }
  done
  return 1
}
# start_formula FOLDER CHARTER: a broker with all of FoodMart in it; KLUIS_DATA names it from then on.
start_formula() {
  export KLUIS_DATA=$1
  kluis-broker init --charter "$2" --listen "tls+tcp://127.0.0.1:$(free_port)" >/dev/null
  kluis-broker serve >"$1.log" 2>&1 </dev/null &
  broker=$!
  for _ in $(seq 200); do
    grep -q 'serving on' "$1.log" && break
    sleep 0.05
  done
  kluis-broker import stores "$data/stores.csv" --mapping "$examples/stores.map" >"$1.out"
  kluis-broker import customers "$data/customers.csv.gz" --mapping "$examples/customers.map" --json >"$1.customers"
  local file
  for file in "${sales[@]}"; do
    kluis-broker import receipts "$file" --mapping "$examples/receipts.map" --json >>"$1.receipts"
  done
}
stop_formula() {
  kill -TERM "$broker"
  wait "$broker" || fail "the broker did not stop cleanly"
  broker=''
}
# join_store NUMBER FOLDER: by invitation, signs, syncs
join_store() {
  kluis-broker invite store "$1" --out "$2.invitation" >/dev/null
  kluis-agent join "$2.invitation" --data "$2" >/dev/null
  kluis-agent agreement sign --yes --data "$2" >/dev/null
  kluis-agent sync --data "$2" >/dev/null
}
# the sales of all files, without headers
all_sales() {
  local file
  for file in "${sales[@]}"; do gzip -cdf "$file" | tail -n +2; done
}

# ---- import: counts and exact sums ---------------------------------------------------------------------------------

start_formula "$work/hq" "$examples/charter.ini"
customers=$(jq -s 'map(if type == "array" then .[] else . end) | map(.accepted) | add' "$work/hq.customers")
[ "$customers" = 10281 ] || fail "customers imported: $customers"
receipts=$(jq -s 'map(if type == "array" then .[] else . end) | map(.receipts // .records) | add' "$work/hq.receipts")
lines=$(jq -s 'map(if type == "array" then .[] else . end) | map(.accepted) | add' "$work/hq.receipts")
[ "$receipts/$lines" = 58381/269720 ] || fail "receipts and lines imported: $receipts/$lines"
shown "imported 10,281 customers and 58,381 receipts of 269,720 lines"

# from the sealed receipts: year store receipts lines units amount cost, the last three in 1/10000
kluis-broker totals --json | jq -r '.[] | [.year, .store, .receipts, .lines, .units, .amount, .cost] | @tsv' |
  tr -d . | sort -n -k1,1 -k2,2 >"$work/totals"
# the same by awk from the files; every amount there has four decimals, sums stay below 2^53
all_sales | awk -F, -v OFS='\t' '
  { year = substr($9, 1, 4); key = year OFS $5; sub(/\./, "", $6); sub(/\./, "", $7); sub(/\./, "", $8)
    if (!seen[$5, $3, $9]++) receipts[key]++
    lines[key]++; units[key] += $8; amount[key] += $6; cost[key] += $7 }
  END { for (key in lines) printf "%s\t%.0f\t%.0f\t%.0f\t%.0f\t%.0f\n", key, receipts[key], lines[key], units[key], amount[key], cost[key] }' |
  sort -n -k1,1 -k2,2 >"$work/expected"
diff "$work/expected" "$work/totals" >"$work/diff" || { head "$work/diff" >&2; fail "sums by year and store differ"; }
# and as published: data/README.md
awk '{ r[$1] += $3; l[$1] += $4; u[$1] += $5; a[$1] += $6; c[$1] += $7 }
  END { for (y in l) printf "%s %.0f %.0f %.0f %.0f %.0f\n", y, r[y], l[y], u[y], a[y], c[y] }' "$work/totals" | sort >"$work/years"
diff - "$work/years" <<'END' || fail "sums by year are not the published ones"
1997 20530 86837 2667730000 5652381300 2256272336
1998 37851 182883 5667160000 11993083100 4806674970
END
shown "sums of units and money by year and store are exact"

size() { kluis-broker totals --json | jq length; }
before=$(size)
for file in "${sales[@]}"; do kluis-broker import receipts "$file" --mapping "$examples/receipts.map" >/dev/null; done
kluis-broker import customers "$data/customers.csv.gz" --mapping "$examples/customers.map" >/dev/null
kluis-broker totals --json | jq -r '.[] | [.year, .store, .receipts, .lines, .units, .amount, .cost] | @tsv' |
  tr -d . | sort -n -k1,1 -k2,2 >"$work/again"
diff -q "$work/totals" "$work/again" >/dev/null && [ "$before" = "$(size)" ] || fail "the same import again changed something"
shown "the same import again changes nothing"

# ---- each store's copy ---------------------------------------------------------------------------------------------

kluis-broker agreement draft --all --template "$examples/agreement.template.ini" --values "$data/stores.csv" >/dev/null
kluis-broker agreement sign --all >/dev/null
mkdir "$work/stores"
for store in $(seq 0 24); do
  join_store "$store" "$work/stores/$store"
  printf '%s %s\n' "$store" "$(kluis-agent copy --purpose service --data "$work/stores/$store" | tee "$work/copy" | wc -l)"
  # no field outside the grant
  jq -r '.fields | keys[]' "$work/copy" | sort -u >>"$work/fields"
done >"$work/copies"
awk -F'|' '/^\| +[0-9]+ \|/ && NF == 8 { gsub(/ /, "", $2); gsub(/ /, "", $7); print $2, $7 }' "$data/README.md" >"$work/published"
diff "$work/published" "$work/copies" || fail "copies are not the customers that the README gives"
outside=$(sort -u "$work/fields" | grep -vxE 'given_name|family_name|tier|card|phone|city' || true)
[ -z "$outside" ] || fail "fields outside the grant: $outside"
[ "$(sort -u "$work/fields" | wc -l)" = 6 ] || fail "fields of the grant are missing"
shown "25 copies hold just the customers of the README's last column, and just the grant's six fields"

# ---- audit ---------------------------------------------------------------------------------------------------------

kluis-broker invite auditor field --out "$work/auditor.invitation" >/dev/null
kluis-audit join "$work/auditor.invitation" --dir "$work/auditor" >/dev/null
kluis-audit mirror "$work/auditor" --to "$work/mirror" >/dev/null 2>&1
kluis-broker keys | sed -n 1p >"$work/log.vkey"
kluis-audit verify "$work/mirror" --log-key "$work/log.vkey" >/dev/null || fail "the mirror does not verify"
kluis-audit replay "$work/mirror" --check >"$work/check" || fail "decisions differ: $(head -n 3 "$work/check")"
shown "$(tail -n 1 "$work/check")"

cp -r "$work/mirror" "$work/altered"
while read -r file; do
  bytes=$(stat -c %s "$work/mirror/$file")
  for at in 0 $((bytes / 2)) $((bytes - 1)); do
    byte=$(od -An -tu1 -j "$at" -N 1 "$work/mirror/$file")
    printf "\\x$(printf %x $((byte ^ 4)))" | dd of="$work/altered/$file" bs=1 seek="$at" conv=notrunc status=none
    status=0
    kluis-audit verify "$work/altered" --log-key "$work/log.vkey" >"$work/out" 2>&1 || status=$?
    [ "$status" = 5 ] || fail "byte $at of $file flipped: exit status $status"
    grep -qF "$file" "$work/out" || fail "byte $at of $file flipped, and the file is not named: $(head -n 2 "$work/out")"
    cp "$work/mirror/$file" "$work/altered/$file"
  done
done < <(cd "$work/mirror" && find . -type f ! -name '.*' | sed 's|^\./||' | sort)
shown "a flipped byte at the start, middle and end of each mirror file is found and the file named"

# ---- nothing personal in the log -----------------------------------------------------------------------------------

gzip -cdf "$data/customers.csv.gz" | /usr/bin/python3 -c '
import csv, sys
for row in csv.DictReader(sys.stdin):
    for column in "account_num", "fullname", "address1", "phone1", "phone2":
        if len(row[column]) >= 8:  # shorter ones turn up by chance in megabytes of hashes
            print(row[column])' | sort -u >"$work/values"
[ "$(wc -l <"$work/values")" -gt 40000 ] || fail "too few values to look for"
status=0
find "$work/mirror/tile/entries" -type f -exec cat {} + >"$work/entries"
LC_ALL=C grep -a -o -F -f "$work/values" "$work/entries" >"$work/found" || status=$?
[ "$status" = 1 ] || fail "values of customers stand in the log: $(wc -l <"$work/found")"
shown "none of $(wc -l <"$work/values") names, addresses, telephones and card numbers stands in the log"
stop_formula

# ---- ownership -----------------------------------------------------------------------------------------------------

# store 6 and 7 may sync the customers that they own
awk '/^\[grant service-at-till\]/ { inside = 1 } /^\[grant direct/ { inside = 0 }
  inside && /^customers/ { sub(/visited/, "owned") } { print }' "$examples/agreement.template.ini" >"$work/owned.ini"
# card numbers of owners by awk: the latest (or first) receipt's store; on one day the lower number
gzip -cdf "$data/customers.csv.gz" | awk -F, 'NR > 1 { print $1, $2 }' >"$work/cards"
owners() {
  all_sales | awk -F, -v rule="$1" '
    !($3 in day) { day[$3] = $9; store[$3] = $5 }
    { better = rule == "latest-transaction" ? $9 > day[$3] : $9 < day[$3]
      if (better || ($9 == day[$3] && $5 + 0 < store[$3] + 0)) { day[$3] = $9; store[$3] = $5 } }
    END { for (customer in store) print customer, store[customer] }' |
    awk 'NR == FNR { card[$1] = $2; next } { print $2, card[$1] }' "$work/cards" - | sort
}
for rule in latest-transaction first-registration; do
  sed "s/^rule *=.*/rule = $rule/" "$examples/charter.ini" >"$work/$rule.ini"
  grep -q "^rule = $rule" "$work/$rule.ini" || fail "the charter has no rule to change"
  start_formula "$work/$rule" "$work/$rule.ini"
  owners "$rule" >"$work/owners"
  for store in 6 7; do
    kluis-broker agreement draft --store "$store" --template "$work/owned.ini" --values "$data/stores.csv" >/dev/null
    kluis-broker agreement sign --store "$store" >/dev/null
    join_store "$store" "$work/$rule-$store"
    kluis-agent copy --purpose service --data "$work/$rule-$store" | jq -r .fields.card | sort >"$work/owned"
    awk -v store="$store" '$1 == store { print $2 }' "$work/owners" | sort >"$work/expected"
    diff -q "$work/expected" "$work/owned" >/dev/null || fail "$rule: store $store owns other customers than awk says"
    shown "$rule: store $store owns $(wc -l <"$work/owned") customers, the same as by awk"
  done
  stop_formula
done
shared=$(all_sales | awk -F, '$5 == 6 { six[$3] = 1 } $5 == 7 { seven[$3] = 1 } END { for (c in six) n += c in seven; print n }')
[ "$shared" = 1305 ] || fail "shared members of stores 6 and 7: $shared"
