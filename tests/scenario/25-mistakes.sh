#!/usr/bin/env bash
# What people mistype and misread: each mistake is told in words that name it and say what to do, with its exit status,
# and changes nothing.
# usage: 25-mistakes.sh BIN-FOLDER
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh" "$@"

make_formula
sign_up 2

# ---- commands ------------------------------------------------------------------------------------------------------------

for program in kluis-broker kluis-agent; do
  expect 2 "$program: 'agreement' is half a command; say which:" $program agreement
  expect 2 "agreement show" $program agreement frobnicate
  expect 2 "unknown command 'agree'" $program agree
  expect 2 "Usage: $program COMMAND" $program
  expect 2 "unrecognized option '--bogus'" $program "$([ $program = kluis-agent ] && echo sync || echo totals)" --bogus
done
grep -q 'invite' "$work/out" && fail "half a command lists all commands"
expect 2 "STORE: 'six' is not a whole number from 0 to 99999" kluis-broker agreement show six
expect 2 "--days: '0' is not a whole number from 1 to 90" kluis-broker invite store 6 --days 0 --out "$work/x"
expect 2 "INDEX: 'x' is not a whole number" agent 2 prove x
shown "half commands, unknown commands, words for numbers"

# ---- head office ---------------------------------------------------------------------------------------------------------

expect 3 "store/99: refused: unknown store; 'kluis-broker store open' makes a store known" \
  kluis-broker invite store 99 --out "$work/x"
[ ! -e "$work/x" ] || fail "an invitation that is not good was left"
expect 3 "store 99: refused: unknown store" kluis-broker agreement show 99
expect 2 "'XX' is not a country" kluis-broker store open 200 "Two hundred" XX
expect 2 "'Holland' is not a country" kluis-broker store open 200 "Two hundred" Holland
expect 0 "store 200 is known as 'Two hundred' in NL" kluis-broker store open 200 "Two hundred" NL
expect 3 "store 200 has no agreement" kluis-broker agreement show 200
expect 0 "next: kluis-broker agreement sign --store 3" draft 3
expect 0 "1 agreement signed and offered" kluis-broker agreement sign --all
expect 0 "no store has a draft to sign" kluis-broker agreement sign --all
printf 'store_id,store_name,store_country\n201,Nowhere,XX\n' >"$work/nowhere.csv"
expect 4 "" import stores "$work/nowhere.csv"
grep -q '^2,.*country: neither of ISO 3166-1' "$work/rejects" || { cat "$work/rejects" >&2; fail "a store in no country is taken"; }
shown "unknown stores and countries, nothing to sign"

before=$(cksum "$work"/data/*.csv)
expect 1 "$work/data/stores.csv: File exists" kluis-generate --out "$work/data"
[ "$(cksum "$work"/data/*.csv)" = "$before" ] || fail "an invented formula was written over another"
printf '1\n' | cat "$work/data/customers.csv" - >"$work/more.csv"
expect 3 "not a list of rejected rows" \
  kluis-broker import customers "$work/more.csv" --mapping "$examples/customers.map" --rejects "$work/hq/master.key"
grep -q '^line,reason' "$work/hq/master.key" && fail "a key was overwritten with rejected rows"
shown "files named by mistake stay what they are"

# ---- stores --------------------------------------------------------------------------------------------------------------

kluis-broker invite store 4 --out "$work/4.invitation" >/dev/null
expect 4 "charter.ini: not an invitation" agent 4 join "$examples/charter.ini"
mkdir "$work/4"
touch "$work/4/mine"
expect 3 "'$work/4' is there already and not empty; nothing was changed" agent 4 join "$work/4.invitation"
[ "$(ls "$work/4")" = mine ] || fail "join took a folder that is not its own"
rm "$work/4/mine"
expect 0 "joined as" agent 4 join "$work/4.invitation"
shown "joining into a folder in use, and by something that is no invitation"

agent 2 sync >/dev/null
expect 4 "the charter has no purpose 'gossip'" agent 2 copy --purpose gossip
expect 3 "the agreement grants no copy for 'fraud-prevention'" agent 2 copy --purpose fraud-prevention
expect 3 "no customer has this card" agent 2 lookup card --purpose service --employee till-1 <<<1234
shown "a copy for no purpose, a card of nobody"

card=$(awk -F, 'NR == FNR { if ($5 == 2) here[$3]; next } $1 in here { print $2; exit }' "$work/data/sales.csv" "$work/data/customers.csv")
# refused_receipt TEXT DAY LINES
refused_receipt() {
  expect 4 "$1" agent 2 receipt --purpose service --employee till-1 <<<"{\"customer\": {\"field\": \"card\", \"value\": \"$card\"}, \"day\": \"$2\", \"lines\": [$3]}"
}
line='"product": "7", "units": "1", "amount": "2.50"'
before=$(kluis-broker totals --json | jq 'map(.receipts) | add')
refused_receipt 'unknown key "costs" in a line' 2024-05-17 "{$line, \"costs\": \"1\"}"
refused_receipt '"units" is not a decimal text' 2024-05-17 '{"product": "7", "units": 1, "amount": "2.50"}'
refused_receipt '"day" is not a date' 2024-02-30 "{$line}"
refused_receipt 'the day is later than tomorrow' 2094-05-17 "{$line}"
refused_receipt '"lines" has to hold 1 to 1000 lines' 2024-05-17 ''
refused_receipt 'a line is missing or not an object' 2024-05-17 '"7"'
expect 4 'unknown key "till" in the receipt' agent 2 receipt --purpose service --employee till-1 <<<'{"till": 1}'
expect 4 'not JSON' agent 2 receipt --purpose service --employee till-1 <<<'till 1'
[ "$(kluis-broker totals --json | jq 'map(.receipts) | add')" = "$before" ] || fail "a refused receipt was rung up"
expect 0 "rung up; log entry" agent 2 receipt --purpose service --employee till-1 <<<"{\"customer\": {\"field\": \"card\", \"value\": \"$card\"}, \"day\": \"2024-05-17\", \"lines\": [{$line}]}"
[ "$(kluis-broker totals --json | jq 'map(.receipts) | add')" = $((before + 1)) ] || fail "a receipt was not rung up"
shown "receipts that say something else than they mean"
stop_broker
