#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Each source file says its licence in its first lines: spdx.sh ROOT. A C file also says what it knows: a comment follows.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
. "$here/tree.sh"
cd "$1"
bad=0
for file in $(tree_files . | grep -E '\.(c|h|S|inc|cmake|sh|awk|py)$|(^|/)(CMakeLists\.txt|\.ci/[^/]*|scripts/[^/]*)$'); do
  if ! head -n 2 "$file" | grep -q 'SPDX-License-Identifier: Apache-2\.0'; then
    echo "$file: no SPDX-License-Identifier: Apache-2.0 in its first two lines"
    bad=1
  fi
  case $file in
  *.c | *.h | *.S | *.inc)
    if ! sed -n 2p "$file" | grep -q '^/\*'; then
      echo "$file:2: no comment says what this file knows"
      bad=1
    fi
    ;;
  esac
done
exit $bad
