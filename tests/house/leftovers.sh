#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Nothing of one machine or one day stays in the tree: leftovers.sh ROOT. Paths of a home or a work folder, merge marks,
# notes to oneself, tabs and blanks at a line's end.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
. "$here/tree.sh"
cd "$1"
bad=0
files=$(tree_files . | grep -vE '^(LICENSE|tests/house/leftovers[^/]*\.sh)$|\.(gguf|bin|hdt|png)$|(^|/)corpus/')

# look WHAT PATTERN: prints each line with PATTERN. Files that grep takes for binary are left alone.
look() {
  # shellcheck disable=SC2086 # a list of files
  if grep -nIHE -- "$2" $files; then
    echo "^ $1"
    bad=1
  fi
}
look "a path of one machine" '(^|[^A-Za-z0-9_.])/(work|home|root|Users|tmp)/'
look "a merge mark" '^(<<<<<<<|>>>>>>>|=======$)'
look "a note to oneself: do it, or say in an issue what is missing" '\b(TODO|FIXME|XXX|HACK)\b'
look "blanks at the end of a line" '[[:blank:]]+$'
# shellcheck disable=SC2086
look_for_tabs=$(echo $files | tr ' ' '\n' | grep -E '\.(c|h|S|inc|py|sh|md|txt|cmake)$' || true)
files=$look_for_tabs
[ -z "$files" ] || look "a tab" "$(printf '\t')"
exit $bad
