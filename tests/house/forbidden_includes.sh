#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# A forbidden include does not compile: forbidden_includes.sh ROOT ROOMS CC [FLAGS...]. Asks the compiler, with exactly the
# include paths that CMake gives a room, for a header of each other room; it may be found only where layers.txt allows
# it. include/ must be found, or the probe itself is broken; and one forbidden include of each room is compiled for real.
# ROOMS holds lines "ROOM -IPATH -IPATH ...", written by CMake from the targets.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
root=$1
rooms=$2
shift 2
compiler=$*

probe=$(mktemp -d)
trap 'rm -rf "$probe"' EXIT

# A header of room $1, as others would name it; empty when it has none.
header_of() {
  found=$(find "$root/$1" -maxdepth 1 -name '*.h' | sort | head -n 1)
  [ -z "$found" ] || echo "$(basename "$1")/$(basename "$found")"
}

# May room $1 include room $2?
allowed() {
  awk -v from="$1" -v to="$2" '
    $1 != "room" { next }
    {
      row = $2
      wild = sub(/\*$/, "", row)
      if (wild && row != "" && index(from, row) == 1) list = " " $0 " "
    }
    from == $2 { list = " " $0 " "; exit }
    END { exit !(index(list, " * ") || index(list, " " to " ")) }' "$here/layers.txt"
}

failures=0
tried=0
complain() {
  echo "$1"
  failures=$((failures + 1))
}
awk '{ print $1 }' "$rooms" | sort -u | while read -r room; do
  header=$(header_of "$room")
  [ -z "$header" ] || echo "$room $header"
done >"$probe/headers"

while read -r room paths; do
  # One question for each other room; what is found leaves its word in the output.
  grep -v "^$room " "$probe/headers" >"$probe/others" || true
  {
    printf '#if !__has_include("heddle/status.h")\n@broken\n#endif\n'
    awk '{ printf "#if __has_include(\"%s\")\n@%s\n#endif\n", $2, $1 }' "$probe/others"
  } >"$probe/ask.c"
  # shellcheck disable=SC2086 # lists of words
  $compiler $paths -E -P -o "$probe/answer" "$probe/ask.c"
  if grep -q '^@broken' "$probe/answer"; then
    complain "$room does not even reach include/: the probe is broken"
  fi
  forbidden=
  while read -r other header; do
    tried=$((tried + 1))
    if allowed "$room" "$other"; then continue; fi
    if grep -qx "@$other" "$probe/answer"; then complain "$room can include \"$header\" of $other, which it may not"; fi
    forbidden=$header
  done <"$probe/others"
  [ -n "$forbidden" ] || continue
  echo "#include \"$forbidden\"" >"$probe/include.c"
  # shellcheck disable=SC2086
  if $compiler $paths -fsyntax-only "$probe/include.c" 2>/dev/null; then
    complain "$room compiles with \"$forbidden\", which it may not include"
  fi
done <"$rooms"

echo "$tried pairs of rooms tried"
[ "$tried" -gt 0 ] && [ "$failures" -eq 0 ]
