#!/usr/bin/env bash
# Each source file but a program's main.c and examples has its own tests/unit/test_<source>.c (or test_<source>_<part>.c). Those in
# untested.txt came before this check, and others test them; the list only gets shorter.
# usage: sources-have-tests.sh SOURCE-FOLDER BUILD-FOLDER
set -euo pipefail
cd "$1"
list=tests/tidy/untested.txt
failed=0
has_test() {
  local name
  name=$(basename "$1" .c)
  compgen -G "tests/unit/test_$name.c" >/dev/null || compgen -G "tests/unit/test_${name}_*.c" >/dev/null
}

while read -r source; do
  if has_test "$source"; then
    ! grep -qxF "$source" "$list" || echo "$source has a test now: take it off $list"
  elif ! grep -qxF "$source" "$list"; then
    echo "$source: there is no tests/unit/test_$(basename "$source" .c).c"
    failed=1
  fi
done < <(find proto broker agent -name '*.c' ! -name main.c ! -path '*/examples/*' | sort)
while read -r source; do
  [ -f "$source" ] || echo "$source is gone: take it off $list"
done <"$list"
exit $failed
