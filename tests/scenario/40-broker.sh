#!/usr/bin/env bash
# What a broker does when its folder, its disk or its clock is not as it should be: it says what is wrong and by which
# exit status, changes nothing, and goes on where it was once that is mended.
# usage: 40-broker.sh BIN-FOLDER
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh" "$@"

make_formula
sign_up 2
agent 2 sync >/dev/null
hq=$work/hq
kluis-broker totals --json >"$work/totals.before"

# ---- one broker a folder, and making one ---------------------------------------------------------------------------------

expect 1 "another broker serves '$hq' already" timeout 20 kluis-broker serve
shown "refused: a second broker on one folder"
expect 3 "'$hq' is there already and not empty; nothing was changed" kluis-broker init --charter "$examples/charter.ini"
mkdir "$work/used"
touch "$work/used/mine"
expect 3 "is there already and not empty" kluis-broker init --data "$work/used" --charter "$examples/charter.ini"
[ -f "$work/used/mine" ] || fail "init took a folder that is not its own"
sed 's/^version.*/version = one/' "$examples/charter.ini" >"$work/bad.ini"
expect 4 "bad.ini:4: [formula] version: 'one' is not a whole number" kluis-broker init --data "$work/new" --charter "$work/bad.ini"
expect 3 "none.ini" kluis-broker init --data "$work/new" --charter "$work/none.ini"
expect 4 "'http://x' is not an address" kluis-broker init --data "$work/new" --charter "$examples/charter.ini" --listen http://x
expect 3 "'$work/nowhere/new' cannot be made" kluis-broker init --data "$work/nowhere/new" --charter "$examples/charter.ini"
expect 2 "--charter FILE" kluis-broker init --data "$work/new"
[ -z "$(find "$work" -maxdepth 1 -name 'new*')" ] || fail "init left something behind"
shown "init refuses a folder in use, a bad charter, a bad address, and leaves nothing behind"

address=$(sed -n 's/^listen = //p' "$hq/broker.ini")
kluis-broker init --data "$work/other" --charter "$examples/charter.ini" --listen "$address" >/dev/null
expect 1 "'$address' is in use by another program" timeout 20 kluis-broker serve --data "$work/other"
shown "refused: an address in use"

stop_broker
grep -q 'stopped, [0-9]* entries in the log' "$hq.serve" || fail "it does not say that it stopped"
[ ! -e "$hq/control.sock" ] || fail "it left its control socket"
shown "SIGTERM stops it, exit status 0"

# ---- no broker there -----------------------------------------------------------------------------------------------------

card=$(sed -n 2p "$work/data/customers.csv" | cut -d, -f2)
expect 1 "no broker answers for '$hq'; start it with" kluis-broker store list
expect 1 "$address" agent 2 sync
expect 1 "$address" agent 2 lookup card --purpose service --employee till-1 <<<"$card"
start_broker
expect 0 "in sync" agent 2 sync
shown "no broker: exit status 1 and the address; the same commands work when it is back"
stop_broker

# ---- files of the folder -------------------------------------------------------------------------------------------------

# refused_because TEXT [STATUS]: the folder is not served
refused_because() {
  expect "${2:-1}" "$1" timeout 20 kluis-broker serve
  shown "refused: ${1#"$work"/}"
}
for file in controller.key log.key master.key tls.key broker.ini db .; do
  mode=$(stat -c %a "$hq/$file")
  chmod go+r "$hq/$file"
  refused_because "$(cd "$hq" && readlink -f "$hq/$file") has mode 0"
  chmod "$mode" "$hq/$file"
done
mv "$hq/tls.crt" "$work/keep"
refused_because "hq/tls.crt' is missing: restore it from a backup"
: >"$hq/tls.crt"
refused_because "hq/tls.crt' is not a certificate"
mv "$work/keep" "$hq/tls.crt"
for file in controller.key log.key master.key; do
  mv "$hq/$file" "$work/keep"
  refused_because "hq/$file" 3
  install -m 600 /dev/null "$hq/$file"
  refused_because "hq/$file is not a key file" 4
  cp -p "$work/other/$file" "$hq/$file"
  refused_because "is it the right $file?"
  mv "$work/keep" "$hq/$file"
done
cp -p "$hq/tls.key" "$work/keep"
cp -p "$work/other/tls.key" "$hq/tls.key"
refused_because "hq/tls.key' is not the key of '$hq/tls.crt'"
mv "$work/keep" "$hq/tls.key"
mv "$hq/db" "$work/keep"
refused_because "hq/db: holds no store" 3
rm -rf "$hq/db"
mv "$work/keep" "$hq/db"
refused_because_folder() { expect 3 "is not a broker's folder; make one with" timeout 20 kluis-broker serve --data "$1"; }
refused_because_folder "$work/data"
refused_because_folder "$work/nowhere"

# ---- another certificate than the invited one ----------------------------------------------------------------------------

mkdir "$work/keep"
cp -p "$hq"/tls.* "$work/keep/"
cp -p "$work/other"/tls.* "$hq/"
start_broker
cp -a "$work/2" "$work/2.before"
expect 1 "certificate" agent 2 sync
expect 1 "certificate" agent 2 lookup card --purpose service --employee till-1 <<<"$card"
stop_broker
cp -p "$work/keep"/tls.* "$hq/"
start_broker
expect 0 "in sync" agent 2 sync
stop_broker
shown "a broker with another certificate: the agent refuses it, and goes on with the right one"

# ---- versions ------------------------------------------------------------------------------------------------------------

if command -v mdb_dump >/dev/null && command -v mdb_load >/dev/null; then
  cp -a "$hq" "$work/newer"
  mdb_dump -s kluis.store "$work/newer/db" | sed '/^ 736368656d61$/{n;s/.*/ 00000063/}' >"$work/schema"
  mdb_load -s kluis.store -f "$work/schema" "$work/newer/db" 2>/dev/null
  expect 1 "newer/db: has schema 99 of kluis-broker, this version knows schema" timeout 20 kluis-broker serve --data "$work/newer"
  shown "refused: data of a newer version"
else
  shown "not shown (no mdb_dump, mdb_load): data of a newer version is refused"
fi
cp -a "$hq" "$work/mixed"
rm -rf "$work/mixed/db"
cp -a "$work/2/db" "$work/mixed/db"
expect 1 "mixed/db: belongs to kluis-agent, this is kluis-broker" timeout 20 kluis-broker serve --data "$work/mixed"
shown "refused: the data of an agent"
cp -a "$hq" "$work/torn"
truncate -s 5000 "$work/torn/db/data.mdb"
expect 1 "torn/db" timeout 20 kluis-broker serve --data "$work/torn"
shown "refused: data that is cut off"

# ---- clock ---------------------------------------------------------------------------------------------------------------

if ldd "$(command -v kluis-broker)" | grep libasan >/dev/null; then
  shown "not shown (faketime and the address sanitizer both want to be loaded first): a clock set back is refused"
elif command -v faketime >/dev/null; then
  expect 1 "the clock is behind the log's last entry" timeout 20 faketime -f -1d kluis-broker serve
  shown "refused: a clock set back by a day"
else
  shown "not shown (no faketime): a clock set back is refused"
fi
start_broker
kluis-broker totals --json | cmp -s - "$work/totals.before" || fail "the sums of receipts have changed"
expect 0 "in sync" agent 2 sync
stop_broker
shown "after all this: the same sums, and the store syncs"

# ---- a full disk ---------------------------------------------------------------------------------------------------------

mkdir "$work/small"
if [ "$(id -u)" -eq 0 ] && mount -t tmpfs -o size=3m,mode=0700 tmpfs "$work/small" 2>/dev/null; then
  mounts+=("$work/small")
  export KLUIS_DATA=$work/small/hq
  kluis-generate --customers 2000 --stores 8 --lines 4000 --out "$work/more" >/dev/null
  kluis-broker init --charter "$examples/charter.ini" --listen "tls+tcp://127.0.0.1:$(free_port)" >/dev/null
  start_broker "$work/small/hq"
  import stores "$work/more/stores.csv" >/dev/null
  expect 1 "no space left on the disk" import customers "$work/more/customers.csv"
  expect 1 "no space left on the disk" import customers "$work/more/customers.csv"
  expect 1 "no space left on the disk" kluis-broker store list
  kill -0 "$broker" || fail "the broker ended"
  mount -o remount,size=64m "$work/small"
  expect 0 "" import customers "$work/more/customers.csv" --json
  grep -qE '"earlier": *[1-9]' "$work/out" || fail "the import began anew"
  expect 0 "imported before, nothing to do" import customers "$work/more/customers.csv"
  expect 0 "" import sales "$work/more/sales.csv" --json
  grep -qE '"rejected": *0' "$work/out" || fail "customers are missing"
  stop_broker
  shown "a full disk: a clear error, the broker lives on, and with room the import goes on where it was"
else
  shown "not shown (no tmpfs can be mounted here): a full disk"
fi
