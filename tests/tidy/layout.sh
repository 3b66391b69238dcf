#!/usr/bin/env bash
# The top level keeps its fixed layout, and no file says where it was written.
# usage: layout.sh SOURCE-FOLDER BUILD-FOLDER
set -euo pipefail
cd "$1"
failed=0

allowed='broker|agent|proto|include|tests|CMakeLists\.txt|CMakePresets\.json|README\.md|NEWS|LICENSE|bootstrap|build|demo|\..*'
for entry in $(ls -A); do
  if ! [[ $entry =~ ^($allowed)$ ]]; then
    echo "$entry: not part of the top level; see README.md, code layout"
    failed=1
  fi
done

# A path in somebody's home has no business in a tree that others build; the pattern is split so as not to find itself.
if grep -rnE "(/ro""ot/|/ho""me/[a-z])" --include='*' proto broker agent include tests CMakeLists.txt CMakePresets.json bootstrap \
  README.md 2>/dev/null; then
  echo "paths of one machine; say them relative to the tree, or as an argument"
  failed=1
fi
exit $failed
