#!/usr/bin/env bash
# What the README and the manual pages tell one to type works as it stands there, and what they point at exists.
# usage: 60-examples.sh BIN-FOLDER
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh" "$@"
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)

# ---- what they point at --------------------------------------------------------------------------------------------------

while read -r target; do
  [ -e "$root/$target" ] || fail "README.md points at $target, which is not there"
done < <(grep -oE '\]\([^)]+\)' "$root/README.md" | sed 's/^](//; s/)$//' | grep -v '://')
while read -r folder; do
  [ -d "$root/$folder" ] || fail "README.md explains $folder, which is not there"
done < <(awk '/^## /{ inside = $2 == "Code" } inside && /^    [a-z]+[a-z\/]*\/ / { print $1 }' "$root/README.md")
shown "README.md points at what is there"

# ---- commands ------------------------------------------------------------------------------------------------------------

# run_there TITLE: the commands on standard input, in $there, as if typed one after the other. Three things differ: broker
# and agent get ports that are free here, whoever types is slower than they start, and types a PIN where one is asked for.
run_there() {
  sed -E "s|^(kluis-broker init .*)|\1 --listen tls+tcp://127.0.0.1:$(free_port)|
    s|^kluis-broker serve --data (hq) &\$|serve|
    s|^kluis-agent run --data ([a-z0-9-]+) &\$|run_agent \1 $(free_port)|
    s|^(kluis-agent staff pin .*)|echo 4711-anna \| \1|" >"$work/commands"
  [ -s "$work/commands" ] || fail "$1: no commands there"
  {
    echo 'set -euo pipefail'
    echo 'serve() { kluis-broker serve --data hq >serve 2>&1 </dev/null & echo $! >serve.pid; until grep -q "serving on" serve; do sleep 0.05; done; }'
    echo 'run_agent() { printf "[till]\nlisten = 127.0.0.1:%s\n" "$2" >"$1/run.ini"; kluis-agent run --data "$1" >agent 2>&1 </dev/null & echo $! >agent.pid; until grep -q "running on" agent; do sleep 0.05; done; }'
    cat "$work/commands"
  } >"$work/script"
  (cd "$there" && timeout 120 bash "$work/script") >"$work/out" 2>&1 || { cat "$work/out" >&2; fail "$1: exit status $?"; }
  if [ -e "$there/serve.pid" ] && [ -z "$broker" ]; then
    broker=$(cat "$there/serve.pid")
  fi
  shown "$1: $(grep -cE '^(echo.*)?(kluis|serve)' "$work/commands") commands work as they stand there"
}
stop_there() {
  if [ -e "$there/agent.pid" ]; then
    kill -TERM "$(cat "$there/agent.pid")" 2>/dev/null || true
    rm -f "$there/agent.pid"
  fi
  [ -n "$broker" ] || return 0
  kill -TERM "$broker"
  while kill -0 "$broker" 2>/dev/null; do sleep 0.05; done
  broker=''
}
trap 'stop_there; clean_up' EXIT

# readme SECTION: its indented lines
readme() { awk -v title="$1" '/^## / { inside = substr($0, 4) == title } inside && sub(/^    /, "")' "$root/README.md"; }
# manual PAGE NUMBER: the block of that number of the page's examples; .Dl lines are one block
manual() {
  awk -v wanted="$2" '/^\.Sh / { inside = $2 == "EXAMPLES" } !inside { next }
    /^\.Bd / { block++; literal = 1; next } /^\.Ed/ { literal = 0; next }
    /^\.Dl / { if (wanted == "Dl") print substr($0, 5); next }
    literal && block == wanted' "$root/$1"
}

there=$work/readme
mkdir "$there"
ln -s "$root/broker" "$there/broker"
run_there "README.md, By hand" < <(readme "By hand")
grep -q 'no difference' "$work/out" || fail "the replay does not say that there is no difference"
grep -q 'given_name' "$work/out" || { cat "$work/out" >&2; fail "the cashier does not see the member"; }
stop_there

there=$work/manual
mkdir "$there"
(cd "$there" && kluis-generate --customers 1000 --lines 20000 >/dev/null)
cp "$examples"/*.map "$examples/charter.ini" "$there"
cp "$examples/agreement.template.ini" "$there/template.ini"
run_there "kluis-broker(8)" < <(manual broker/man/kluis-broker.8 1)
run_there "kluis-agent(8)" < <(manual agent/man/kluis-agent.8 1)
grep -q 'given_name' "$work/out" || { cat "$work/out" >&2; fail "the cashier does not see the member"; }
run_there "kluis-agent(8), a receipt" < <(manual agent/man/kluis-agent.8 2)
run_there "kluis-broker(8), suspending" < <(manual broker/man/kluis-broker.8 2)
(cd "$there" && kluis-broker invite auditor bo --out auditor.invitation --data hq >/dev/null)
run_there "kluis-audit(1)" < <(manual agent/man/kluis-audit.1 Dl)
grep -q 'no difference' "$work/out" || fail "the replay does not say that there is no difference"
stop_there

# ---- papers --------------------------------------------------------------------------------------------------------------

# kluis-charter(5): in place of the same sections of FoodMart's
{
  awk '/^\[/ { out = $0 == "[mask last4]" || $0 == "[field phone]" } !out' "$examples/charter.ini"
  manual broker/man/kluis-charter.5 1
} >"$work/charter.ini"
expect 0 "made '$work/new'" kluis-broker init --data "$work/new" --charter "$work/charter.ini"
shown "kluis-charter(5): the example is taken"

# kluis-agreement(5): in place of the first grant of the example that goes with the smallest charter
minimal=$root/broker/examples/minimal
port=$(free_port)
expect 0 "" kluis-broker init --data "$work/minimal" --charter "$minimal/charter.ini" --listen "tls+tcp://127.0.0.1:$port"
start_broker "$work/minimal"
export KLUIS_DATA=$work/minimal
store=$(sed -n 's/^store *= *//p' "$minimal/agreement.ini")
expect 0 "" kluis-broker store open "$store" Example NL
printf 'store_id\n%s\n' "$store" >"$work/values.csv"
expect 0 "1 agreement drafted" kluis-broker agreement draft --store "$store" --template "$minimal/agreement.ini" --values "$work/values.csv"
shown "the smallest charter and agreement of the examples are taken"
{
  awk '/^\[/ { out = $1 == "[grant" } !out' "$minimal/agreement.ini"
  manual broker/man/kluis-agreement.5 1
} >"$work/agreement.ini"
expect 0 "1 agreement drafted" kluis-broker agreement draft --store "$store" --template "$work/agreement.ini" --values "$work/values.csv"
shown "kluis-agreement(5): the example is taken"
stop_broker
