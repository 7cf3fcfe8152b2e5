#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# No mutable state outside of objects that somebody created: state.sh OBJECTS OBJDUMP. Prints each variable of static
# storage that can be written. Thread-local ones are counted as state too, except in sched/runtime, which must know which
# coroutine runs on this thread. OBJECTS as in calls.sh. For builds without sanitizers (they add their own variables).
set -eu
objdump=$2
awk 'NF == 2 { print $2 }' "$1" | xargs "$objdump" -t | awk '
  FNR == NR { room_of[$2] = $1; next }
  /[ \t]file format / { sub(/:[ \t]*file format.*/, ""); object = $0; room = room_of[object]; sub(/.*\.dir\//, "", object); next }
  # "ADDRESS FLAGS SECTION<tab>SIZE NAME"; relocated constants (.data.rel.ro) are constants.
  {
    if (split($0, part, "\t") < 2) next
    section = part[1]; sub(/.* /, "", section)
    split(part[2], size_and_name, " ")
    name = part[2]; sub(/.* /, "", name)
  }
  section ~ /^\.(data|bss|tdata|tbss)($|\.)/ && section !~ /^\.data\.rel\.ro/ && size_and_name[1] !~ /^0+$/ {
    if (section ~ /^\.t/ && room == "sched/runtime") next
    printf "%s: %s: %s can be written (%s)\n", room, object, name, section
    bad = 1
  }
  # A common symbol has no section of its own yet.
  section == "*COM*" { printf "%s: %s: %s can be written\n", room, object, name; bad = 1 }
  END { exit bad || !FNR }' "$1" -
