#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Each source file says its licence in its first lines: spdx.sh ROOT. A C file also says what it knows: a comment follows.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
. "$here/tree.sh"
cd "$1"
tree_files . | grep -E '\.(c|h|S|inc|cmake|sh|awk|py)$|(^|/)(CMakeLists\.txt|\.ci/[^/]*|scripts/[^/]*)$' | xargs awk '
  function close_file() {
    if (file != "" && !said) { print file ": no SPDX-License-Identifier: Apache-2.0 in its first two lines"; bad = 1 }
  }
  FNR == 1 { close_file(); file = FILENAME; said = 0 }
  FNR <= 2 && /SPDX-License-Identifier: Apache-2\.0/ { said = 1 }
  FNR == 2 && FILENAME ~ /\.(c|h|S|inc)$/ && !/^\/\*/ { print file ":2: no comment says what this file knows"; bad = 1 }
  END { close_file(); exit bad }'
