# shellcheck shell=bash
# What scenarios share: a scratch folder, brokers and stores in it, and what is expected of a command. For sourcing:
#
#     . "$(dirname "${BASH_SOURCE[0]}")/lib.sh" "$1"
#
# Afterwards $work is an empty folder of mode 0700 that goes away, with every process that start_broker or later
# started, whatever happens; $bin is the programs' folder and in PATH; $examples holds FoodMart's papers and mappings.
set -euo pipefail
[ $# -ge 1 ] || { echo "usage: $0 BIN-FOLDER" >&2; exit 2; }
bin=$(cd "$1" && pwd)
scenario=$(basename "$0" .sh)
examples=$(cd "$(dirname "${BASH_SOURCE[0]}")/../../broker/examples/foodmart" && pwd)
work=$(mktemp -d)
export PATH=$bin:$PATH
unset KLUIS_DATA KLUIS_AGENT_DATA

processes=() # all that were started and not yet waited for
broker=''    # the one that start_broker started last
mounts=()

clean_up() {
  local each
  for each in ${processes[@]+"${processes[@]}"}; do
    kill -KILL "$each" 2>/dev/null || true
    wait "$each" 2>/dev/null || true
  done
  for each in ${mounts[@]+"${mounts[@]}"}; do
    umount "$each" 2>/dev/null || true
  done
  rm -rf "$work"
}
trap clean_up EXIT
trap 'exit 130' INT TERM

fail() {
  echo "$scenario: $*" >&2
  exit 1
}

# One line for each thing that was shown.
shown() {
  echo "$scenario: $*"
}

# expect STATUS TEXT COMMAND...: the command, with nothing to read unless the caller gives it something, ends with that
# exit status and says TEXT (literally; '' for anything). What it said is in $work/out.
expect() {
  local want=$1 text=$2 got=0
  shift 2
  if [ -t 0 ]; then
    "$@" >"$work/out" 2>&1 </dev/null || got=$?
  else
    "$@" >"$work/out" 2>&1 || got=$?
  fi
  if [ "$got" -ne "$want" ]; then
    cat "$work/out" >&2
    fail "exit status $got instead of $want: $*"
  fi
  if [ -n "$text" ] && ! grep -qF -- "$text" "$work/out"; then
    cat "$work/out" >&2
    fail "does not say '$text': $*"
  fi
}

# A port of this machine where nothing listens, below those that the system hands out itself.
free_port() {
  local port
  for _ in $(seq 100); do
    port=$((20000 + RANDOM % 10000))
    (exec 3<>"/dev/tcp/127.0.0.1/$port") 2>/dev/null || { echo "$port"; return 0; }
  done
  fail "no free port"
}

# wait_for FILE TEXT [PROCESS]: until the file has the text; fails after 20 s, or when the process has ended.
wait_for() {
  for _ in $(seq 400); do
    if grep -qsF -- "$2" "$1"; then return 0; fi
    [ -z "${3:-}" ] || kill -0 "$3" 2>/dev/null || break
    sleep 0.05
  done
  [ ! -e "$1" ] || cat "$1" >&2
  fail "waited in vain for '$2'"
}

# start_broker [FOLDER]: serves it, $work/hq unless given; what it says is in FOLDER.serve.
start_broker() {
  local folder=${1:-$work/hq}
  kluis-broker serve --data "$folder" >"$folder.serve" 2>&1 </dev/null &
  broker=$!
  processes+=("$broker")
  wait_for "$folder.serve" 'serving on' "$broker"
}

# end_process PROCESS: waits for it and returns its exit status.
end_process() {
  local status=0 each rest=()
  wait "$1" || status=$?
  for each in "${processes[@]}"; do
    [ "$each" = "$1" ] || rest+=("$each")
  done
  processes=(${rest[@]+"${rest[@]}"})
  return "$status"
}

# The broker that was started last stops cleanly.
stop_broker() {
  local status=0
  kill -TERM "$broker" || fail "the broker does not run any more"
  for _ in $(seq 400); do
    kill -0 "$broker" 2>/dev/null || break
    sleep 0.05
  done
  ! kill -0 "$broker" 2>/dev/null || fail "the broker does not stop"
  end_process "$broker" || status=$?
  [ "$status" -eq 0 ] || fail "the broker stopped with exit status $status"
  broker=''
}

# make_formula [OPTION...]: an invented formula (kluis-generate) in $work/data, a broker's folder $work/hq that serves,
# everything imported. Head office's commands then need no --data.
make_formula() {
  export KLUIS_DATA=$work/hq
  kluis-generate --customers 200 --stores 8 --lines 2000 "$@" --out "$work/data" >/dev/null
  kluis-broker init --charter "$examples/charter.ini" --listen "tls+tcp://127.0.0.1:$(free_port)" >/dev/null
  start_broker
  for each in stores customers sales; do
    import "$each" "$work/data/$each.csv" >/dev/null 2>&1
  done
}

# import stores|customers|sales FILE [OPTION...]: with FoodMart's mapping.
import() {
  local kind=${1/sales/receipts} file=$2
  shift 2
  kluis-broker import "$kind" "$file" --mapping "$examples/$kind.map" --rejects "$work/rejects" "$@"
}

# draft STORE [OPTION...]: from $work/template.ini if that is there, else from FoodMart's.
draft() {
  local store=$1 template=$examples/agreement.template.ini
  shift
  [ ! -e "$work/template.ini" ] || template=$work/template.ini
  kluis-broker agreement draft --store "$store" --template "$template" --values "$work/data/stores.csv" "$@"
}

# agent STORE COMMAND...: as that store, whose folder is $work/STORE.
agent() {
  local store=$1
  shift
  KLUIS_AGENT_DATA=$work/$store kluis-agent "$@"
}

# join_store STORE: invites it and joins, nothing more.
join_store() {
  kluis-broker invite store "$1" --out "$work/$1.invitation" >/dev/null
  agent "$1" join "$work/$1.invitation" >/dev/null
}

# sign_up STORE: joined, under an agreement that both signed, with cashier till-1.
sign_up() {
  join_store "$1"
  draft "$1" >/dev/null
  kluis-broker agreement sign --store "$1" >/dev/null
  agent "$1" agreement sign --yes >/dev/null
  agent "$1" staff add till-1 --role cashier <<<"Testa Cashier" >/dev/null
}

# ---- what the log says -------------------------------------------------------------------------------------------------

# An auditor, who mirrors the log into $work/mirror; mark_log and log_since need it.
join_auditor() {
  kluis-broker invite auditor watch --out "$work/watch.invitation" >/dev/null
  kluis-audit join "$work/watch.invitation" --dir "$work/watch" >/dev/null
}

# Replays the log as CSV without the auditor's own reading into $work/log.
read_log() {
  sleep 0.2 # the next checkpoint is that far away at most
  kluis-audit mirror "$work/watch" --to "$work/mirror" >/dev/null 2>&1
  kluis-audit replay "$work/mirror" --csv 2>/dev/null | grep -v '/auditor/watch,' >"$work/log"
}

mark_log() {
  read_log
  marked=$(wc -l <"$work/log")
}

# What is new in the log since mark_log: lines of CSV in $work/new.
log_since() {
  read_log
  tail -n "+$((marked + 1))" "$work/log" >"$work/new"
}
