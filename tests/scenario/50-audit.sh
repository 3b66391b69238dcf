#!/usr/bin/env bash
# An auditor mirrors a living broker's log: killed at any instant, the next run goes on; the mirror verifies and every
# decision comes out the same; after flipping any one byte it fails, exit status 5, and names the file.
# usage: 50-audit.sh BIN-FOLDER
set -euo pipefail
bin=$(cd "$1" && pwd)
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
examples=$PWD/broker/examples/foodmart
work=$(mktemp -d)
broker=''
trap '[ -z "$broker" ] || kill "$broker" 2>/dev/null || true; rm -rf "$work"' EXIT
fail() {
  echo "50-audit: $*" >&2
  exit 1
}
export PATH=$bin:$PATH KLUIS_DATA=$work/hq

# ---- a small formula with something in its log -----------------------------------------------------------------------

free_port() {
  local port
  for port in $(seq 7820 7920); do
    (exec 3<>"/dev/tcp/127.0.0.1/$port") 2>/dev/null || { echo "$port"; return 0; }
  done
  return 1
}

kluis-generate --out "$work/data" --customers 600 --lines 6000 >/dev/null
kluis-broker init --charter "$examples/charter.ini" --listen "tls+tcp://127.0.0.1:$(free_port)" >/dev/null
kluis-broker serve >"$work/serve" 2>&1 </dev/null &
broker=$!
for _ in $(seq 200); do
  grep -q 'serving on' "$work/serve" && break
  sleep 0.05
done
kluis-broker import stores "$work/data/stores.csv" --mapping "$examples/stores.map" >/dev/null
kluis-broker import customers "$work/data/customers.csv" --mapping "$examples/customers.map" --rejects "$work/rejects" >/dev/null
kluis-broker import receipts "$work/data/sales.csv" --mapping "$examples/receipts.map" --rejects "$work/rejects" >/dev/null
kluis-broker agreement draft --all --template "$examples/agreement.template.ini" --values "$work/data/stores.csv" >/dev/null
kluis-broker agreement sign --all >/dev/null
kluis-broker invite store 6 --out "$work/6.invitation" >/dev/null
export KLUIS_AGENT_DATA=$work/6
kluis-agent join "$work/6.invitation" >/dev/null
kluis-agent agreement sign --yes >/dev/null
kluis-agent staff add till-1 --role cashier <<<"Testa Cashier" >/dev/null
kluis-agent sync >/dev/null
cut -d, -f2 "$work/data/customers.csv" | sed -n 2,41p >"$work/cards"
while read -r card; do
  kluis-agent lookup card --purpose service --employee till-1 <<<"$card" >/dev/null 2>&1 || true
done <"$work/cards"
kluis-broker agreement suspend 6 >/dev/null
kluis-agent sync >/dev/null 2>&1 && fail "a suspended store syncs"
kluis-broker agreement resume 6 >/dev/null

# ---- the auditor ------------------------------------------------------------------------------------------------------

kluis-broker invite auditor jan --out "$work/jan.invitation" >/dev/null
kluis-audit join "$work/jan.invitation" --dir "$work/jan" >"$work/out"
id=$(kluis-broker keys | sed -n 's/.*\/controller+\([0-9a-f]*\)+.*/\1/p')
grep -q "controller+$id" "$work/out" || fail "join does not show the id of head office's key"
kluis-audit join "$work/jan.invitation" --dir "$work/jan2" >/dev/null 2>&1 && fail "an invitation is good twice"
key=$work/jan/log.vkey
mirror=$work/mirror

# status N COMMAND...: it must end with exit status N
status() {
  local want=$1 got=0
  shift
  "$@" >"$work/out" 2>&1 || got=$?
  [ "$got" -eq "$want" ] || { cat "$work/out"; fail "exit status $got instead of $want: ${*/#$work\//}"; }
}

# killed after 4 to 59 ms, again and again; now and then it gets to its end
for round in $(seq 12); do
  after=$(printf '0.%03d' $((round * 5 - 1)))
  (timeout -s KILL "$after" kluis-audit mirror "$work/jan" --to "$mirror" >/dev/null) >/dev/null 2>&1 || true
  [ $((round % 4)) -ne 0 ] || { status 0 kluis-audit mirror "$work/jan" --to "$mirror"; sleep 0.2; }
done
status 0 kluis-audit mirror "$work/jan" --to "$mirror"
status 0 kluis-audit verify "$mirror" --log-key "$key"
grep -q '^verified: ' "$work/out" || fail "verify does not say so"
status 0 kluis-audit verify "$mirror" --log-key "$(cat "$key")" --json
grep -q '"verified": true' "$work/out" || fail "verify --json does not say so"
status 0 kluis-audit replay "$mirror" --check
grep -q 'no difference' "$work/out" || fail "replay --check does not say so"
status 0 kluis-audit replay "$mirror" --store 6 --verdict suspended
grep -q 'suspended: agreement: suspended' "$work/out" || fail "the refusal is not in the list"
status 0 kluis-audit replay "$mirror" --operation read_log
grep -q 'auditor jan' "$work/out" || fail "the auditor's own reading is not in the log"

# it names nobody: no surname, card or street of the data is in the mirror
head -200 "$work/data/customers.csv" | tail -199 | awk -F, '{ print $2; print $6 }' | grep -E '.{7,}' | sort -u >"$work/values"
if grep -rlaFf "$work/values" "$mirror" >"$work/out"; then fail "personal data in $(cat "$work/out")"; fi

# proofs
kluis-audit prove "$mirror" 7 --entry "$work/7" >"$work/7.proof"
status 0 kluis-audit check-proof "$work/7.proof" --entry "$work/7" --log-key "$key"
kluis-audit prove "$mirror" 8 --entry "$work/8" >/dev/null
status 5 kluis-audit check-proof "$work/7.proof" --entry "$work/8" --log-key "$key"

# one byte of each file, and of the long ones some
seed=1
while read -r file; do
  size=$(stat -c %s "$mirror/$file")
  for _ in 1 2 3; do
    seed=$(((seed * 1103515245 + 12345) % 2147483648))
    place=$((seed % size))
    cp "$mirror/$file" "$work/whole"
    old=$(od -An -tu1 -j "$place" -N 1 "$mirror/$file")
    printf "\\x$(printf %02x $((old ^ 1)))" | dd of="$mirror/$file" bs=1 seek="$place" conv=notrunc status=none
    got=0
    kluis-audit verify "$mirror" --log-key "$key" >"$work/out" 2>&1 || got=$?
    if [ "$file" = checkpoint ]; then
      [ "$got" -ge 4 ] || fail "checkpoint: byte $place flipped, exit status $got"
    else
      [ "$got" -eq 5 ] || { cat "$work/out"; fail "$file: byte $place flipped, exit status $got"; }
    fi
    grep -q "$file" "$work/out" || { cat "$work/out"; fail "$file: byte $place flipped, and it is not named"; }
    cp "$work/whole" "$mirror/$file"
  done
done < <(cd "$mirror" && find . -type f ! -name '.*' -printf '%P\n' | sort)
status 0 kluis-audit verify "$mirror" --log-key "$key"

# wrong usage and missing things
status 2 kluis-audit verify "$mirror"
status 2 kluis-audit replay "$mirror" --verdict perhaps
status 3 kluis-audit verify "$work/nowhere" --log-key "$key"
status 5 kluis-audit verify "$mirror" --log-key "$work/jan/controller.vkey"
kill -TERM "$broker"
wait "$broker" || fail "the broker did not stop cleanly"
broker=''
status 1 timeout 60 kluis-audit mirror "$work/jan" --to "$mirror"
