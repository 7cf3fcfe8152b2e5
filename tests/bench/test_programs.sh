# SPDX-License-Identifier: Apache-2.0
# Every program of the bench answers each figure that it lists, in the form that bench/harness/harness.h describes:
# test_programs.sh PROGRAM... No value is judged but for being one.
set -u
LC_ALL=C
export LC_ALL
checks=0
failures=0

# expect WHAT CODE PATTERN TEXT: it ended with that code, and each line of the text matches.
expect() {
  checks=$((checks + 1))
  if [ "$code" -ne "$2" ] || [ -z "$4" ] || printf '%s\n' "$4" | grep -qvE -e "$3"; then
    failures=$((failures + 1))
    echo "FAILED: $1: exit code $code, '$4'"
  fi
}

for program in "$@"; do
  name=$(basename "$program")
  list=$("$program" --list)
  code=$?
  expect "$name --list" 0 '^[a-z][a-z0-9_]*$' "$list"
  for figure in $list; do
    answer=$("$program" "$figure" --ms 1 2>/dev/null)
    code=$?
    value='[a-z][a-z_]* -?[0-9]+\.[0-9]+ (ns|bytes)( [0-9]+\.[0-9])?'
    expect "$name $figure" 0 "^$figure ($value|none .+)\$" "$answer"
  done
  answer=$("$program" no_such_figure)
  code=$?
  expect "$name no_such_figure" 0 '^no_such_figure none .+' "$answer"
  answer=$("$program" 2>&1)
  code=$?
  expect "$name without arguments" 2 '^usage: ' "$answer"
done
echo "$checks checks, $failures failed"
[ "$failures" -eq 0 ]
