#!/usr/bin/env bash
# A broker that lies while a store's agent is connected: wrong pages, records outside scope, fields and masks, entries that
# do not match, leases and papers that nobody signed, older and other histories, another certificate, no answers. Each is
# refused and alarmed by name, the copy stays as it was byte for byte and goes on serving the tills, and when the broker
# tells the truth again the agent goes on by itself.
# usage: 66-lying-broker.sh BIN-FOLDER
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh" "$@"

make_formula --customers 120 --stores 4 --lines 600
# what may be looked up is more than what is copied, so that a till's question goes to the broker too
python3 - "$examples/agreement.template.ini" "$work/template.ini" <<'P'
import sys
text = open(sys.argv[1]).read()
head, rest = text.split("[grant service-at-till]\n")
till, marketing = rest.split("[grant direct-marketing]")
copied = till.replace("lookup, sync, receipt", "sync")
till = till.replace("lookup, sync, receipt", "lookup, receipt").replace("visited", "all")
open(sys.argv[2], "w").write(f"{head}[grant service-at-till]\n{till}[grant copy]\n{copied}[grant direct-marketing]{marketing}")
P
sign_up 2 2>/dev/null
printf '[till]\nlisten = 127.0.0.1:0\n[sync]\nwait = 1s\n[witness]\nevery = 1s\n' >"$work/2/run.ini"
agent 2 staff pin till-1 <<<7391
stop_broker
python3 - "$work/data/sales.csv" "$work/visit" <<'P'
import csv, sys
rows = list(csv.DictReader(open(sys.argv[1])))
mine = {row["customer_id"] for row in rows if row["store_id"] == "2"}
others = [row for row in {row["customer_id"]: row for row in rows}.values() if row["customer_id"] not in mine]
for n in range(20):
    out = csv.DictWriter(open(f"{sys.argv[2]}.{n}", "w"), rows[0].keys(), lineterminator="\n")
    out.writeheader()
    for row in others[2 * n:2 * n + 2]:
        row["store_id"] = "2"
        out.writerow(row)
P
sed -i 's/^address.*/&\nwitness-interval = 1s/' "$work/hq/broker.ini"
lie=$work/lie

# start_liar [CERTIFICATE KEY]: what it says is in $work/liar.
start_liar() {
  : >"$work/liar"
  kluis-liar "$work/hq" "$lie" "$@" >"$work/liar" 2>&1 </dev/null &
  broker=$!
  processes+=("$broker")
  wait_for "$work/liar" 'serving on' "$broker"
}

start_agent() {
  KLUIS_AGENT_DATA=$work/2 kluis-agent run >"$work/2.log" 2>&1 </dev/null &
  daemon=$!
  processes+=("$daemon")
  wait_for "$work/2.log" 'running on' "$daemon"
}

# A till of the API: "shown CARD" prints what a till gets to see of a member, "status" the HTTP status alone.
cat >"$work/till.py" <<'P'
import http.client, json, sys
folder, what, card = sys.argv[1:4]
address, port = open(folder + "/till.port").read().split()
def call(path, body, token=None):
    line = http.client.HTTPConnection(address, int(port), timeout=20)
    headers = {"Content-Type": "application/json"}
    if token:
        headers["Authorization"] = "Bearer " + token
    line.request("POST", path, json.dumps(body), headers)
    answer = line.getresponse()
    return answer.status, json.loads(answer.read())
def look(token):
    return call("/v1/members/lookup", {"purpose": "service", "field": "card", "value": card}, token)
try: # signing in takes its time
    token = open(folder + ".token").read()
except FileNotFoundError:
    token = None
status, member = look(token)
if status == 401:
    token = call("/v1/sessions", {"name": "till-1", "pin": "7391"})[1]["token"]
    open(folder + ".token", "w").write(token)
    status, member = look(token)
if what == "status":
    print(status, json.dumps(member))
else:
    assert status == 200, (status, member)
    print(member["source"], json.dumps(member["values"], sort_keys=True))
P
till() { python3 "$work/till.py" "$work/2" "$@"; }

# The rows of the copy and what finds them, as they lie on disk.
copy_now() { for table in customer handle; do mdb_dump -s "$table" "$work/2/db"; done | sha256sum; }
alarms() { agent 2 alarms --json; }

# until_copied: the copy is what the broker has now: nothing is behind.
until_true() {
  local what=$1
  shift
  for _ in $(seq 300); do
    if "$@" >/dev/null 2>&1; then return 0; fi
    sleep 0.1
  done
  tail -20 "$work/2.log" >&2
  agent 2 alarms >&2
  fail "waited in vain until $what"
}

visits=0
# Two more customers visit store 2, so that there is a page to be got, and their order can be another.
visit() {
  import sales "$work/visit.$visits" >/dev/null 2>&1
  visits=$((visits + 1))
}
customers() { agent 2 status --json | python3 -c 'import json, sys; print([c["customers"] for c in json.load(sys.stdin)["copies"] if c["purpose"] == "service"][0])'; }
has_customers() { [ "$(customers)" = "$1" ]; }

# forget_alarms: a person has looked into all of them.
forget_alarms() {
  for number in $(alarms | python3 -c 'import json, sys; [print(alarm["number"]) for alarm in json.load(sys.stdin)]'); do
    agent 2 alarms seen "$number" >/dev/null
  done
}
# alarmed KIND TEXT
alarmed() { alarms | python3 -c 'import json, sys
sys.exit(not any(alarm["kind"] == sys.argv[1] and sys.argv[2] in alarm["text"] for alarm in json.load(sys.stdin)))' "$@"; }

# told LIE KIND TEXT PROVOKE...: the lie goes out, the alarm of that kind says TEXT, copy and till are as before.
told() {
  local name=$1 kind=$2 text=$3 before
  shift 3
  before=$(copy_now)
  : >"$work/liar"
  echo "$name" >"$lie"
  "$@"
  wait_for "$work/liar" "told $name" "$broker"
  until_true "'$name' is alarmed as '$kind: $text'" alarmed "$kind" "$text"
  [ "$(copy_now)" = "$before" ] || fail "$name: the copy was changed"
  [ "$(till shown "$card")" = "$seen" ] || fail "$name: the till sees $(till shown "$card") instead of $seen"
  rm "$lie"
}

# ---- before there is a copy -------------------------------------------------------------------------------------------------

start_liar
echo lease >"$lie"
start_agent
wait_for "$work/liar" 'told lease' "$broker"
until_true "the lease is alarmed" alarmed 'wrong answer' 'a lease outside the agreement'
[ "$(find "$work/2/leases" -type f 2>/dev/null | wc -l)" -eq 0 ] || fail "a lease was taken: $(ls "$work/2/leases")"
rm "$lie"
shown "a lease longer than the grants': refused and alarmed"

# ---- the truth ------------------------------------------------------------------------------------------------------------

is_copied() { agent 2 status --json | grep '"state": *"open"'; }
until_true "the copy is there" is_copied
card=$(agent 2 status >/dev/null; python3 - "$work/data/customers.csv" "$work/data/sales.csv" <<'P'
import csv, sys
mine = {row["customer_id"] for row in csv.DictReader(open(sys.argv[2])) if row["store_id"] == "2"}
print(next(row["account_num"] for row in csv.DictReader(open(sys.argv[1])) if row["customer_id"] in mine))
P
)
seen=$(till shown "$card")
[[ $seen == copy* ]] || fail "the till is not served from the copy: $seen"
count=$(customers)
stranger=$(python3 - "$work/data/customers.csv" "$work/data/sales.csv" <<'P'
import csv, sys
mine = {row["customer_id"] for row in csv.DictReader(open(sys.argv[2])) if row["store_id"] == "2"}
print([row["account_num"] for row in csv.DictReader(open(sys.argv[1])) if row["customer_id"] not in mine][-1])
P
)
[[ $(till shown "$stranger") == broker* ]] || fail "the broker does not answer the till"
forget_alarms

# ---- pages ----------------------------------------------------------------------------------------------------------------

# page LIE TEXT: a page that is not right; the truth is then taken where the copy stood.
page() {
  told "$1" 'wrong answer' "$2" visit
  count=$((count + 2))
  until_true "the copy goes on after '$1'" has_customers "$count"
  forget_alarms
}
page value 'is not what was answered'
page order 'is not what was answered'
page entry 'name different fields'
page field "outside grant 'copy'"
page mask "without the mask of grant 'copy'"
page scope "outside the scope of grant 'copy'"
page cursor 'does not go on from where it was asked'
page endless 'does not go on from where it was asked'
shown "pages altered, in another order, beyond the entry, the fields, the masks, the scope, backwards, endless: refused and alarmed"

# ---- a till's question ------------------------------------------------------------------------------------------------------

# asked LIE TEXT: about a member who is not in the copy; the till sees nothing of it.
asked() {
  till status "$stranger" >"$work/answer"
  ! grep -q '^200' "$work/answer" || fail "$name: the till sees $(cat "$work/answer")"
  ! grep -qE '555-6001|1961-08-26' "$work/answer" || fail "$name: the till sees $(cat "$work/answer")"
}
answers_truly() { [[ $(till shown "$stranger") == broker* ]]; }
told lookup-value 'wrong answer' 'is not what was answered' asked
until_true "the broker answers the till again" answers_truly
told lookup-field 'wrong answer' 'outside the agreement' asked
until_true "the broker answers the till again" answers_truly
told lookup-mask 'wrong answer' "without the mask of grant 'service-at-till'" asked
until_true "the broker answers the till again" answers_truly
forget_alarms
shown "a lookup with another value, another field, without its mask: the till is refused, and it is alarmed"

# ---- an entry, a paper, a roster --------------------------------------------------------------------------------------------

waiting() { agent 2 status --json | python3 -c 'import json, sys; print(json.load(sys.stdin)["outbox"]["waiting"])'; }
nothing_waits() { [ "$(waiting)" = 0 ]; }
(umask 077; echo 7391 >"$work/pin")
ring_up() {
  agent 2 receipt --purpose service --employee till-1 --pin-file "$work/pin" >/dev/null 2>&1 \
    <<<'{"customer": {"field": "card", "value": "'"$card"'"}, "day": "'"$(date -u +%F)"'", "lines": [{"product": "7", "units": "1", "amount": "2.50"}]}'
}
told receipt 'wrong answer' 'answer to an upload is not what its log entry says' ring_up
until_true "the receipt is delivered" nothing_waits
[ "$(agent 2 outbox list | grep -c refused)" -eq 0 ] || fail "refused: $(agent 2 outbox list)"
forget_alarms
shown "an entry of another request: refused and alarmed, the receipt delivered once the broker tells the truth"

told roster 'wrong answer' 'another roster than it names' bash -c \
  "KLUIS_AGENT_DATA=$work/2 kluis-agent staff add till-2 --role cashier <<<'Tweede Kassa' >/dev/null 2>&1"
[ "$(agent 2 staff list --json | python3 -c 'import json, sys; print({row["role"] for row in json.load(sys.stdin)})')" = "{'cashier'}" ] \
  || fail "roles: $(agent 2 staff list)"
forget_alarms
shown "a roster on which a cashier is a manager: refused and alarmed"

# ---- checkpoints -------------------------------------------------------------------------------------------------------------

# The agent is a witness; what it has cosigned it knows.
has_seen() { [ "$(agent 2 status --json | python3 -c 'import json, sys; print(json.load(sys.stdin)["seen_size"])')" -gt "$1" ]; }
evidence() { find "$work/2/evidence" -name "*.$1" 2>/dev/null | sort; }
until_true "a checkpoint is cosigned" has_seen 0
told older 'older log' 'is older than one of' true
told fork 'inconsistent log' 'contradicts one of' true
[ "$(evidence older | wc -l)" -ge 2 ] && [ "$(evidence newer | wc -l)" = "$(evidence older | wc -l)" ] || fail "evidence: $(ls "$work/2/evidence")"
for note in $(evidence newer) $(evidence older); do
  [ "$(head -1 "$note")" = foodmart.example/kluis/log ] || fail "$note is no checkpoint: $(cat "$note")"
done
is_reported() { kluis-broker incidents | grep 'contradicts one of'; }
until_true "head office hears of it" is_reported
size=$(agent 2 status --json | python3 -c 'import json, sys; print(json.load(sys.stdin)["seen_size"])')
visit
count=$((count + 2))
until_true "the witness goes on" has_seen "$size"
until_true "the copy goes on" has_customers "$count"
forget_alarms
shown "an older checkpoint, and another history that the log's key signed: not cosigned, alarmed, both notes kept, head office told"

# ---- no answers --------------------------------------------------------------------------------------------------------------

told garbage 'wrong answer' 'is not a reply' visit
count=$((count + 2))
until_true "the copy goes on after garbage" has_customers "$count"
forget_alarms
before=$(copy_now)
: >"$work/liar"
echo oversized >"$lie"
wait_for "$work/liar" 'told oversized' "$broker"
[ "$(copy_now)" = "$before" ] || fail "oversized: the copy was changed"
[ "$(till shown "$card")" = "$seen" ] || fail "oversized: the till sees something else"
rm "$lie"
kill -STOP "$broker"
for _ in 1 2 3; do
  began=$(date +%s%3N)
  [ "$(till shown "$card")" = "$seen" ] || fail "silent: the till sees something else"
  took=$(($(date +%s%3N) - began))
  [ "$took" -lt 1500 ] || fail "a lookup from the copy took $took ms while the broker was silent"
done
kill -CONT "$broker"
visit
count=$((count + 2))
until_true "the copy goes on after silence" has_customers "$count"
forget_alarms
shown "garbage is alarmed; too much and nothing at all are as good as away: tills are served as before"

# ---- an agreement ------------------------------------------------------------------------------------------------------------

sed -i 's/^until .*/&\nsupersedes = ${supersedes}/' "$work/template.ini"
draft 2 >/dev/null
kluis-broker agreement sign --store 2 >/dev/null
under() { agent 2 status --json | python3 -c 'import json, sys; print(json.load(sys.stdin)["agreement"]["hash"])'; }
hash=$(under)
sign() { agent 2 agreement sign --yes >/dev/null 2>&1; }
told paper 'wrong answer' 'not signed by' sign
[ "$(under)" = "$hash" ] || fail "the agent goes by an agreement that nobody signed"
is_amended() { [ "$(under)" != "$hash" ] && has_customers "$count"; }
until_true "the copy is there under the new agreement" is_amended
[ "$(till shown "$card")" = "$seen" ] || fail "under the new agreement the till sees $(till shown "$card")"
forget_alarms
shown "an agreement that was altered under its signatures: refused and alarmed"

# ---- another certificate -----------------------------------------------------------------------------------------------------

before=$(copy_now)
stop_broker
start_liar "$work/other.crt" "$work/other.key"
until_true "the certificate is alarmed" alarmed 'other certificate' 'shows another certificate'
[ "$(copy_now)" = "$before" ] || fail "another certificate: the copy was changed"
[ "$(till shown "$card")" = "$seen" ] || fail "another certificate: the till sees something else"
stop_broker
start_liar
visit
count=$((count + 2))
until_true "the copy goes on" has_customers "$count"
shown "another certificate: refused and alarmed; the right one again: it goes on"

# ---- what stays ----------------------------------------------------------------------------------------------------------------

# An answer that is one in itself was acknowledged as it was told, and that is in the log: head office's own doing shows.
expect 0 'two places' kluis-broker findings
kill -TERM "$daemon"
end_process "$daemon" || fail "the agent stopped with exit status $?"
stop_broker
