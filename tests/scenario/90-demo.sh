#!/usr/bin/env bash
# The demo runs to its end with an invented formula (and with FoodMart where that is), ends with no process left, and what
# it leaves can be gone on with by hand as it says.
# usage: 90-demo.sh BIN-FOLDER
set -euo pipefail
bin=$(cd "$1" && pwd)
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
work=$(mktemp -d)
broker=''
trap '[ -z "$broker" ] || kill "$broker" 2>/dev/null || true; rm -rf "$work"' EXIT
fail() {
  echo "90-demo: $*" >&2
  exit 1
}

foodmart=${KLUIS_FOODMART:-../shared/data}
[ -r "$foodmart/customers.csv.gz" ] || foodmart=''
for data in '' $foodmart; do
  rm -rf "$work/demo"
  bash broker/examples/demo.sh "$bin" "$work/demo" $data >"$work/out" 2>&1 </dev/null ||
    { cat "$work/out"; fail "the demo failed (data: ${data:-invented})"; }
  grep -q 'Go on by hand' "$work/out" || fail "the demo ended early"
  if pgrep -f "kluis-[a-z]* .*$work/demo" >/dev/null; then fail "a process is left"; fi
done

# the README of FoodMart's last column: stores 6 and 7
if [ -n "$foodmart" ]; then
  grep -q '^     service  *1445 ' "$work/out" || fail "store 6 does not hold 1,445 customers"
  grep -q '^     service  *1470 ' "$work/out" || fail "store 7 does not hold 1,470 customers"
fi

# by hand, with the commands that it printed last
"$bin/kluis-audit" verify "$work/demo/mirror" --log-key "$work/demo/log.vkey" >/dev/null || fail "the mirror does not verify"
"$bin/kluis-broker" serve --data "$work/demo/hq" >"$work/serve" 2>&1 </dev/null &
broker=$!
for _ in $(seq 200); do
  if grep -q 'serving on' "$work/serve"; then break; fi
  sleep 0.05
done
"$bin/kluis-broker" agreement resume 6 --data "$work/demo/hq" >/dev/null || fail "resume"
card=$(sed -n 's/^     echo \([0-9]*\) | kluis-agent lookup.*/\1/p' "$work/out")
"$bin/kluis-agent" lookup card --purpose service --employee till-1 --data "$work/demo/stores/6" <<<"$card" >/dev/null 2>&1 ||
  fail "store 6 does not see its member again"
kill -TERM "$broker"
wait "$broker" || fail "the broker did not stop cleanly"
broker=''

# a folder that no demo made is left alone
mkdir "$work/mine"
if bash broker/examples/demo.sh "$bin" "$work/mine" >/dev/null 2>&1 </dev/null; then
  fail "it took a folder that is not its own"
fi
[ -d "$work/mine" ] || fail "it removed a folder that is not its own"
