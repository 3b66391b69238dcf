#!/usr/bin/env bash
# CSV files that are wrong: a fault of the file's form leaves nothing imported and names file and line; a row that is
# wrong is listed by line and reason, never by value, in a file of mode 0600, and the others are taken.
# usage: 30-csv.sh BIN-FOLDER
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh" "$@"

make_formula
join_auditor
data=$work/data
members=$(head -1 "$data/customers.csv")
member=$(sed -n 2p "$data/customers.csv") # customer 1, card 70000007919, Sampla Invented-0001
lines=$(head -1 "$data/sales.csv")
line=$(sed -n 2p "$data/sales.csv")
IFS=, read -r product _ customer _ store sales cost units day <<<"$line"
case $member in 1,70000007919,Invented-0001,Sampla,*) ;; *) fail "kluis-generate makes other customers now" ;; esac
kluis-broker totals --json >"$work/totals.before"

# unchanged: what is there is what make_formula imported, and the log holds no write since mark_log
mark_log
unchanged() {
  kluis-broker totals --json | cmp -s - "$work/totals.before" || fail "sums of receipts have changed"
  log_since
  if grep -E ',(registration|update|receipt|open_store),[^,]*,ok,' "$work/new" >&2; then fail "something was written"; fi
  mark_log
}

# ---- the form of the file ------------------------------------------------------------------------------------------------

# bad_form STATUS TEXT KIND: $work/bad.csv is refused as a whole
bad_form() {
  expect "$1" "$2" import "$3" "$work/bad.csv"
  shown "refused: ${2#*bad.csv}"
}
good=$'999,79999999999,Family,Given'${member#1,70000007919,Invented-0001,Sampla}
printf '%s\n%s\n%s\n' "$members" "$good" "${member/Sampla/\"Sampla}" >"$work/bad.csv"
bad_form 4 "bad.csv:3: wrong quoting in the row that begins on line 3" customers
printf '%s\n%s\n%s\n' "$members" "$good" "${member/Sampla/Sam\"pla}" >"$work/bad.csv"
bad_form 4 "bad.csv:3: wrong quoting" customers
printf '%s\n%s\n%s\n' "$members" "${good/Given/\"Giv\"en}" "$member" >"$work/bad.csv"
bad_form 4 "bad.csv:2: wrong quoting" customers
printf '%s\n%s\n' "${members/phone1,/}" "$good" >"$work/bad.csv"
bad_form 4 "bad.csv:1: no column 'phone1', which the mapping names" customers
printf '%s\n%s\n' "${members/phone2,/phone1,}" "$good" >"$work/bad.csv"
bad_form 4 "bad.csv:1: " customers
grep -q "'phone[12]'" "$work/out" || fail "does not name the column"
: >"$work/bad.csv"
bad_form 4 "bad.csv:1: empty; the first line must name the columns" customers
head -c 3000 <(gzip -c "$data/customers.csv") >"$work/bad.csv"
bad_form 4 "bad.csv: the gzip file is cut off" customers
gzip -c "$data/customers.csv" >"$work/bad.csv"
printf '\125\252' | dd of="$work/bad.csv" bs=1 seek=2000 conv=notrunc status=none
bad_form 4 "bad.csv: the gzip file is damaged" customers
{ printf '%s\n' "$members"; printf '%s' "${good%%Given*}"; head -c 200000 /dev/zero | tr '\0' x; echo; } >"$work/bad.csv"
bad_form 4 "bad.csv:2: " customers
rm "$work/bad.csv"
bad_form 3 "bad.csv: there is no such file" customers
mkdir "$work/bad.csv"
bad_form 1 "bad.csv: " customers
rmdir "$work/bad.csv"
unchanged
shown "none of these left anything behind, the good rows before the bad one neither"

printf '[customers]\npurpose = service\n[fields]\ncustomer_id = customer_id\nshoe = lname\n' >"$work/bad.map"
expect 4 "bad.map:5: [fields] shoe: the charter has no field 'shoe'" \
  kluis-broker import customers "$data/customers.csv" --mapping "$work/bad.map"
printf '[customers]\npurpose = gossip\n[fields]\ncustomer_id = customer_id\n' >"$work/bad.map"
expect 4 "bad.map:2: [customers] purpose: the charter has no purpose 'gossip'" \
  kluis-broker import customers "$data/customers.csv" --mapping "$work/bad.map"
expect 4 "receipts.map: section [customers] is missing" \
  kluis-broker import customers "$data/customers.csv" --mapping "$examples/receipts.map"
expect 2 "--mapping" kluis-broker import customers "$data/customers.csv"
expect 2 "'people' is none of" kluis-broker import people "$data/customers.csv" --mapping "$work/bad.map"
touch "$work/open"
chmod 644 "$work/open"
printf '%s\n%s\n' "$members" "$good" >"$work/bad.csv"
expect 1 "others may read it" import customers "$work/bad.csv" --rejects "$work/open"
unchanged
shown "refused: mappings of unknown fields, purposes, sections; a list of rejects that others may read"

# ---- rows ----------------------------------------------------------------------------------------------------------------

# bad_rows KIND ACCEPTED REASON...: of $work/bad.csv that many rows are taken, the others are listed with LINE,REASON
bad_rows() {
  local kind=$1 accepted=$2 each
  shift 2
  rm -f "$work/rejects"
  if [ "$accepted" = 0 ]; then
    expect 4 "every row was rejected, nothing was taken in" import "$kind" "$work/bad.csv" --json
  else
    expect 0 "" import "$kind" "$work/bad.csv" --json
  fi
  grep -qE "\"accepted\": *$accepted\b" "$work/out" || { cat "$work/out" >&2; fail "not $accepted rows accepted"; }
  [ "$(stat -c %a "$work/rejects")" = 600 ] || fail "the list of rejects has mode $(stat -c %a "$work/rejects")"
  [ "$(wc -l <"$work/rejects")" -eq $(($# + 1)) ] || { cat "$work/rejects" >&2; fail "not $# rows rejected"; }
  for each in "$@"; do
    grep -qF -- "$each" "$work/rejects" || { cat "$work/rejects" >&2; fail "the list of rejects lacks '$each'"; }
    shown "row rejected: $each"
  done
  if grep -E 'Sampla|Invented|7000000|1998-02|Giv|Samp' "$work/rejects" >&2; then fail "a value is in the list of rejects"; fi
}

{
  printf '%s\n' "$members"
  printf '%s\n' "901,79000000901,Family,Giv"$'\xff\xfe'"en${member#*,Sampla}"
  printf '%s\n' "902,79000000902,Family,Giv@en${member#*,Sampla}" | tr @ '\0'
  printf '%s\n' "903,79000000903,Family,Given${member#*,Sampla}"
  printf '%s\n' "903,79000000904,Family,Given${member#*,Sampla}"
  printf '%s\n' "905,79000000905,Family,Given"
  printf '%s\n' "906,79000000906,Family,Given${member#*,Sampla},more"
  printf '%s\n' "907,79000000907,Family,Given${member#*,Sampla}" | sed 's/2019-08-14/1998-02-30/'
  printf '%s\n' "908,79000000908,Family,Given${member#*,Sampla}" | sed 's/1970-10-22/1998-02-30/'
  printf '%s\n' ",79000000909,Family,Given${member#*,Sampla}"
  printf '%s\n' "91x,79000000910,Family,Given${member#*,Sampla}"
  printf '"911","79000000911","Fam,ily","Given"%s\n' "${member#*,Sampla}"
} >"$work/bad.csv"
bad_rows customers 2 "2,\"field 'given_name': not" "3,\"field 'given_name': not" "5,\"identifier: stands in an earlier row" \
  '6,"another number of columns' '7,"another number of columns' '8,"registered-day: no such day' "9,\"field 'birthdate': not" \
  '10,"identifier: empty' "11,\"identifier: not a value of its field's type"

# receipts: customer, store, date and amounts of one line that is there; each other one is changed in one place
other_day=2025-02-03
receipt() { printf '%s,1,%s,0,%s,%s,%s,%s,%s\n' "$product" "${1:-$customer}" "${2:-$store}" "${3:-$sales}" "$cost" "${4:-$units}" "${5:-$other_day}"; }
{
  printf '%s\n' "$lines"
  receipt
  receipt 99999
  receipt '' 77
  receipt '' 777777
  receipt '' '' 1.23456
  receipt '' '' 12,50
  receipt '' '' 1e3 '' 2025-03-02
  receipt '' '' '' many 2025-03-03
  receipt '' '' '' '' 1998-02-30
  receipt '' '' '' '' 03.02.2025
  receipt '' '' '' '' 2999-01-01
  receipt '' '' 99999999999999999 '' 2025-03-04
  receipt "cust" '' '' '' 2025-03-05
  printf '%s,1,%s\n' "$product" "$customer"
} >"$work/bad.csv"
bad_rows sales 0 '2,"receipt with line 6: amount: not' '3,"customer: not known' '4,"store: not known' \
  '5,"store: not a number from 0 to 99999' '6,"receipt with line 6: amount: not a number of at most four decimals' \
  '7,"another number of columns' '8,"amount: not' '9,"units: not' '10,"date: no such day' '11,"date: no such day' \
  '12,"date: later than tomorrow' '13,"amount: not' "14,\"customer: not a value of its field's type" \
  '15,"another number of columns'
kluis-broker totals --json | cmp -s - "$work/totals.before" || fail "a rejected line is in the sums"

{
  printf '%s\n' "$lines"
  receipt
  printf '%s\n' "$line"
} >"$work/bad.csv"
if [ "$(grep -c ",$customer,[^,]*,$store,.*,$day\$" "$data/sales.csv")" -gt 1 ]; then
  bad_rows sales 1 '3,"a receipt of this store, customer and date is there with other lines'
else
  bad_rows sales 1
fi
expect 0 "imported before, nothing to do" import sales "$work/bad.csv"
shown "the good receipt beside it is taken, once"

{
  head -1 "$data/stores.csv"
  sed -n 2p "$data/stores.csv" | sed 's/^[0-9]*,/100000,/'
  sed -n 2p "$data/stores.csv" | sed 's/^[0-9]*,/twelve,/'
  sed -n 3p "$data/stores.csv" | sed 's/,USA,\|,Canada,\|,Mexico,/,Atlantis,/'
} >"$work/bad.csv"
bad_rows stores 0 '2,"number: not a number' '3,"number: not a number' '4,"country: neither of ISO 3166-1 (two capitals)'
kluis-broker store list >"$work/out"
if grep -q "Atlantis\|twelve" "$work/out"; then fail "a rejected store is known"; fi

stop_broker
