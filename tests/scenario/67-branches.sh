#!/usr/bin/env bash
# 24 stores, each in a network namespace of its own, and a broker in another: tills at work while links are cut and
# healed, agents and broker are killed with -9, the disk of one store fills up and the clock of another is wrong by hours.
# At the end nothing that a till was told is missing, no read is unrecorded, and every copy is what the broker would give.
# FoodMart's members if they are there, else invented ones.
# usage: 67-branches.sh BIN-FOLDER [SECONDS]
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh" "$1"
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
seconds=${2:-20}
foodmart=${KLUIS_FOODMART:-$here/../../../shared/data}
stores=$(seq 1 24)
full=5 # its folder is a disk of its own
wrong=9 # its clock is five hours ahead
seed=${KLUIS_SEED:-1}

id=$$
hub=kluis-$id-hub
if [ "$(id -u)" -ne 0 ] || ! ip netns add "$hub" 2>/dev/null; then
  shown "not shown (no network namespaces here): 24 stores with links that are cut"
  exit 0
fi
spaces=("$hub")
drop_spaces() {
  local each
  for each in "${spaces[@]}"; do
    ip netns pids "$each" 2>/dev/null | xargs -r kill -KILL 2>/dev/null || true
    ip netns del "$each" 2>/dev/null || true
  done
}
trap 'clean_up; drop_spaces' EXIT

# ---- a network: a bridge in the hub, a cable to each store -----------------------------------------------------------

space() { echo "kluis-$id-$1"; }
in_space() {
  local name
  name=$(space "$1")
  shift
  ip netns exec "$name" "$@"
}
ip -n "$hub" link set lo up
ip -n "$hub" link add bridge type bridge
ip -n "$hub" addr add 10.99.0.250/24 dev bridge
ip -n "$hub" link set bridge up
for store in $stores; do
  ip netns add "$(space "$store")"
  spaces+=("$(space "$store")")
  ip -n "$hub" link add "store$store" type veth peer name cable netns "$(space "$store")"
  ip -n "$hub" link set "store$store" master bridge up
  in_space "$store" ip link set lo up
  in_space "$store" ip addr add "10.99.0.$store/24" dev cable
  in_space "$store" ip link set cable up
done

# ---- a formula -----------------------------------------------------------------------------------------------------

export KLUIS_DATA=$work/hq
if [ -r "$foodmart/customers.csv.gz" ]; then
  mkdir "$work/data"
  cp "$foodmart/stores.csv" "$work/data/stores.csv"
  customers=$foodmart/customers.csv.gz
  sales=$foodmart/sales_1998_dec.csv
else
  shown "FoodMart is not at $foodmart: with invented members"
  kluis-generate --customers 2000 --stores 24 --lines 10000 --out "$work/data" >/dev/null
  customers=$work/data/customers.csv
  sales=$work/data/sales.csv
fi
# cards_of STORE: half of those who bought there, half of anybody's
column() { awk -v FS=, -v name="$2" 'NR == 1 { for (i = 1; i <= NF; i++) if ($i == name) print i }' < <(gzip -cdf "$1"); }
gzip -cdf "$customers" | cut -d, -f1,2 | tail -n +2 | sort -t, -k1,1 >"$work/members"
gzip -cdf "$sales" | awk -v FS=, -v c="$(column "$sales" customer_id)" -v s="$(column "$sales" store_id)" \
  'NR > 1 { print $c "," $s }' | sort -u -t, -k1,1 -k2,2 | join -t, - "$work/members" >"$work/visits"
cards_of() {
  awk -v FS=, -v store="$1" '$2 == store && n++ < 200 { print $3 }' "$work/visits"
  cut -d, -f2 "$work/members" | shuf -n 50 --random-source=<(yes "$seed")
}
kluis-broker init --charter "$examples/charter.ini" --listen "tls+tcp://10.99.0.250:7410" >/dev/null
serve() {
  ip netns exec "$hub" kluis-broker serve >>"$work/hq.serve" 2>&1 </dev/null &
  broker=$!
  processes+=("$broker")
  for _ in $(seq 400); do
    if kluis-broker store list >/dev/null 2>&1; then return 0; fi
    sleep 0.05
  done
  fail "the broker does not serve"
}
serve
kluis-broker import stores "$work/data/stores.csv" --mapping "$examples/stores.map" >/dev/null
kluis-broker import customers "$customers" --mapping "$examples/customers.map" >/dev/null
kluis-broker import receipts "$sales" --mapping "$examples/receipts.map" >/dev/null
kluis-broker agreement draft --template "$examples/agreement.template.ini" --values "$work/data/stores.csv" --all >/dev/null
kluis-broker agreement sign --all >/dev/null

totals() { kluis-broker totals --json | jq -r '.[] | [.store, .receipts, .amount] | @tsv' | tr -d .; }
# store receipts amount: summed over the years
sums() { awk '{ r[$1] += $2; a[$1] += $3 } END { for (s in r) printf "%d %d %.0f\n", s, r[s], a[s] }' | sort -n; }
totals | sums >"$work/before"

# ---- agents --------------------------------------------------------------------------------------------------------

mkdir "$work/disk"
if mount -t tmpfs -o size=24m,mode=0700 kluis "$work/disk" 2>/dev/null; then
  mounts+=("$work/disk")
else
  shown "not shown (no tmpfs may be mounted here): a disk that fills up"
  full=0
fi
folder_of() {
  if [ "$1" = "$full" ]; then echo "$work/disk/agent"; else echo "$work/$1"; fi
}
faketime=$(find /usr/lib -name libfaketimeMT.so.1 2>/dev/null | sed -n 1p)
if [ -z "$faketime" ] || ldd "$bin/kluis-agent" | grep -E 'lib(asan|tsan)' >/dev/null; then
  shown "not shown (no faketime, or a sanitizer beside it): a clock that is wrong by hours"
  wrong=0
fi
declare -A agents=()
run_agent() {
  local store=$1 environment=()
  [ "$store" != "$wrong" ] || environment=(LD_PRELOAD="$faketime" FAKETIME=+5h FAKETIME_DONT_FAKE_MONOTONIC=1)
  # not by in_space: the process that is killed must be the agent itself
  ip netns exec "$(space "$store")" env ${environment[@]+"${environment[@]}"} kluis-agent run \
    --data "$(folder_of "$store")" >>"$work/$store.log" 2>&1 </dev/null &
  agents[$store]=$!
  processes+=("$!")
}
status_of() {
  in_space "$1" curl -s -m 5 http://127.0.0.1:7411/v1/status 2>/dev/null || true
}
for store in $stores; do
  folder=$(folder_of "$store")
  kluis-broker invite store "$store" --out "$work/$store.invitation" >/dev/null
  in_space "$store" kluis-agent join "$work/$store.invitation" --data "$folder" >/dev/null
  in_space "$store" kluis-agent agreement sign --yes --data "$folder" >/dev/null
  in_space "$store" kluis-agent staff add till-1 --role cashier --data "$folder" <<<"Testa Cashier" >/dev/null 2>&1
  in_space "$store" kluis-agent staff pin till-1 --data "$folder" <<<"4711-$store" >/dev/null
  run_agent "$store"
done

is_so() {
  local status
  status=$(status_of "$1")
  [ -n "$status" ] && jq -e "$2" <<<"$status" >/dev/null 2>&1
}
# until_all FILTER WHAT: until jq's FILTER is true of every store's status
until_all() {
  local store tries=0
  for store in $stores; do
    until is_so "$store" "$1"; do
      tries=$((tries + 1))
      if [ "$tries" -gt 600 ]; then
        status_of "$store" >&2
        tail -n 5 "$work/$store.log" >&2
        fail "store $store: waited in vain until $2"
      fi
      sleep 0.2
    done
  done
}
until_all '(.copies | length) > 0 and all(.copies[]; .state == "open" and .copying == null)' 'its copies stand'
shown "24 agents made their first copies by themselves"

# ---- tills at work, the world against them -------------------------------------------------------------------------

tills=()
for store in $stores; do
  cards_of "$store" >"$work/$store.cards"
  in_space "$store" python3 "$here/branch_tills.py" 7411 "$seconds" "$((seed * 100 + store))" "$work/$store.cards" \
    "$work/$store.notes" <<<"4711-$store" 2>"$work/$store.till" &
  tills+=("$!")
  processes+=("$!")
done
RANDOM=$seed
cut=() cuts=0 kills=0 broker_kills=0
heal() {
  local store
  for store in ${cut[@]+"${cut[@]}"}; do ip -n "$hub" link set "store$store" up; done
  cut=()
}
filler=$work/disk/filler
fill_disk() { dd if=/dev/zero of="$filler" bs=64k count=400 2>/dev/null || true; }
end=$((SECONDS + seconds))
step=0
while [ "$SECONDS" -lt "$end" ]; do
  step=$((step + 1))
  store=$((RANDOM % 24 + 1))
  case $((RANDOM % 4)) in
    0 | 1)
      ip -n "$hub" link set "store$store" down
      cut+=("$store")
      cuts=$((cuts + 1))
      ;;
    2) heal ;;
    3)
      kill -KILL "${agents[$store]}" 2>/dev/null || true
      wait "${agents[$store]}" 2>/dev/null || true
      run_agent "$store"
      kills=$((kills + 1))
      ;;
  esac
  if [ $((step % 10)) -eq 6 ]; then
    kill -KILL "$broker"
    wait "$broker" 2>/dev/null || true
    serve
    broker_kills=$((broker_kills + 1))
  fi
  if [ "$full" != 0 ] && [ "$step" -eq 4 ]; then fill_disk; fi
  if [ "$full" != 0 ] && [ "$step" -eq 12 ]; then rm -f "$filler"; fi
  sleep 0.5
done
heal
rm -f "$filler"
for till in "${tills[@]}"; do
  end_process "$till" || { cat "$work"/*.till >&2; fail "a till broke off"; }
done
calls=$(awk '/^calls/ { c += $2; f += $4 } END { printf "%d calls of tills, %d of them failed", c, f }' "$work"/*.notes)
shown "$cuts links cut, $kills agents and $broker_kills times the broker killed with -9; $calls"

# ---- healed: nothing is missing --------------------------------------------------------------------------------------

until_all '.outbox.waiting == 0 and .journal.waiting == 0 and (.certificates // [] | length) == 0' 'all is delivered'
until_all '.outbox.refused == 0' 'nothing was refused'
for store in $stores; do
  kill -TERM "${agents[$store]}" || fail "store $store: its agent does not run"
  end_process "${agents[$store]}" || fail "store $store: its agent did not stop cleanly"
done

totals | sums >"$work/after"
for store in $stores; do
  awk -v store="$store" '/^receipt/ { if (!seen[$2]++) { n++; a += $3 } } END { printf "%d %d %.0f\n", store, n, a }' \
    "$work/$store.notes"
done | sort -n >"$work/acknowledged"
join -a 1 "$work/after" "$work/before" | awk '{ printf "%d %d %.0f\n", $1, $2 - $4, $3 - $5 }' | awk '$2 > 0' >"$work/arrived"
awk '$2 > 0' "$work/acknowledged" | diff "$work/arrived" - >"$work/diff" || {
  cat "$work/diff" >&2
  fail "what the tills were told was taken is not what the broker has"
}
shown "$(awk '{ n += $2 } END { print n }' "$work/acknowledged") acknowledged receipts are at the broker, each once"

for store in $stores; do
  folder=$(folder_of "$store")
  in_space "$store" kluis-agent copy --purpose service --data "$folder" | jq -cS 'del(.entry)' | sort >"$work/$store.copy"
  in_space "$store" kluis-agent sync --anew --data "$folder" >"$work/out" 2>&1 || {
    tail -n 5 "$work/hq.serve" "$work/out" >&2
    fail "store $store: cannot be copied anew"
  }
  in_space "$store" kluis-agent copy --purpose service --data "$folder" | jq -cS 'del(.entry)' | sort >"$work/$store.anew"
  diff -q "$work/$store.copy" "$work/$store.anew" >/dev/null || fail "store $store: its copy is not what the broker gives"
done
shown "all 24 copies, $(cat "$work"/*.copy | wc -l) rows, equal copies made anew"

# ---- the auditor: every read is recorded --------------------------------------------------------------------------------

kluis-broker invite auditor watch --out "$work/watch.invitation" >/dev/null
in_space 1 kluis-audit join "$work/watch.invitation" --dir "$work/watch" >/dev/null
in_space 1 kluis-audit mirror "$work/watch" --to "$work/mirror" >/dev/null 2>&1
kluis-audit verify "$work/mirror" --log-key "$work/watch/log.vkey" >"$work/verify" || {
  cat "$work/verify" >&2
  fail "the log does not verify"
}
kluis-audit replay "$work/mirror" --check >"$work/check" 2>&1 || {
  tail -n 20 "$work/check" >&2
  fail "replay finds something"
}
kluis-audit replay "$work/mirror" --json |
  jq -r 'select(.record != null) | "\(.store) \(.record)"' | sort -u >"$work/recorded"
for store in $stores; do awk -v store="$store" '/^record/ { print store, $2 }' "$work/$store.notes"; done | sort -u >"$work/read"
missing=$(comm -23 "$work/read" "$work/recorded" | wc -l)
[ "$missing" -eq 0 ] || fail "$missing of $(wc -l <"$work/read") reads are not in the log"
shown "$(wc -l <"$work/read") reads from copies are in the log; it verifies, and every decision is recomputed"
