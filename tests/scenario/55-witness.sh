#!/usr/bin/env bash
# Witnesses that are no stores, written in Python from C2SP tlog-witness: one that is honest, one behind TLS, and some
# that lie. The auditor keeps what was cosigned, and says by a policy whether it is enough.
# usage: 55-witness.sh BIN-FOLDER
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh" "$@"
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
export KLUIS_DATA=$work/hq

kluis-broker init --charter "$examples/charter.ini" --listen "tls+tcp://127.0.0.1:$(free_port)" >/dev/null
log=$(kluis-broker keys | grep '/log+')

# start_witness NAME [OPTION...]: serves in the background; what it keeps is in $work/NAME.
start_witness() {
  local name=$1
  shift
  python3 "$here/fake_witness.py" --state "$work/$name" --log "$log" --name "$name.example" "$@" \
    >"$work/$name.said" 2>&1 </dev/null &
  processes+=("$!")
  witness=$!
  for _ in $(seq 400); do
    [ ! -s "$work/$name/port" ] || return 0
    kill -0 "$witness" 2>/dev/null || { cat "$work/$name.said" >&2; fail "$name does not serve"; }
    sleep 0.05
  done
  fail "$name does not serve"
}

# add_witness NAME SCHEME [KEY = VALUE]: tells the broker of it.
add_witness() {
  printf '[witness %s]\nurl = %s://localhost:%s/log/\nvkey = %s\n%s\n' \
    "$1" "$2" "$(cat "$work/$1/port")" "$(cat "$work/$1/vkey")" "${3:-}" >>"$work/hq/broker.ini"
}

openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 -subj /CN=localhost \
  -addext subjectAltName=DNS:localhost -keyout "$work/tls.key" -out "$work/tls.crt" 2>/dev/null
start_witness honest
honest=$witness
start_witness sealed --tls "$work/tls.crt" "$work/tls.key"
for lie in other-text other-key larger garbage endless silent; do
  start_witness "$lie" --lie "$lie"
done
sed -i 's/^address.*/&\nwitness-interval = 1s/' "$work/hq/broker.ini"
add_witness honest http
add_witness sealed https "ca = $work/tls.crt"
for lie in other-text other-key larger garbage endless silent; do
  add_witness "$lie" http
done
# its certificate is not of the authority that is trusted
openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 -subj /CN=localhost \
  -addext subjectAltName=DNS:localhost -keyout "$work/other.key" -out "$work/other.crt" 2>/dev/null
start_witness stranger --tls "$work/tls.crt" "$work/tls.key"
add_witness stranger https "ca = $work/other.crt"

start_broker
wait_for "$work/honest.said" 'answered 200'
wait_for "$work/sealed.said" 'answered 200'
shown "a checkpoint is cosigned over HTTP and over TLS"

# ---- an auditor with a policy ------------------------------------------------------------------------------------------

join_auditor
mirror() {
  sleep 0.2
  expect 0 '' kluis-audit mirror "$work/watch" --to "$work/mirror"
}
verify() {
  local status=$1 text=$2
  shift 2
  expect "$status" "$text" kluis-audit verify "$work/mirror" --log-key "$work/watch/log.vkey" "$@"
}
# how often the honest witness has cosigned
cosigned() { grep -c 'answered 200' "$work/honest.said"; }
# Entries, so that there is a next round, until the witness has cosigned one more.
next_round() {
  local before
  before=$(cosigned)
  kluis-broker store open 6 Exampleton US >/dev/null
  for _ in $(seq 400); do
    [ "$(cosigned)" -le "$before" ] || return 0
    sleep 0.05
  done
  fail "the honest witness was not asked again"
}
next_round
sleep 1.3 # that round is over
next_round
mirror
grep -q 'witnesses have cosigned' "$work/out" || fail "mirror does not say that there is a cosigned checkpoint"
[ -s "$work/mirror/checkpoint.cosigned" ] || fail "no cosigned checkpoint beside the mirror"

policy() {
  {
    echo "log $log https://log.example/ # ours"
    for each in honest sealed other-text other-key larger garbage; do
      echo "witness $each $(cat "$work/$each/vkey")"
    done
    printf '%s\n' "$@"
  } >"$work/policy"
}
policy 'group two 2 honest sealed larger' 'quorum two'
verify 0 'the policy is met at' --policy "$work/policy"
grep -q 'cosigned by honest, sealed$' "$work/out" || { cat "$work/out" >&2; fail "verify does not say who cosigned"; }
verify 0 '"met": true' --policy "$work/policy" --json
verify 0 'verified: '
policy 'group some any other-text other-key larger garbage' 'quorum some'
verify 5 'quorum some is not met' --policy "$work/policy"
verify 5 '"met": false' --policy "$work/policy" --json
policy 'group all all honest sealed garbage' 'quorum all'
verify 5 'cosigned by honest, sealed' --policy "$work/policy"
policy 'quorum none'
verify 0 'asks for no witness' --policy "$work/policy"
policy 'group both all honest nobody' 'quorum both'
verify 4 "policy: line 8: 'nobody' is not defined before" --policy "$work/policy"
shown "a policy is met by those who cosigned, and by nobody who lied"

# what was cosigned is held against the tree
cp "$work/mirror/checkpoint.cosigned" "$work/kept"
sed -i '2s/.*/1/' "$work/mirror/checkpoint.cosigned"
policy 'group two 2 honest sealed' 'quorum two'
verify 5 'checkpoint.cosigned: not a checkpoint of this log' --policy "$work/policy"
cp "$work/kept" "$work/mirror/checkpoint.cosigned"
verify 0 'the policy is met' --policy "$work/policy"
mirror
expect 0 'no difference' kluis-audit replay "$work/mirror" --check

# ---- what the broker says of the others --------------------------------------------------------------------------------

for lie in other-text other-key garbage; do
  wait_for "$work/hq.serve" "$lie: its answer is not its cosignature"
done
wait_for "$work/hq.serve" 'larger: it has cosigned a larger tree than there is'
wait_for "$work/hq.serve" 'endless: '
wait_for "$work/hq.serve" 'silent: '
wait_for "$work/hq.serve" 'stranger: '
[ ! -s "$work/stranger.said" ] || fail "something was sent to a stranger"
shown "each lie is said in the broker's log"

# a witness that was away goes on where it stood, without being told so
kill -KILL "$honest"
end_process "$honest" || true
port=$(cat "$work/honest/port")
rm "$work/honest/port"
before=$(cosigned)
size=$(cut -d' ' -f1 "$work/honest/cosigned")
stop_broker
start_broker # knows nothing of what the witness has cosigned
mv "$work/honest.said" "$work/honest.before"
start_witness honest --port "$port"
kluis-broker store open 6 Exampleton US >/dev/null
wait_for "$work/honest.said" 'answered 409'
goes_on() { [ "$(cut -d' ' -f1 "$work/honest/cosigned")" -gt "$size" ]; }
for _ in $(seq 400); do # its first answer may be to the checkpoint that it had cosigned
  ! goes_on || break
  sleep 0.05
done
goes_on || fail "the witness did not go on"
[ "$before" -gt 0 ] || fail "nothing was cosigned before"
shown "a witness and a broker that forgot it come together again"

# and the broker ends at once, though one of them never answers
began=$(date +%s)
stop_broker
[ $(($(date +%s) - began)) -le 8 ] || fail "the broker waits for a witness when it stops"
