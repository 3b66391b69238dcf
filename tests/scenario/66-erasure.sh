#!/usr/bin/env bash
# A member is erased (GDPR art. 17): whoever looks them up finds nobody, each store that ever had them in its copy certifies that
# nothing there opens them any more, one that is offline owes that until it is back, and a backup of head office's folder
# without the old master key opens nobody either. The same card then is somebody else.
# usage: 66-erasure.sh BIN-FOLDER
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh" "$@"

make_formula
sed -e 's/^customers .*/customers  = all/' "$examples/agreement.template.ini" >"$work/template.ini"
for store in 2 3 4; do
  sign_up "$store" 2>/dev/null
  printf '[till]\nlisten = 127.0.0.1:0\n[witness]\nevery = 1s\n' >"$work/$store/run.ini"
done
join_auditor
(umask 077; echo 7391 >"$work/pin")
agent 2 staff pin till-1 <<<7391 >/dev/null
lookup() { agent 2 lookup card --purpose service --employee till-1 --pin-file "$work/pin" <<<"$card"; }

declare -A agents

start_agent() {
  KLUIS_AGENT_DATA=$work/$1 kluis-agent run >"$work/$1.log" 2>&1 </dev/null &
  agents[$1]=$!
  processes+=("$!")
  wait_for "$work/$1.log" 'running on' "$!"
}

kill_agent() {
  kill -KILL "${agents[$1]}"
  end_process "${agents[$1]}" 2>/dev/null || true
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

# copied STORE: customers in its copy for service.
copied() {
  agent "$1" status --json | python3 -c 'import json, sys
print(sum(copy["customers"] for copy in json.load(sys.stdin)["copies"] if copy["purpose"] == "service"))'
}

# owing: the stores that owe a certificate for service, "2 3"; state: of the first row.
owing() { kluis-broker customer erasures --json | python3 -c 'import json, sys
print(" ".join(str(row["store"]) for row in json.load(sys.stdin) if row["store"] is not None and row["purpose"] == "service"))'; }
owed() { kluis-broker customer erasures --json | python3 -c 'import json, sys
print(sum(row["store"] is not None for row in json.load(sys.stdin)))'; }
complete() { kluis-broker customer erasures --json | python3 -c 'import json, sys
print(" ".join(str(row["is_complete"]) for row in json.load(sys.stdin)))'; }

# ---- everybody has them ----------------------------------------------------------------------------------------------------

card=$(sed -n 2p "$work/data/customers.csv" | cut -d, -f2)
agent 4 sync >/dev/null
whole=$(copied 4)
[ "$whole" -gt 1 ] || fail "store 4 has $whole customers"
for store in 2 3; do
  start_agent "$store"
  until_says "store $store's copy" "$whole" copied "$store"
done
expect 0 '' lookup
cp -a "$work/hq" "$work/backup"
cp -a "$work/2" "$work/backup-2" # with its lease keys: whoever has these opens it, so they are not in a backup
rm -rf "$work/backup-2/leases"
kill_agent 3 # offline from here on
shown "three stores have $whole customers each; one of them goes offline"

# ---- erased ----------------------------------------------------------------------------------------------------------------

expect 2 '--ground' kluis-broker customer erase --field card --purpose service --yes <<<"$card"
expect 2 '--yes' kluis-broker customer erase --field card --purpose service --ground b <<<"$card"
expect 2 '--purpose' kluis-broker customer erase --field card --ground b --yes <<<"$card"
expect 4 'no field' kluis-broker customer erase --field given_name --purpose service --ground b --yes <<<"$card"
expect 3 'not found' kluis-broker customer erase --field card --purpose service --ground b --yes <<<"70099999999"
expect 3 'not found' kluis-broker customer erase 00112233445566778899aabbccddeeff --ground b --yes
key=$(cat "$work/2/leases/service.key")
kluis-broker customer erase --field card --purpose service --ground b --yes <<<"$card" >"$work/erased"
customer=$(sed -n 's/^customer \([0-9a-f]*\) is erased$/\1/p' "$work/erased")
[ "${#customer}" = 32 ] || fail "no pseudonym: $(cat "$work/erased")"
expect 0 'was erased before' kluis-broker customer erase "$customer" --ground b --yes
until_says "store 2's copy" "$((whole - 1))" copied 2
expect 3 'no such member' lookup
until_says "who owes" '3 4' owing
[ "$key" != "$(cat "$work/2/leases/service.key")" ] || fail "the copy's key is the old one"
expect 0 'certificate outstanding' kluis-broker customer erasures
shown "erased: store 2 certified at once, stores 3 and 4 owe it"

# ---- offline ones ------------------------------------------------------------------------------------------------------------

start_agent 3
until_says "store 3's copy" "$((whole - 1))" copied 3
until_says "who owes" '4' owing
expect 0 'who was erased is gone' agent 4 sync
[ "$(copied 4)" = "$((whole - 1))" ] || fail "store 4 has $(copied 4) customers"
until_says "who owes" 0 owed
[ "$(complete)" = False ] || fail "complete before the master key was rotated"
expect 0 'rotation outstanding' kluis-broker customer erasures
shown "back again, the others certify too"

# ---- backups -----------------------------------------------------------------------------------------------------------------

kluis-broker key rotate-master >/dev/null
[ "$(complete)" = True ] || fail "not complete: $(kluis-broker customer erasures)"
expect 0 'complete' kluis-broker customer erasures
stop_broker
# the folder of before, with the keys of now: it does not even open
rm "$work/backup"/master*.key
cp "$work"/hq/master*.key "$work/backup/"
expect 3 'the master key of epoch 1 is missing' timeout 20 kluis-broker serve --data "$work/backup"
start_broker
# nor does store 2's of before, with the copy's key of now
cp -a "$work/2/leases" "$work/backup-2/leases"
status=0
KLUIS_AGENT_DATA=$work/backup-2 kluis-agent copy --purpose service >"$work/out" 2>&1 || status=$?
[ "$status" -ne 0 ] && ! grep -q '"fields"' "$work/out" || fail "an older copy opens: $(head -c 300 "$work/out")"
# nothing of the person stands anywhere in clear: by the values of the import
python3 - "$work" "$work/data/customers.csv" <<'P' || fail "values stand in clear"
import csv, os, sys
row = next(csv.DictReader(open(sys.argv[2])))
values = [value.encode() for name, value in row.items() if len(value) >= 9]
assert values, row
found = False
for top in ["hq", "2", "3", "4", "backup", "mirror"]:
    for folder, _, files in os.walk(os.path.join(sys.argv[1], top)):
        for name in files:
            path = os.path.join(folder, name)
            if not os.path.isfile(path):
                continue
            data = open(path, "rb").read()
            for value in values:
                if value in data:
                    print(path, value)
                    found = True
sys.exit(found)
P
shown "complete: certified by all and the master key rotated; a backup of before opens with no key that there is"

# ---- the log -----------------------------------------------------------------------------------------------------------------

sleep 0.3
kluis-audit mirror "$work/watch" --to "$work/mirror" >/dev/null 2>&1
expect 0 '' kluis-audit verify "$work/mirror" --log-key "$work/watch/log.vkey"
expect 0 '1 erasures, 1 complete; 0 certificates outstanding' kluis-audit replay "$work/mirror" --check
kluis-audit replay "$work/mirror" --customer "$customer" >"$work/out"
grep -q 'erase' "$work/out" && grep -q 'purge' "$work/out" || { cat "$work/out" >&2; fail "the replay does not show the erasure"; }
shown "the log verifies, and every decision is what it should be"

# ---- the same card -------------------------------------------------------------------------------------------------------------

head -2 "$work/data/customers.csv" >"$work/again.csv"
import customers "$work/again.csv" >/dev/null 2>&1
until_says "store 2's copy" "$whole" copied 2
expect 0 '' lookup
kluis-broker customer erase --field card --purpose service --ground a --yes <<<"$card" >"$work/erased"
! grep -q "$customer" "$work/erased" || fail "the card leads to whom was erased"
shown "the same card, registered again, is somebody else"
