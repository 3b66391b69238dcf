#!/usr/bin/env bash
# No function over 70 lines, no source file over 500: what is longer has two jobs.
# usage: functions.sh SOURCE-FOLDER BUILD-FOLDER
set -euo pipefail
cd "$1"
lines_max=70
file_max=500
command -v ctags >/dev/null || { echo "universal-ctags is missing: ./bootstrap install-deps"; exit 1; }
failed=0

mapfile -t sources < <(find proto broker agent tests -name '*.c' | sort)
long=$(ctags -x --c-kinds=f --fields=+ne --_xformat='%F %n %{end} %N' "${sources[@]}" |
  awk -v max=$lines_max 'NF == 4 && $3 - $2 + 1 > max { print $1 ":" $2 ": " $4 "() has " $3 - $2 + 1 " lines, at most " max }')
[ -z "$long" ] || { echo "$long"; failed=1; }

# Tests are lists of cases and may be long; programs may not.
for file in $(find proto broker agent include -name '*.[ch]' | sort); do
  lines=$(wc -l <"$file")
  [ "$lines" -le $file_max ] || { echo "$file: $lines lines, at most $file_max"; failed=1; }
done
exit $failed
