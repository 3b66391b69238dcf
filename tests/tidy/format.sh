#!/usr/bin/env bash
# Every C file looks as .clang-format says. Mend with: clang-format-14 -i FILE
# usage: format.sh SOURCE-FOLDER BUILD-FOLDER
set -euo pipefail
cd "$1"
command -v clang-format-14 >/dev/null || { echo "clang-format-14 is missing: ./bootstrap install-deps"; exit 1; }
find proto broker agent include tests -name '*.[ch]' -print0 | xargs -0 -r clang-format-14 --dry-run -Werror
