#!/usr/bin/env bash
# The man pages are well-formed mdoc, and page and program know the same options: each option of a program's --help
# stands in its page as .Fl, and each .Fl of the page in some --help.
# usage: man.sh SOURCE-FOLDER BUILD-FOLDER
set -euo pipefail
cd "$1"
bin=$2/bin
command -v mandoc >/dev/null || { echo "mandoc is missing: ./bootstrap install-deps"; exit 1; }
failed=0

mapfile -t pages < <(find broker agent proto -name '*.[158]' | sort)
for page in "${pages[@]}"; do
  # the date and the operating system are the distribution's to say
  mandoc -Tlint -W warning "$page" || { echo "$page: see above"; failed=1; }
done

# Options that a help text names, one a line without the leading dashes.
options_of() {
  grep -oE -- '(^|[ ,[(])--[a-z][a-z0-9-]*' | sed -E 's/^.*--//' | sort -u
}

# The help of a program and of each of its commands: lines "  COMMAND  text" in the help, or words of two levels.
help_of() {
  local program=$1 text command
  text=$("$program" --help 2>&1 </dev/null || true)
  printf '%s\n' "$text"
  # a command is one or two words, before its arguments and its line of text
  while read -r command; do
    # shellcheck disable=SC2086 # two words are two arguments
    "$program" $command --help 2>&1 </dev/null || true
  done < <(sed -nE 's/^  (([a-z][a-z-]*)( [a-z][a-z-]*)?).*  .*/\1/p' <<<"$text" | sort -u)
}

for page in "${pages[@]}"; do
  name=$(basename "$page")
  name=${name%.*}
  program=$bin/$name
  [ -x "$program" ] || continue
  told=$(help_of "$program" | options_of)
  [ -n "$told" ] || continue # not a program with options yet
  written=$(grep -oE '(Fl|Fl) -[a-z][a-z0-9-]*' "$page" | sed -E 's/^Fl -//' | sort -u)
  while read -r option; do
    [ -n "$option" ] && { echo "$page: --$option of $name --help is not in the page"; failed=1; }
  done < <(comm -23 <(echo "$told") <(printf '%s\nhelp\nusage\nversion\n' "$written" | sort -u))
  while read -r option; do
    [ -n "$option" ] && { echo "$page: --$option is in no --help of $name"; failed=1; }
  done < <(comm -13 <(printf '%s\nhelp\nusage\nversion\n' "$told" | sort -u) <(echo "$written"))
done
exit $failed
