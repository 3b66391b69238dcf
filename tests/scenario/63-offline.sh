#!/usr/bin/env bash
# Offline: the broker is away, two stores go on. They ring up, register, change the same field of the same member and
# withdraw a consent, and are killed with -9 in between. When the broker is back everything is delivered once, what it
# refuses is set aside and holds nothing up, both copies say the same of the conflict and show the value that lost.
# usage: 63-offline.sh BIN-FOLDER
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh" "$@"

make_formula
sed -E '/^\[grant service-at-till\]/,/^\[grant direct/ {
  s/^operations = .*/operations = lookup, sync, receipt, register, update, consent/
  s/^customers  = .*/customers  = all/
}' "$examples/agreement.template.ini" >"$work/template.ini"

declare -A agents
start_agent() {
  : >"$work/$1.log"
  KLUIS_AGENT_DATA=$work/$1 kluis-agent run >"$work/$1.log" 2>&1 </dev/null &
  agents[$1]=$!
  processes+=("$!")
  wait_for "$work/$1.log" 'running on' "$!"
}

kill_agent() {
  kill -KILL "${agents[$1]}"
  end_process "${agents[$1]}" 2>/dev/null || true
}

# until_status STORE FILTER: jq's filter is true of its status, within 30 s.
until_status() {
  for _ in $(seq 300); do
    if agent "$1" status --json 2>/dev/null | jq -e "$2" >/dev/null; then return 0; fi
    sleep 0.1
  done
  agent "$1" status --json >&2 || true
  cat "$work/$1.log" >&2
  fail "store $1: not in 30 s: $2"
}

# call STORE STATUS PATH BODY: what is answered is in $work/answer.
call() {
  local address port status
  read -r address port <"$work/$1/till.port"
  status=$(curl -sS -o "$work/answer" -w '%{http_code}' -H "@$work/$1.headers" --data-binary @- \
    "http://$address:$port/v1/$3" <<<"$4")
  [ "$status" = "$2" ] || fail "store $1: $3 answered $status instead of $2: $(cat "$work/answer")"
}

sign_in() {
  echo 'Content-Type: application/json' >"$work/$1.headers"
  call "$1" 201 sessions '{"name": "till-1", "pin": "7391"}'
  echo "Authorization: Bearer $(jq -r .token "$work/answer")" >>"$work/$1.headers"
}

# restart STORE: killed with -9, started again, an employee signs in.
restart() {
  kill_agent "$1"
  start_agent "$1"
  sign_in "$1"
}

ring_up() { # STORE CARD ID
  call "$1" 202 receipts "{\"purpose\": \"service\", \"id\": \"$3\", \"field\": \"card\", \"value\": \"$2\",
    \"day\": \"$(date -u +%F)\", \"lines\": [{\"product\": \"7\", \"units\": \"1\", \"amount\": \"2.50\"}]}"
}

change() { # STORE MEMBER FIELD VALUE
  call "$1" 202 "members/$2/changes" "{\"purpose\": \"service\", \"values\": [{\"field\": \"$3\", \"value\": \"$4\"}]}"
}

look_up() { # STORE CARD
  call "$1" 200 members/lookup "{\"purpose\": \"service\", \"field\": \"card\", \"value\": \"$2\"}"
}

for store in 2 3; do
  sign_up "$store" 2>/dev/null
  printf '[till]\nlisten = 127.0.0.1:0\n' >"$work/$store/run.ini"
  agent "$store" staff pin till-1 <<<7391
  start_agent "$store"
done
mapfile -t cards < <(python3 -c 'import csv, sys
for row in list(csv.DictReader(open(sys.argv[1])))[:3]:
    print(row.get("card") or row.get("account_num"))' "$work/data/customers.csv")
for store in 2 3; do
  until_status "$store" '.online and all(.copies[]; .state == "open" and .copying == null) and (.copies | length) > 0'
  sign_in "$store"
done
look_up 2 "${cards[0]}"
member=$(jq -r .id "$work/answer")

# ---- the broker is away ----------------------------------------------------------------------------------------------

stop_broker
for store in 2 3; do until_status "$store" '.online | not'; done
unknown=0123456789abcdef0123456789abcdef
for store in 2 3; do
  for i in 1 2 3; do ring_up "$store" "${cards[$((i - 1))]}" "$(printf '%032x' "$((store * 100 + i))")"; done
  look_up "$store" "${cards[1]}"
  restart "$store"
  call "$store" 202 members "{\"purpose\": \"service\", \"values\": [{\"field\": \"card\", \"value\": \"7000999900$store\"},
    {\"field\": \"given_name\", \"value\": \"Nieuw\"}]}"
  new=$(jq -r .id "$work/answer")
  change "$store" "$new" city Utrecht
  ring_up "$store" "7000999900$store" "$(printf '%032x' "$((store * 100 + 9))")"
  restart "$store"
done
change 2 "$member" city Zeist
restart 2
sleep 0.05
change 3 "$member" city Breda
restart 3
change 2 "$unknown" city Nergens
call 2 202 "members/$member/consents" '{"purpose": "service", "to": "direct-marketing", "status": "withdrawn"}'
ring_up 2 "${cards[0]}" "$(printf '%032x' 250)"
ring_up 2 "${cards[0]}" "$(printf '%032x' 250)" # the till did not hear: the same receipt
restart 2
until_status 2 '.outbox.waiting == 10 and .outbox.refused == 0'
until_status 3 '.outbox.waiting == 7 and .outbox.refused == 0'
shown "offline, with agents killed seven times: 17 items wait, each once"

# ---- it is back ------------------------------------------------------------------------------------------------------

start_broker
until_status 2 '.outbox.waiting == 0 and .outbox.refused == 1 and .journal.waiting == 0'
until_status 3 '.outbox.waiting == 0 and .outbox.refused == 0 and .journal.waiting == 0'
expect 0 'refused' agent 2 outbox list
shown "the broker is back: all is delivered; one item is set aside: $(grep refused "$work/out" | tr -s ' ' | sed -n 1p)"

city_of() { # STORE: "what it is|what lost"
  look_up "$1" "${cards[0]}"
  jq -r '"\(.values[] | select(.field == "city") | .value)|\([.superseded[]? | select(.field == "city") | .value] | join(","))"' \
    "$work/answer"
}
for _ in $(seq 100); do
  two=$(city_of 2) three=$(city_of 3)
  [ "$two" != "$three" ] || [ "${two#*|}" = '' ] || break
  sleep 0.1
done
[ "$two" = "$three" ] || fail "store 2 has '$two', store 3 '$three'"
case $two in
  'Zeist|Breda' | 'Breda|Zeist') ;;
  *) fail "the conflict came to '$two'" ;;
esac
kluis-broker customer show --field card --purpose service --json <<<"${cards[0]}" >"$work/answer" 2>/dev/null
office=$(jq -r '[.[] | select(.field == "city" and (.is_lost | not)) | .value][0] + "|" +
  ([.[] | select(.field == "city" and .is_lost and .store > 0 and .made != null) | .value] | join(","))' "$work/answer")
[ "$office" = "$two" ] || fail "head office has '$office', the stores '$two'"
shown "both stores changed one field: both, and head office, have '${two%|*}' and show that '${two#*|}' lost"

# ---- the log ---------------------------------------------------------------------------------------------------------

for store in 2 3; do
  until_status "$store" '.outbox.waiting == 0 and .journal.waiting == 0'
  expect 0 '' agent "$store" alarms
  ! tail -n +2 "$work/out" | grep '[a-z]' >/dev/null || fail "store $store: alarms: $(cat "$work/out")"
done
join_auditor
read_log
kluis-audit verify "$work/mirror" --log-key "$work/watch/log.vkey" >"$work/verify" || { cat "$work/verify" >&2; fail "the log does not verify"; }
kluis-audit replay "$work/mirror" --check >"$work/check" 2>&1 || { tail -n 20 "$work/check" >&2; fail "replay finds something"; }
# times KIND CODE: operations of both stores with that outcome.
times() {
  kluis-audit replay "$work/mirror" --json | jq -r --arg kind "$1" --arg code "$2" \
    'select((.principal // "" | test("/store/[23]$")) and .operation == $kind and .verdict == $code) | .entry' | wc -l
}
for row in 'receipt ok 9' 'registration ok 2' 'update ok 4' 'consent ok 1'; do
  read -r kind code want <<<"$row"
  got=$(times "$kind" "$code")
  [ "$got" = "$want" ] || { kluis-audit replay "$work/mirror" --json | tail -n 5 >&2; fail "$got times $kind with $code, not $want"; }
done
expect 0 '' kluis-broker findings
! tail -n +2 "$work/out" | grep '[a-z]' >/dev/null || fail "findings: $(cat "$work/out")"
shown "the log has each once and no finding; it verifies, and every decision is recomputed"
for store in 2 3; do
  kill -TERM "${agents[$store]}"
  end_process "${agents[$store]}" || fail "agent $store stopped with exit status $?"
done
stop_broker
