#!/usr/bin/env bash
# The man pages are well-formed mdoc, and page and program know the same commands and options: each option of a command's
# --help stands in its program's page as .Fl, each .Fl of the page in some --help, and each command is named.
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

# Options of all commands of a program, without the leading dashes: as the completion finds them.
source broker/completion/kluis.bash
options_of() {
  local program=$1 command
  while read -r command; do
    # shellcheck disable=SC2086 -- a command is words
    _kluis_options "$program" $command
  done < <(_kluis_commands "$program") | sed -E 's/^--//; s/=$//' | sort -u
}

for page in "${pages[@]}"; do
  name=$(basename "$page")
  name=${name%.*}
  program=$bin/$name
  [ -x "$program" ] || continue
  told=$(options_of "$program")
  [ -n "$told" ] || continue # not a program with options yet
  while read -r command; do
    grep -qE "^\.[A-Z][a-z].* Cm $command( |\$)" "$page" || { echo "$page: command '$command' is not in the page"; failed=1; }
  done < <(_kluis_commands "$program")
  written=$(grep -oE 'Fl -[a-z][a-z0-9-]*' "$page" | sed -E 's/^Fl -//' | sort -u)
  while read -r option; do
    [ -n "$option" ] && { echo "$page: --$option of $name --help is not in the page"; failed=1; }
  done < <(comm -23 <(echo "$told") <(printf '%s\nhelp\nusage\nversion\n' "$written" | sort -u))
  while read -r option; do
    [ -n "$option" ] && { echo "$page: --$option is in no --help of $name"; failed=1; }
  done < <(comm -13 <(printf '%s\nhelp\nusage\nversion\n' "$told" | sort -u) <(echo "$written"))
done
exit $failed
