#!/usr/bin/env bash
# The story of kluis in a minute, with the real programs: ./bootstrap demo calls this.
# usage: demo.sh BIN-FOLDER DEMO-FOLDER [FOODMART-FOLDER]
# Leaves DEMO-FOLDER/{hq,stores,mirror,log.vkey} for going on by hand, and no process.
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
bin=$(cd "$1" && pwd)
demo=$2
data=${3:-}

# ---- how the demo talks ------------------------------------------------------------------------------------------

if [ -t 1 ] && [ -z "${NO_COLOR:-}" ]; then
  bold=$'\e[1m' dim=$'\e[2m' plain=$'\e[0m'
else
  bold='' dim='' plain=''
fi
step=0
# chapter TEXT: what happens next, for somebody who has never seen kluis
chapter() {
  step=$((step + 1))
  printf '\n%s%d. %s%s\n' "$bold" "$step" "$1" "$plain"
  shift
  [ $# -eq 0 ] || printf '   %s\n' "$@"
}
# show COMMAND...: prints the command as one would type it, runs it, indents what it says
show() {
  printf '   %s$ %s%s\n' "$dim" "${*/#$bin\//}" "$plain"
  "$@" 2>&1 | sed 's/^/     /'
}
# refused COMMAND...: the same for a command that must fail, and says so if it does not
refused() {
  printf '   %s$ %s%s\n' "$dim" "${*/#$bin\//}" "$plain"
  local status=0
  "$@" >"$work/refused" 2>&1 || status=$?
  sed 's/^/     /' "$work/refused"
  [ "$status" -ne 0 ] || stop "this should have been refused"
}
stop() {
  printf 'demo: %s\n' "$*" >&2
  exit 1
}

# ---- no process is left, whatever happens ------------------------------------------------------------------------

children=()
work=$(mktemp -d)
end() {
  local status=$? child
  for child in "${children[@]}"; do
    kill -TERM "$child" 2>/dev/null || true
  done
  for child in "${children[@]}"; do
    wait "$child" 2>/dev/null || true
  done
  rm -rf "$work"
  exit $status
}
trap end EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

# start NAME COMMAND...: in the background, its log in the demo's folder
start() {
  local name=$1
  shift
  "$@" >"$demo/$name.log" 2>&1 &
  children+=($!)
}

# ---- data --------------------------------------------------------------------------------------------------------

# The demo's folder is made anew; only one that a demo made is removed.
prepare_folder() {
  if [ -e "$demo" ] && [ ! -e "$demo/.kluis-demo" ]; then
    stop "$demo is there and no earlier demo made it; move it away"
  fi
  rm -rf "$demo"
  mkdir -m 700 "$demo"
  touch "$demo/.kluis-demo"
  demo=$(cd "$demo" && pwd)
}

prepare_data() {
  if [ -n "$data" ]; then
    for file in stores.csv customers.csv.gz sales_1997.csv.gz sales_1998.csv.gz sales_1998_dec.csv; do
      [ -r "$data/$file" ] || stop "$data/$file is not there; see --data in ./bootstrap --help"
    done
    formula=FoodMart
    stores=$data/stores.csv customers=$data/customers.csv.gz
    sales=("$data/sales_1997.csv.gz" "$data/sales_1998.csv.gz" "$data/sales_1998_dec.csv")
  else
    formula="an invented formula"
    "$bin/kluis-generate" --out "$demo/data"
    stores=$demo/data/stores.csv customers=$demo/data/customers.csv
    sales=("$demo/data/sales.csv")
  fi
}

# ---- the story ---------------------------------------------------------------------------------------------------

prepare_folder
prepare_data
printf '%skluis%s: a franchise shares its customer records under signed agreements, and an auditor replays who saw what.\n' \
  "$bold" "$plain"
printf '%s\n' "The data: $formula. Everything stays in $demo."

chapter "Head office sets up" "Keys, a certificate, a master key, and the formula's own rules: the charter."
