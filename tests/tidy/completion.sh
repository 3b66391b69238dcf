#!/usr/bin/env bash
# The bash completion knows every command of the three programs and each command's options.
# usage: completion.sh SOURCE-FOLDER BUILD-FOLDER
set -euo pipefail
cd "$1"
PATH=$2/bin:$PATH
source broker/completion/kluis.bash
failed=0

# expect WANTED WORD...: WANTED is among what is offered for the last word
expect() {
  local wanted=$1 offered
  shift
  COMP_WORDS=("$@")
  COMP_CWORD=$(($# - 1))
  _kluis
  for offered in "${COMPREPLY[@]:-}"; do
    [ "$offered" != "$wanted" ] || return 0
  done
  echo "completion of '$*' does not offer '$wanted'"
  failed=1
}

for program in kluis-broker kluis-agent kluis-audit; do
  command -v "$program" >/dev/null || continue
  count=0
  while read -r command; do
    words=($command)
    expect "${words[0]}" "$program" "${words[0]:0:1}"
    [ ${#words[@]} -eq 1 ] || expect "${words[1]}" "$program" "${words[0]}" ""
    expect --help "$program" "${words[@]}" --h
    count=$((count + 1))
  done < <(_kluis_commands "$program")
  [ $count -gt 0 ] || { echo "$program --help lists no commands that the completion finds"; failed=1; }
done
if command -v kluis-broker >/dev/null; then
  expect --mapping= kluis-broker import customers --m
  expect receipts kluis-broker import r
  expect auditor kluis-broker invite a
fi
exit $failed
