#!/usr/bin/env bash
# clang-tidy finds nothing in the programs' sources (.clang-tidy says what it looks for).
# usage: clang-tidy.sh SOURCE-FOLDER BUILD-FOLDER
set -euo pipefail
cd "$1"
build=$2
command -v clang-tidy-14 >/dev/null || { echo "clang-tidy-14 is missing: ./bootstrap install-deps"; exit 1; }

# A file whose text, headers and rules are those of the last run that found nothing is not looked at again.
clean=$build/clang-tidy
mkdir -p "$clean"
rules=$(cat .clang-tidy include/kluis/*.h $(find broker agent proto -name '*.h') | sha256sum | cut -d' ' -f1)
pending=()
for source in $(find proto broker agent -name '*.c' | sort); do
  grep -q "\"file\": \".*/$source\"" "$build/compile_commands.json" || continue # not part of this build yet
  stamp=$clean/$(sha256sum "$source" | cut -d' ' -f1)-${rules:0:16}
  [ -e "$stamp" ] || pending+=("$source $stamp")
done
[ ${#pending[@]} -gt 0 ] || exit 0

look() {
  clang-tidy-14 --quiet -p "$2" "$1" 2>/dev/null && touch "$3"
}
export -f look
printf '%s\n' "${pending[@]}" | xargs -P "$(nproc)" -L 1 bash -c 'look "$1" "$0" "$2"' "$build"
