#!/usr/bin/env bash
# Each source file but a program's main.c and examples has its own tests/unit/test_<source>.c (or test_<source>_<part>.c).
# usage: sources-have-tests.sh SOURCE-FOLDER BUILD-FOLDER
set -euo pipefail
cd "$1"
failed=0
while read -r source; do
  name=$(basename "$source" .c)
  if ! compgen -G "tests/unit/test_$name.c" >/dev/null && ! compgen -G "tests/unit/test_${name}_*.c" >/dev/null; then
    echo "$source: there is no tests/unit/test_$name.c"
    failed=1
  fi
done < <(find proto broker agent -name '*.c' ! -name main.c ! -path '*/examples/*' | sort)
exit $failed
