#!/usr/bin/env bash
# Who may call what, proved on the object files: each library is seen by the few files that wrap it, and the auditor
# contains nothing of what it checks. What is not built yet is not checked.
# usage: layering.sh SOURCE-FOLDER BUILD-FOLDER
set -euo pipefail
source_folder=$1
build=$2
failed=0

# symbols (extended regular expression) | files that may use them | what the others use
rules=(
  '^mdb_|^broker/store/|store.h'
  '^nng_|^(broker/server/|agent/(link(_[a-z]+)?|till/till_server|client/http_client)\.c$)|link.h, http_client.h, or the servers'
  '^mbedtls_|^broker/server/|what broker/server offers'
  '^(crypto_|sodium_|randombytes)|^(proto/(keys|hash)(_[a-z]+)?\.c$|broker/vault/)|hash.h, keys.h; wipe() for sodium_memzero'
  '^protobuf_c_(message|service|buffer|enum|version)|^proto/wire\.c$|wire.h'
  '^(time|gettimeofday|clock_gettime|clock_nanosleep|nanosleep|usleep|sleep|clock|localtime|localtime_r|gmtime|gmtime_r|mktime|strftime|strptime)$|^proto/clock\.c$|clock.h'
  '^ini_parse|^proto/ini\.c$|ini.h: the strict reader'
  '^csv_(init|parse|fini|free)$|^broker/command/csv_reader\.c$|csv_reader.h'
  '^gz(open|read|close|dopen)|^broker/command/|the import'
  '^(malloc|realloc|strdup|strndup|asprintf|vasprintf)$|^(proto/(arena|bytes)|agent/cli/table)\.c$|struct arena, struct bytes; calloc in constructors'
)

while read -r object; do
  # <folder>/CMakeFiles/<target>.dir/<path>.c.o stands for <folder>/<path>.c
  file=$(sed -E 's,/CMakeFiles/[^/]+\.dir/,/,; s,\.o$,,' <<<"${object#"$build"/}")
  [ -f "$source_folder/$file" ] || continue # generated, or no longer there
  [[ $file != agent/examples/* ]] || continue # somebody else's program, as far as kluis goes
  symbols=$(nm --undefined-only --format=posix "$object" | cut -d' ' -f1)
  for rule in "${rules[@]}"; do
    # the first and last two bars of a row; the middle ones belong to the expressions
    use=${rule##*|}
    rest=${rule%|*}
    allowed=${rest#*|^}
    pattern=${rest%%|^*}
    [[ $file =~ ^$allowed ]] && continue
    found=$(grep -E "$pattern" <<<"$symbols" | tr '\n' ' ' || true)
    [ -z "$found" ] || { echo "$file: calls ${found% }; use $use"; failed=1; }
  done
done < <(find "$build/proto" "$build/broker" "$build/agent" -name '*.c.o' 2>/dev/null | sort)

# The auditor links neither LMDB nor any code of the broker.
audit=$build/bin/kluis-audit
if [ -f "$audit" ]; then
  if nm "$audit" | grep -E ' mdb_' || readelf -d "$audit" | grep -E 'NEEDED.*(lmdb|mdb)'; then
    echo "kluis-audit links LMDB"
    failed=1
  fi
  theirs=$(find "$build/broker" -name 'lib*.a' -print0 2>/dev/null |
    xargs -0 -r nm --defined-only --extern-only --format=posix 2>/dev/null | awk '$2 == "T" { print $1 }' | sort -u)
  ours=$(nm --defined-only --extern-only --format=posix "$audit" | awk '$2 == "T" { print $1 }' | sort -u)
  both=$(comm -12 <(echo "$theirs") <(echo "$ours") | tr '\n' ' ')
  [ -z "${both// /}" ] || { echo "kluis-audit contains broker code: $both"; failed=1; }
fi
exit $failed
