#!/usr/bin/env bash
# The broker and the importing client are killed (-9) at random instants, again and again, while head office imports and
# opens stores. At the end nothing is missing and nothing is there twice: the totals are those of the files, whatever was
# acknowledged is there, importing once more changes nothing, and the log verifies and recomputes.
# usage: 50-kill.sh BIN-FOLDER      KLUIS_KILLS=200 kills more often (30), KLUIS_SEED=7 at other instants
set -euo pipefail
bin=$(cd "$1" && pwd)
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
examples=$PWD/broker/examples/foodmart
kills=${KLUIS_KILLS:-30}
RANDOM=${KLUIS_SEED:-$$}
seed=$RANDOM
work=$(mktemp -d)
broker='' importing='' opening=''
export PATH=$bin:$PATH KLUIS_DATA=$work/hq

end() {
  local child
  for child in "$importing" "$opening" "$broker"; do
    [ -n "$child" ] || continue
    pkill -KILL -P "$child" || true
    kill -KILL "$child" 2>/dev/null || true
    wait "$child" 2>/dev/null || true
  done
  rm -rf "$work"
}
trap end EXIT
fail() {
  echo "50-kill (KLUIS_SEED=$seed): $*" >&2
  tail -n 5 "$work"/*.log >&2 || true
  exit 1
}

free_port() {
  local port
  for port in $(seq 7940 7999); do
    (exec 3<>"/dev/tcp/127.0.0.1/$port") 2>/dev/null || { echo "$port"; return 0; }
  done
  return 1
}

start_broker() {
  kluis-broker serve >"$work/serve.log" 2>&1 </dev/null &
  broker=$!
  for _ in $(seq 400); do
    grep -q 'serving on' "$work/serve.log" && return 0
    kill -0 "$broker" 2>/dev/null || break
    sleep 0.025
  done
  fail "the broker does not come up again"
}
# The shell would say "Killed" each time.
kill_broker() {
  kill -KILL "$broker"
  wait "$broker" 2>/dev/null || true
}

# ---- what head office does, until it is told that it worked ----------------------------------------------------------

# import KIND FILE: tries until it is done; its client's process is in $work/client
import() {
  local tries=0
  until [ -e "$work/done-$1" ]; do
    kluis-broker import "$1" "$2" --mapping "$examples/$1.map" --rejects "$work/rejects-$1" >>"$work/import.log" 2>&1 </dev/null &
    echo $! >"$work/client.new"
    mv "$work/client.new" "$work/client"
    if wait $! 2>/dev/null; then touch "$work/done-$1"; else sleep 0.05; fi
    tries=$((tries + 1))
    [ "$tries" -lt 2000 ] || return 1
  done
}
import_all() {
  import stores "$work/data/stores.csv"
  import customers "$work/data/customers.csv"
  import receipts "$work/data/sales.csv"
  touch "$work/imported"
}
# Opens one store after the other; those that were acknowledged are in $work/opened.
open_stores() {
  local number=1000
  while [ ! -e "$work/stop" ]; do
    number=$((number + 1))
    if kluis-broker store open "$number" "Store $number" NL >/dev/null 2>>"$work/open.log" </dev/null; then
      echo "$number" >>"$work/opened"
    fi
    sleep 0.02
  done
}

kluis-generate --out "$work/data" --customers 12000 --lines 120000 --seed "$seed" >/dev/null
kluis-broker init --charter "$examples/charter.ini" --listen "tls+tcp://127.0.0.1:$(free_port)" >/dev/null
start_broker
touch "$work/opened"
import_all &
importing=$!
open_stores &
opening=$!

# ---- kills -----------------------------------------------------------------------------------------------------------

count=0
while [ "$count" -lt "$kills" ] && [ ! -e "$work/imported" ]; do
  sleep "$(printf '0.%03d' $((RANDOM % 300)))"
  if [ $((RANDOM % 3)) -eq 0 ] && [ -s "$work/client" ]; then
    # its parent waits for it, so that the number is still its own, or nobody's
    kill -KILL "$(cat "$work/client")" 2>/dev/null || true
  else
    kill_broker
    [ $((RANDOM % 4)) -ne 0 ] || sleep 0.1
    start_broker
  fi
  count=$((count + 1))
done
wait "$importing" || fail "the import never got to its end"
importing=''
touch "$work/stop"
wait "$opening" || true
opening=''
kill_broker
start_broker

# ---- nothing missing, nothing twice ----------------------------------------------------------------------------------

# year store receipts lines units amount cost, of the file itself; numbers in 1/10000
expected() {
  awk -F, '
    function number(text) { gsub(/\./, "", text); return text + 0 }
    NR > 1 {
      key = substr($9, 1, 4) " " $5
      if (!seen[$5, $3, $9]++) receipts[key]++
      lines[key]++; units[key] += number($8); amount[key] += number($6); cost[key] += number($7)
    }
    END { for (key in lines) printf "%s %d %d %d %d %d\n", key, receipts[key], lines[key], units[key], amount[key], cost[key] }
  ' "$work/data/sales.csv" | sort
}
found() {
  kluis-broker totals | awk 'NR > 1 { for (i = 5; i <= 7; i++) gsub(/\./, "", $i); printf "%s %s %d %d %d %d %d\n", $1, $2, $3, $4, $5, $6, $7 }' | sort
}
expected >"$work/expected"
found >"$work/found"
[ -s "$work/expected" ] || fail "no sales were made up"
diff "$work/expected" "$work/found" >"$work/difference" || fail "totals differ: $(head -6 "$work/difference")"

kluis-broker store list | awk '{ print $1 }' >"$work/stores"
while read -r number; do
  grep -qx "$number" "$work/stores" || fail "store $number was acknowledged and is not there"
done <"$work/opened"

# The same files under another mapping are another import: every row of them must be there already.
for kind in customers receipts; do
  sed '1i ; once more' "$examples/$kind.map" >"$work/$kind.map"
  file=$work/data/$([ "$kind" = customers ] && echo customers.csv || echo sales.csv)
  kluis-broker import "$kind" "$file" --mapping "$work/$kind.map" --rejects "$work/rejects" >"$work/again" || fail "a second import of $kind failed"
  awk 'NR == 2 && ($1 == 0 || $5 != $1) { exit 1 }' "$work/again" || fail "importing $kind again changed something: $(cat "$work/again")"
done

# ---- the log ---------------------------------------------------------------------------------------------------------

kluis-broker invite auditor court --out "$work/court.invitation" >/dev/null
kluis-audit join "$work/court.invitation" --dir "$work/court" >/dev/null
kluis-audit mirror "$work/court" --to "$work/mirror" >/dev/null || fail "the mirror cannot be made"
kluis-audit verify "$work/mirror" --log-key "$work/court/log.vkey" >"$work/verified.log" 2>&1 || fail "the log does not verify"
kluis-audit replay "$work/mirror" --check >"$work/replay.log" 2>&1 || fail "the log does not recompute"
echo "killed $count times, $(wc -l <"$work/opened") stores acknowledged, $(wc -l <"$work/expected") sums equal"
