#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# A forbidden include does not compile: forbidden_includes.sh ROOT ROOMS CC [FLAGS...]. Gives the compiler a file that
# includes one header of another room, with exactly the include paths that CMake gives the room, for each room and each
# other one; it may be found only where layers.txt allows it. include/ must be found, or the probe itself is broken.
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

# Is header $1 found with the include paths $2? A header that is found, and in turn includes something that is not,
# counts as found: the complaint is then about another line than the probe's own.
reaches() {
  printf '#include "%s"\n' "$1" >"$probe/probe.c"
  # shellcheck disable=SC2086 # lists of words
  $compiler $2 -E -o "$probe/out" "$probe/probe.c" 2>"$probe/said" || ! grep -qE "^[^ ]*probe\.c:1:.*$1" "$probe/said"
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
while read -r room paths; do
  if ! reaches heddle/status.h "$paths"; then
    echo "$room does not even reach include/: the probe is broken"
    failures=$((failures + 1))
  fi
  for other in $(awk '{ print $1 }' "$rooms"); do
    header=$(header_of "$other")
    [ -n "$header" ] && [ "$other" != "$room" ] || continue
    tried=$((tried + 1))
    if reaches "$header" "$paths" && ! allowed "$room" "$other"; then
      echo "$room can include \"$header\" of $other, which it may not"
      failures=$((failures + 1))
    fi
  done
done <"$rooms"

echo "$tried pairs of rooms tried"
[ "$tried" -gt 0 ] && [ "$failures" -eq 0 ]
