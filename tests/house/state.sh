#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# No mutable state outside of objects that somebody created: state.sh OBJECTS OBJDUMP. Prints each variable of static
# storage that can be written. Thread-local ones are counted as state too, except in sched/runtime, which must know which
# coroutine runs on this thread. OBJECTS as in calls.sh. For builds without sanitizers (they add their own variables).
set -eu
objdump=$2
found=$(mktemp)
trap 'rm -f "$found"' EXIT
while read -r room object; do
  [ -n "$object" ] || continue # a room of headers alone
  "$objdump" -t "$object" | awk -v room="$room" -v object="$object" '
    # "ADDRESS FLAGS SECTION<tab>SIZE NAME"; relocated constants (.data.rel.ro) are constants.
    { n = split($0, part, "\t"); if (n < 2) next; split(part[1], left, " "); section = left[length(left)]; split(part[2], right, " ") }
    section ~ /^\.(data|bss|tdata|tbss)($|\.)/ && section !~ /^\.data\.rel\.ro/ && right[1] !~ /^0+$/ {
      if (section ~ /^\.t/ && room == "sched/runtime") next
      sub(/.*\.dir\//, "", object)
      printf "%s: %s: %s can be written (%s)\n", room, object, right[length(right)], section
    }
    # A common symbol has no section of its own yet.
    section == "*COM*" { printf "%s: %s: %s can be written\n", room, object, right[length(right)] }'
done <"$1" >"$found"
cat "$found"
[ -s "$1" ] && [ ! -s "$found" ]
