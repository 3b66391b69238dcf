#!/usr/bin/env bash
# The story of kluis in a minute, with the real programs: ./bootstrap demo calls this, from the top of the tree.
# usage: demo.sh BIN-FOLDER DEMO-FOLDER [FOODMART-FOLDER]
# Leaves in DEMO-FOLDER the broker's data (hq), the stores' (stores/6, stores/7), the auditor's key (auditor) and mirror
# (mirror) and the log's key (log.vkey) for going on by hand, and no process.
set -euo pipefail

examples=broker/examples/foodmart
bin=$(cd "$1" && pwd)
demo=$2
data=${3:-}
PATH=$bin:$PATH

# ---- how the demo talks ------------------------------------------------------------------------------------------

if [ -t 1 ] && [ -z "${NO_COLOR:-}" ]; then
  bold=$'\e[1m' dim=$'\e[2m' plain=$'\e[0m'
else
  bold='' dim='' plain=''
fi
number=0
# chapter TITLE [LINE...]: what happens next, for somebody who has never seen kluis
chapter() {
  number=$((number + 1))
  printf '\n%s%d. %s%s\n' "$bold" "$number" "$1" "$plain"
  shift
  [ $# -eq 0 ] || printf '   %s\n' "$@"
}
# told COMMAND...: the command as one would type it, with what goes into it
told() {
  local word text=''
  for word in "$@"; do
    [[ $word == *\ * && $word != \|* ]] && word="'$word'"
    text+=" $word"
  done
  printf '   %s$%s%s%s\n' "$dim" "${input:+ echo $input |}" "$text" "$plain"
}
# Indented, and without the rest of what is long.
indented() {
  awk -v most="${lines:-14}" '{ if (NR <= most) print "     " substr($0, 1, 150) } END { if (NR > most) print "     ... (" NR - most " more lines)" }'
}
# show COMMAND...: tells it, runs it, shows what it says; input= is a line for its standard input
show() {
  told "$@"
  local status=0
  "$@" >"$work/said" 2>&1 <<<"${input:-}" || status=$?
  indented <"$work/said"
  [ "$status" -eq 0 ] || stop "'$*' failed with exit status $status"
}
# refused STATUS COMMAND...: the same for a command that must fail with that exit status
refused() {
  local wanted=$1 status=0
  shift
  told "$@"
  "$@" >"$work/said" 2>&1 <<<"${input:-}" || status=$?
  indented <"$work/said"
  [ "$status" -eq "$wanted" ] || stop "'$*' ended with exit status $status; it should have been refused with $wanted"
}
stop() {
  printf 'demo: %s\n' "$*" >&2
  exit 1
}

# ---- no process is left, whatever happens ------------------------------------------------------------------------

broker='' agent=''
work=$(mktemp -d)
end() {
  local status=$?
  stop_agent || true
  stop_broker || true
  rm -rf "$work"
  exit $status
}
trap end EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

# await_words PID LOG WORDS WHO: until a process has said so in its log
await_words() {
  for _ in $(seq 100); do
    if grep -q "$3" "$2"; then
      indented <"$2"
      return 0
    fi
    kill -0 "$1" 2>/dev/null || break
    sleep 0.1
  done
  cat "$2" >&2
  stop "$4 did not start; see above"
}

stop_broker() {
  [ -n "$broker" ] || return 0
  local child=$broker
  broker=''
  kill -TERM "$child" 2>/dev/null || true
  wait "$child"
}

start_broker() {
  told kluis-broker serve --data "$demo/hq" "&"
  kluis-broker serve --data "$demo/hq" >"$demo/broker.log" 2>&1 </dev/null &
  broker=$!
  await_words "$broker" "$demo/broker.log" 'serving on' "the broker"
}

# start_agent STORE: by itself, its tills at a port that nobody else has
start_agent() {
  local folder=$demo/stores/$1 log=$demo/stores/$1.log
  printf '[till]\nlisten = 127.0.0.1:%s\n' "$(free_port)" >"$folder/run.ini"
  told kluis-agent run --data "$folder" "&"
  kluis-agent run --data "$folder" >"$log" 2>&1 </dev/null &
  agent=$!
  await_words "$agent" "$log" 'running on' "the agent"
}
stop_agent() {
  [ -n "$agent" ] || return 0
  local child=$agent
  agent=''
  kill -TERM "$child" 2>/dev/null || true
  wait "$child"
}
# until_status STORE FILTER: until jq-less grep finds FILTER in the running agent's status
until_status() {
  for _ in $(seq 200); do
    if kluis-agent status --data "$demo/stores/$1" | grep -E "$2" >/dev/null; then return 0; fi
    sleep 0.1
  done
  kluis-agent status --data "$demo/stores/$1" >&2
  stop "waited in vain for '$2' in store $1's status"
}

# The first port from kluis's own on that nobody listens on.
free_port() {
  local port
  for port in $(seq 7707 7807); do
    if ! (exec 3<>"/dev/tcp/127.0.0.1/$port") 2>/dev/null; then
      echo "$port"
      return 0
    fi
  done
  stop "no free port from 7707 to 7807"
}

# ---- data --------------------------------------------------------------------------------------------------------

# The demo's folder is made anew; only one that a demo made is removed.
prepare_folder() {
  if [ -e "$demo" ] && [ ! -e "$demo/.kluis-demo" ]; then
    stop "$demo is there and no earlier demo made it; move it away"
  fi
  rm -rf "$demo"
  mkdir -p -m 700 "$demo"
  touch "$demo/.kluis-demo"
  mkdir -m 700 "$demo/stores"
}

prepare_data() {
  if [ -n "$data" ]; then
    formula="FoodMart, a grocery chain: 24 stores, 10,281 members, 269,720 lines of receipts (fictional people)"
    stores=$data/stores.csv customers=$data/customers.csv.gz
    sales=("$data/sales_1997.csv.gz" "$data/sales_1998.csv.gz" "$data/sales_1998_dec.csv")
  else
    formula="an invented formula of 24 stores, 10,000 members and 250,000 lines of receipts (nobody in it exists)"
    show kluis-generate --out "$demo/data"
    stores=$demo/data/stores.csv customers=$demo/data/customers.csv
    sales=("$demo/data/sales.csv")
  fi
}

# Before anything is removed or made.
check_data() {
  local file
  for file in stores.csv customers.csv.gz sales_1997.csv.gz sales_1998.csv.gz sales_1998_dec.csv; do
    [ -z "$data" ] || [ -r "$data/$file" ] || stop "$data/$file is not there; --data wants a folder with FoodMart's files"
  done
}

# Two members' card numbers: one who bought at store 6, and one who bought at store 7 and never at 6.
choose_members() {
  gzip -cdf "${sales[@]}" | awk -F, '
    $5 == 6 { here[$3] = 1 }
    $5 == 7 { there[$3] = 1 }
    END {
      for (id in here) if (!member || id + 0 < member) member = id + 0
      for (id in there) if (!(id in here) && (!stranger || id + 0 < stranger)) stranger = id + 0
      print member, stranger
    }' >"$work/members"
  read -r member stranger <"$work/members"
  gzip -cdf "$customers" | awk -F, -v member="$member" -v stranger="$stranger" '
    $1 == member { a = $2 } $1 == stranger { b = $2 } END { print a, b }' >"$work/cards"
  read -r member_card stranger_card <"$work/cards"
}

# ---- the story ---------------------------------------------------------------------------------------------------

set_up() {
  chapter "Head office sets up the formula" \
    "It makes its keys, a certificate, and puts the charter in force: which fields there are, for which purposes they may" \
    "be used, who owns a customer. The charter is entry 0 of a log that only grows."
  show kluis-broker init --data "$demo/hq" --charter "$examples/charter.ini" --listen "tls+tcp://127.0.0.1:$(free_port)"
  kluis-broker keys --data "$demo/hq" >"$work/keys"
  grep '/log+' "$work/keys" >"$demo/log.vkey"
  start_broker

  chapter "It imports what it has" "Every record is sealed under a key of its own. No name or number gets into the log."
  show kluis-broker import stores "$stores" --mapping "$examples/stores.map" --data "$demo/hq"
  show kluis-broker import customers "$customers" --mapping "$examples/customers.map" --data "$demo/hq" --rejects "$demo/rejects-customers.csv"
  local file
  for file in "${sales[@]}"; do
    show kluis-broker import receipts "$file" --mapping "$examples/receipts.map" --data "$demo/hq" --rejects "$demo/rejects-$(basename "$file")"
  done
}

agree() {
  chapter "It offers each store a processing agreement (GDPR art. 28)" \
    "One template, one agreement a store; its grants are what the machine enforces. Head office signs first."
  show kluis-broker agreement draft --all --template "$examples/agreement.template.ini" --values "$stores" --data "$demo/hq"
  show kluis-broker agreement sign --all --data "$demo/hq"

  chapter "Stores 6 and 7 join and sign too" \
    "An invitation names the broker, its certificate and keys, and holds a one-time code. The store makes its own key."
  local store
  for store in 6 7; do
    show kluis-broker invite store "$store" --out "$demo/stores/$store.invitation" --data "$demo/hq"
    show kluis-agent join "$demo/stores/$store.invitation" --data "$demo/stores/$store"
    if [ "$store" = 6 ]; then
      told kluis-agent agreement show --data "$demo/stores/6" "| grep -A 10 '^.grant service'"
      kluis-agent agreement show --data "$demo/stores/6" | grep -A 10 '^.grant service' | indented
    fi
    show kluis-agent agreement sign --yes --data "$demo/stores/$store"
  done
}

work_with_it() {
  chapter "They sync over TLS" "Each gets the members who bought there, the fields that its grant names, and nothing else."
  show kluis-agent sync --data "$demo/stores/6"
  show kluis-agent sync --data "$demo/stores/7"

  chapter "A cashier at store 6 sees a member" \
    "The request is signed by the store and names the employee; it is in the log before the answer leaves head office."
  input="Testa Cashier" show kluis-agent staff add till-1 --role cashier --data "$demo/stores/6"
  input=$member_card show "${lookup[@]}" --purpose service

  chapter "What no grant allows is refused, with the clause, and logged too" \
    "A member of another store; marketing by a cashier; a purpose that the agreement does not have."
  input=$stranger_card refused 3 "${lookup[@]}" --purpose service
  input=$member_card refused 3 "${lookup[@]}" --purpose direct-marketing
  input=$member_card refused 3 "${lookup[@]}" --purpose fraud-prevention

  run_alone

  chapter "Head office suspends store 6: it gets nothing more" \
    "Its agent destroys the key of its copy at once, purges, and certifies it. Store 7 goes on."
  show kluis-broker agreement suspend 6 --reason "audit of the till" --data "$demo/hq"
  until_status 6 'copy for service +0'
  for _ in $(seq 100); do # the certificate is on its way
    if ! kluis-broker holdings --due --data "$demo/hq" | grep service >/dev/null; then break; fi
    sleep 0.1
  done
  indented < <(grep '^copy:' "$demo/stores/6.log")
  stop_agent || stop "store 6's agent did not stop cleanly; see $demo/stores/6.log"
  show kluis-broker holdings --data "$demo/hq"
  input=$member_card refused 3 "${lookup[@]}" --purpose service
  refused 3 kluis-agent sync --data "$demo/stores/6"
  show kluis-agent sync --data "$demo/stores/7"
}

run_alone() {
  chapter "Store 6's agent runs by itself" \
    "It keeps the copy in step, and answers the tills from it within milliseconds; what is shown is recorded before."
  (umask 077 && printf '4711-demo\n' >"$work/pin")
  input=4711-demo show kluis-agent staff pin till-1 --data "$demo/stores/6"
  start_agent 6
  until_status 6 'copy for service +[0-9,]+, open'
  input=$member_card show "${lookup[@]}" --purpose service --pin-file "$work/pin"

  chapter "The line to head office is cut: the tills go on" "What is rung up waits in the store's outbox, on disk."
  stop_broker || stop "the broker did not stop cleanly; see $demo/broker.log"
  input=$member_card show "${lookup[@]}" --purpose service --pin-file "$work/pin"
  local receipt
  receipt=$(printf '{"customer": {"field": "card", "value": "%s"}, "day": "%s", "lines": [{"product": "7", "units": "1", "amount": "2.50"}]}' \
    "$member_card" "$(date -u +%F)")
  input=$receipt show kluis-agent receipt --purpose service --employee till-1 --pin-file "$work/pin" --data "$demo/stores/6"
  show kluis-agent status --data "$demo/stores/6"
  start_broker
  until_status 6 'outbox waiting +0'
  printf '   The broker is back: the receipt and the journal are delivered, each once.\n'
}

audit() {
  chapter "An auditor mirrors the log and verifies it, trusting nobody" \
    "Every leaf, signature and acknowledgement is checked with nothing but the log's key. Reading is itself logged."
  show kluis-broker invite auditor demo --out "$demo/auditor.invitation" --data "$demo/hq"
  show kluis-audit join "$demo/auditor.invitation" --dir "$demo/auditor"
  sleep 0.3 # the log's key signs a checkpoint every 100 ms, and a mirror goes as far as the last one
  show kluis-audit mirror "$demo/auditor" --to "$demo/mirror"
  show kluis-audit verify "$demo/mirror" --log-key "$demo/log.vkey"

  chapter "It replays who saw what, and decides everything again" "Customers and employees stand there by pseudonym."
  lines=40 show kluis-audit replay "$demo/mirror" --store 6
  show kluis-audit replay "$demo/mirror" --check

  chapter "One byte of the mirror is changed" "Whoever alters the log, wherever it is, is found out."
  cp -r "$demo/mirror" "$work/altered"
  local tile
  tile=$(find "$work/altered/tile/entries" -type f | sort | sed -n 1p)
  flip_byte "$tile" 5000
  refused 5 kluis-audit verify "$work/altered" --log-key "$demo/log.vkey"
}

# Turns the lowest bit of the byte at an offset.
flip_byte() {
  local byte
  byte=$(od -An -tu1 -j "$2" -N 1 "$1")
  printf "\\x$(printf %x $((byte ^ 1)))" | dd of="$1" bs=1 seek="$2" conv=notrunc status=none
}

go_on() {
  stop_broker || stop "the broker did not stop cleanly; see $demo/broker.log"
  chapter "Go on by hand" "The broker is stopped; everything is in $demo. From here:"
  cat <<END
     PATH=$bin:\$PATH
     kluis-broker serve --data $demo/hq &
     kluis-broker agreement resume 6 --data $demo/hq
     kluis-broker totals --data $demo/hq
     echo $member_card | kluis-agent lookup card --purpose service --employee till-1 --data $demo/stores/6
     kluis-agent copy --purpose service --data $demo/stores/7 | head
     kluis-audit mirror $demo/auditor --to $demo/mirror
     kluis-audit verify $demo/mirror --log-key $demo/log.vkey
     kluis-audit replay $demo/mirror --verdict refused
     kill %1
END
}

lookup=(kluis-agent lookup card --employee till-1 --data "$demo/stores/6")
check_data
prepare_folder
printf '%skluis%s: a franchise shares its customer records under signed agreements; an auditor replays who saw what.\n' \
  "$bold" "$plain"
prepare_data
printf 'The data: %s.\n' "$formula"
choose_members
set_up
agree
work_with_it
audit
go_on
