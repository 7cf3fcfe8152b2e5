#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# What an OS vendor embeds is small and needs libc alone: core_size.sh LIMIT_BYTES ARCHIVE STRIP CC [LIBRARIES...]. The
# whole archive is linked into one shared object with nothing but libc and the libraries named; stripped, it must not
# pass the limit.
set -eu
limit=$1
archive=$2
strip=$3
compiler=$4
shift 4
made=$(mktemp -d)
trap 'rm -rf "$made"' EXIT

# libgcc is the compiler's own (128-bit division, and atomics on aarch64).
if ! "$compiler" -shared -nodefaultlibs -Wl,-z,defs -o "$made/core.so" \
  -Wl,--whole-archive "$archive" -Wl,--no-whole-archive "$@" -lc -lgcc 2>"$made/said"; then
  grep -E 'undefined reference|error' "$made/said" | sed 's/.*: //' | sort | uniq -c
  echo "the core needs more than libc $*"
  exit 1
fi
"$strip" "$made/core.so"
bytes=$(wc -c <"$made/core.so")
echo "the core, linked whole and stripped: $bytes bytes, at most $limit"
[ "$bytes" -le "$limit" ]
