#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Files of a few hundred lines, functions that fit on a screen: sizes.sh ROOT. The limits are the house rules' outermost
# (docs: it is the tail that hurts): 500 lines a file, 100 lines a function. Prints what is near them as well.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
. "$here/tree.sh"
cd "$1"
# .clang-format puts the brace that opens a function's body at the end of a line and the one that closes it alone into
# column 1; a struct or a table ends with more than that brace.
tree_files . | grep -E '\.(c|h|S|inc|py|sh|awk|cmake)$' | xargs awk '
  function close_file() {
    if (lines > 500) { printf "%s: %d lines, at most 500\n", file, lines; bad = 1 }
    else if (lines > 400) printf "note: %s has %d lines\n", file, lines
  }
  FNR == 1 { if (file != "") close_file(); file = FILENAME; start = 0; head = 0; code = FILENAME ~ /\.(c|h|inc)$/ }
  { lines = FNR }
  !code { next }
  /^[A-Za-z_]/ { head = FNR; text = $0 }
  !start && /\{$/ { start = head }
  /^\}/ {
    if (start && $0 == "}" && FNR - start + 1 > 100) {
      printf "%s:%d: a function of %d lines, at most 100: %s\n", file, start, FNR - start + 1, text
      bad = 1
    }
    start = 0
  }
  END { close_file(); exit bad }'
