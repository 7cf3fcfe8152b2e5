#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Each public header can be read alone: headers.sh ROOT COMPILER [FLAGS...]. The flags choose the language; warnings are
# errors, so that a caller with strict ones can include it too.
set -eu
root=$1
shift
count=0
bad=0
for header in $(cd "$root/include" && find . -name '*.h' | sed 's#^\./##' | sort); do
  # Twice, for the guard; and a name of it could only be read if it stands on its own.
  if ! printf '#include "%s"\n#include "%s"\nint alone;\n' "$header" "$header" |
    "$@" -Wall -Wextra -Wpedantic -Wshadow -Werror -fsyntax-only -I"$root/include" -; then
    echo "$header cannot be included alone"
    bad=1
  fi
  count=$((count + 1))
done
echo "$count headers"
[ "$count" -gt 0 ] && exit $bad
