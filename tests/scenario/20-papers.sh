#!/usr/bin/env bash
# Papers that are wrong, wrongly signed, altered, out of time or of another store: each is refused with a text that names
# the fault, and nothing is disclosed: the log grows by refusals at most, the store's copy stays empty.
# usage: 20-papers.sh BIN-FOLDER
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh" "$@"

make_formula
join_auditor
for store in 2 3 4 5 6; do join_store "$store"; done
sign_offer() { kluis-broker agreement sign --store "$1" >/dev/null; }

# nothing_disclosed STORE: since mark_log the log says of no disclosure, and the store's copy is empty
nothing_disclosed() {
  log_since
  if awk -F, '$11 != 0 { found = 1 } END { exit !found }' "$work/new"; then
    cat "$work/new" >&2
    fail "something was disclosed"
  fi
  [ -z "$(agent "$1" copy --purpose service 2>/dev/null)" ] || fail "the copy of store $1 is not empty"
  mark_log
}
# refused_only: since mark_log no operation succeeded but those that only read papers and stores
refused_only() {
  log_since
  if grep -vE ',(get_paper|agreements|census),,ok,|,(charter|draft|standing|sync|lease|accept),[^,]*,(paper|state|suspended|terminated|not_yet|expired|no_agreement|store),' "$work/new" >"$work/out"; then
    cat "$work/out" >&2
    fail "that is in the log and should not be"
  fi
  mark_log
}

# ---- drafts --------------------------------------------------------------------------------------------------------------

mark_log
# bad_draft LINE NAME SED: FoodMart's template, changed by SED, is refused for what NAME says on LINE
bad_draft() {
  sed "$3" "$examples/agreement.template.ini" >"$work/template.ini"
  expect 4 "template.ini:$1: " draft 4
  grep -qF -- "$2" "$work/out" || { cat "$work/out" >&2; fail "does not name '$2'"; }
  shown "refused: ${*:2:1}"
}
bad_draft 69 "unknown field 'shoesize'" 's/^\(fields .*city\)$/\1, shoesize/'
bad_draft 66 "unknown purpose 'gossip'" 's/^purpose    = service/purpose    = gossip/'
bad_draft 67 "unknown operation 'peek'" 's/= lookup, sync, receipt/= lookup, peek/'
bad_draft 68 "unknown scope 'neighbours'" 's/= visited/= neighbours/'
bad_draft 70 "unknown mask 'last9'" 's/phone:last4/phone:last9/'
bad_draft 71 "unknown role 'cook'" 's/cashier, manager/cook/'
bad_draft 72 "Atlantis" 's/America.Los_Angeles/Atlantis/'
bad_draft 75 "'XX' is neither" 's/^territory .*/territory  = XX/'
bad_draft 73 "'many' is not a whole number" 's/^per-day .*2000/per-day    = many/'
bad_draft 74 "'3' is not a duration" 's/^lease .*72h/lease      = 3/'
bad_draft 77 "is given twice" 's/grant direct-marketing/grant service-at-till/'
bad_draft 4 "is not the charter's origin" 's/^origin .*/origin  = other.example/'
bad_draft 6 "hash of another charter" "s/^charter .*/charter = $(printf '0%.0s' $(seq 64))/"
bad_draft 9 "is not after 'from'" 's/^until .*/until   = 2020-01-01/'
bad_draft 21 'unknown placeholder ${boss}' 's/${store_name}/${boss}/'
bad_draft 67 "unknown key 'colour'" '67s/^/colour     = red\n/'
sed '/^breach-notice/d' "$examples/agreement.template.ini" >"$work/template.ini"
expect 4 "breach-notice" draft 4
shown "refused: an agreement without the term on breaches"
sed 's/^store   = .*/store   = 5/' "$examples/agreement.template.ini" >"$work/template.ini"
expect 4 "is 5, but the row of" draft 4
shown "refused: an agreement that names another store than its row"
rm "$work/template.ini"
expect 3 "no row for store 99" draft 99
expect 2 "'2026-02-30' is not a date" draft 4 --from 2026-02-30
expect 3 "store 4 has no draft to sign" kluis-broker agreement sign --store 4
refused_only
shown "no draft of these reached the broker"

# ---- one side's signature only, and out of time --------------------------------------------------------------------------

draft 3 >/dev/null
expect 3 "no agreement is signed here" agent 3 sync
expect 3 "has offered no agreement" agent 3 agreement sign --yes
shown "a draft that head office has not signed is not offered"
sign_offer 3
expect 3 "no agreement is signed here" agent 3 sync
nothing_disclosed 3
shown "offered and not signed by the store: no sync"

draft 4 --from 2099-01-01 --until 2099-12-31 >/dev/null
sign_offer 4
agent 4 agreement sign --yes >/dev/null
expect 3 "agreement has not begun [agreement: from]" agent 4 sync
agent 4 staff add till-1 --role cashier <<<"Testa Cashier" >/dev/null
card=$(sed -n 5p "$work/data/customers.csv" | cut -d, -f2)
expect 3 "[agreement: from]" agent 4 lookup card --purpose service --employee till-1 <<<"$card"
nothing_disclosed 4
shown "not yet valid: sync and lookup refused, clause agreement: from"

draft 5 --from 2020-01-01 --until 2021-01-01 >/dev/null
sign_offer 5
agent 5 agreement sign --yes >/dev/null
expect 3 "agreement has expired [agreement: until]" agent 5 sync
agent 5 staff add till-1 --role cashier <<<"Testa Cashier" >/dev/null
expect 3 "[agreement: until]" agent 5 lookup card --purpose service --employee till-1 <<<"$card"
nothing_disclosed 5
shown "expired: sync and lookup refused, clause agreement: until"

# ---- altered where the store keeps them ----------------------------------------------------------------------------------

draft 2 >/dev/null
sign_offer 2
agent 2 agreement sign --yes >/dev/null
cp -a "$work/2" "$work/whole"
mark_log
# altered FILE TEXT COMMAND...: after the command on that file no sync, and nothing reaches the broker
altered() {
  local file=$1 text=$2 status=$3
  shift 3
  "$@" "$work/2/$file"
  expect "$status" "$text" agent 2 sync
  rm -f "$work/2/$file"
  cp -p "$work/whole/$file" "$work/2/$file"
  log_since
  [ ! -s "$work/new" ] || fail "the broker was asked under an altered $file"
  shown "refused: $text"
}
controller=foodmart.example/kluis/controller
altered agreement.note "agreement.note: not signed by $controller" 4 sed -i 's/^per-day    = 2000/per-day    = 9000/'
altered agreement.note "agreement.note: not signed by $controller" 4 sed -i "\\| $controller |d"
altered agreement.note "agreement.note: not signed by foodmart.example/kluis/store/2" 4 sed -i '/store\/2 /d'
altered agreement.note "agreement.note: not a signed note" 4 truncate -s 0
altered agreement.note "agreement.note: not signed by foodmart.example/kluis/store/2" 4 cp "$work/whole/charter.note"
altered charter.note "charter.note: not signed by $controller" 4 sed -i 's/^window = none/window = 10d/'
altered charter.note "charter.note' is missing; 'kluis-agent agreement sign' fetches it again" 3 rm
altered charter.note "charter.note:3: unknown section [agreement]" 4 cp "$work/whole/agreement.note"
altered store.key "store.key has mode 0644" 1 chmod 644
rm "$work/2/charter.note"
: >"$work/2/agreement.note"
agent 2 agreement sign --yes >/dev/null
expect 0 "in sync" agent 2 sync
shown "'agreement sign' fetches them again, and the store syncs"
draft 6 >/dev/null
sign_offer 6
agent 6 agreement sign --yes >/dev/null
cp "$work/6/agreement.note" "$work/2/agreement.note"
mark_log
expect 4 "agreement.note: not signed by foodmart.example/kluis/store/2" agent 2 sync
refused_only
cp "$work/whole/agreement.note" "$work/2/agreement.note"
shown "refused: another store's agreement"

# ---- charters ------------------------------------------------------------------------------------------------------------

# bad_charter TEXT SED: the next version, changed by SED, is refused
bad_charter() {
  sed "s/^version = 1/version = 2/; $2" "$examples/charter.ini" >"$work/next.ini"
  expect 4 "$1" kluis-broker charter update "$work/next.ini"
  grep -qF "next.ini" "$work/out" || fail "does not name the file"
  shown "refused: ${1#*next.ini: }"
}
mark_log
kluis-broker charter show >"$work/charter.before"
bad_charter "field 'phone' is gone, but records have values of it" '/^\[field phone\]/,/^$/d'
bad_charter "field 'tier' changes its number from 21 to 33" '/^\[field tier\]/,/^$/s/^number .*/number     = 33/'
bad_charter "field 'tier' changes its type" '/^\[field tier\]/,/^$/s/^type .*/type       = date/'
bad_charter "version must be 2, not 3" 's/^version = 2/version = 3/'
bad_charter "version must be 2, not 1" 's/^version = 2/version = 1/'
bad_charter "origin changes from foodmart.example/kluis to other.example" 's/^origin .*/origin  = other.example/'
bad_charter "'A9-9' is none of" 's/A6-1-f/A9-9/'
bad_charter "'field card' is given twice" 's/^\[field phone\]/[field card]/'
kluis-broker charter show | cmp -s - "$work/charter.before" || fail "the charter in force has changed"
refused_only
# a charter that somebody else signed never gets to a store: what the store keeps is checked against the invited key
sed 's/^version = 1/version = 2/; /^\[field email\]/,/^$/d' "$examples/charter.ini" >"$work/next.ini"
expect 0 "charter version 2 is in force" kluis-broker charter update "$work/next.ini"
shown "a field that no record holds may go"
rm "$work/2/charter.note"
expect 0 "signed and active" agent 2 agreement sign --yes
expect 0 "in sync" agent 2 sync
shown "an agreement keeps the charter that it was signed under"

# ---- suspended and ended -------------------------------------------------------------------------------------------------

held=$(agent 2 copy --purpose service | wc -l)
expect 0 "" kluis-broker agreement suspend 2
expect 3 "store 2: refused: not possible in the present state" kluis-broker agreement suspend 2
expect 3 "store is suspended [agreement: suspended]" agent 2 sync
expect 3 "there is no copy for 'service' yet" agent 2 copy --purpose service
shown "suspended: the copy is destroyed, and head office is told how many it were ($held)"
mark_log
expect 3 "store is suspended [agreement: suspended]" agent 2 sync
refused_only
expect 3 "store 77: refused: unknown store" kluis-broker agreement suspend 77
expect 3 "store 7: refused: not possible" kluis-broker agreement suspend 7
refused_only
expect 0 "" draft 2
sign_offer 2
mark_log
expect 3 "store is suspended" agent 2 sync
refused_only
shown "suspended: no sync, also after a new offer"
expect 3 "refused: store is suspended" agent 2 agreement sign --yes
expect 0 "store 2 is active again" kluis-broker agreement resume 2
expect 3 "store 2: refused: not possible" kluis-broker agreement resume 2
expect 3 "must name it under 'supersedes'" agent 2 agreement sign --yes
sed 's/^until .*/&\nsupersedes = ${supersedes}/' "$examples/agreement.template.ini" >"$work/template.ini"
draft 2 >/dev/null
sign_offer 2
expect 0 "signed: it is active" agent 2 agreement sign --yes
expect 0 "in sync" agent 2 sync
[ "$(agent 2 copy --purpose service | wc -l)" -eq "$held" ] || fail "the new agreement gives another copy"
shown "resumed: it signs an offer that supersedes the agreement in force, no other, and syncs under it"
cp "$work/template.ini" "$work/superseding.ini"
sed -i '/^\[grant direct-marketing\]/,$s/^\(customers *= \).*/\1visited/; s/^purpose    = direct-marketing/purpose    = fraud-prevention/' "$work/template.ini"
draft 2 >/dev/null
sign_offer 2
agent 2 agreement sign --yes >/dev/null
agent 2 sync >/dev/null
[ "$(agent 2 copy --purpose fraud-prevention | wc -l)" -eq "$held" ] || fail "the copy for another purpose is not there"
cp "$work/superseding.ini" "$work/template.ini"
draft 2 >/dev/null
sign_offer 2
agent 2 agreement sign --yes >/dev/null
expect 0 "the copy for 'fraud-prevention' was destroyed, $held customers: no grant for this purpose" agent 2 sync
expect 3 "the agreement grants no copy for 'fraud-prevention'" agent 2 copy --purpose fraud-prevention
[ "$(agent 2 copy --purpose service | wc -l)" -eq "$held" ] || fail "what is still granted is gone"
shown "a purpose that the new agreement does not grant: its copy is removed"
expect 0 "" kluis-broker agreement terminate 2
expect 3 "[agreement: terminated]" agent 2 sync
mark_log
expect 3 "[agreement: terminated]" agent 2 sync
expect 3 "store 2: refused: not possible" kluis-broker agreement resume 2
refused_only
shown "terminated: no sync, and it cannot be resumed"

# what all this left is a log that verifies and whose every verdict comes out again
expect 0 "verified" kluis-audit verify "$work/mirror" --log-key "$work/watch/log.vkey"
expect 0 "no difference" kluis-audit replay "$work/mirror" --check
shown "the log verifies, and every verdict is right"
stop_broker
