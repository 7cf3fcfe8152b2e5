# SPDX-License-Identifier: Apache-2.0
# What the shell tests of the heddle command share. A test is called as: sh test.sh HEDDLE JSON_HAS REFERENCE_FOLDER
# and sources this file; it ends with `finish`.
set -u
LC_ALL=C
export LC_ALL
unset NO_COLOR 2>/dev/null || true

heddle=$1
json_has=$2
reference=${3:-}
failures=0
checks=0
scratch=$(mktemp -d) || exit 1
trap 'rm -rf "$scratch"' EXIT

# Built for another machine: both programs run under the emulator.
if [ -n "${HEDDLE_EMULATOR:-}" ]; then
  for program in "$heddle" "$json_has"; do
    name=$scratch/$(basename "$program")
    printf '#!/bin/sh\nexec %s "%s" "$@"\n' "$HEDDLE_EMULATOR" "$program" >"$name"
    chmod +x "$name"
  done
  heddle=$scratch/$(basename "$heddle")
  json_has=$scratch/$(basename "$json_has")
fi

# A test that needs what is absent says so and exits 77.
skip() {
  echo "skipped: $*"
  exit 77
}

ok() {
  checks=$((checks + 1))
}

wrong() {
  failures=$((failures + 1))
  echo "FAILED: $*"
  for stream in out err; do
    [ -s "$scratch/$stream" ] && sed "s/^/    $stream: /" "$scratch/$stream" | head -n 12
  done
}

# call ARGUMENT...: runs heddle; its streams are in $scratch/out and err, its exit code in $code.
call() {
  "$heddle" "$@" >"$scratch/out" 2>"$scratch/err" </dev/null
  code=$?
}

# exits CODE WHAT: the last call ended so.
exits() {
  if [ "$code" -eq "$1" ]; then ok; else wrong "$2: exit code $code, not $1"; fi
}

# one_line PATTERN WHAT: the last call said exactly one line on stderr, which matches the pattern, and nothing on stdout.
one_line() {
  if [ "$(wc -l <"$scratch/err")" -eq 1 ] && grep -q -e "$1" "$scratch/err" && [ ! -s "$scratch/out" ]; then
    ok
  else
    wrong "$2: not one line that matches '$1'"
  fi
}

# refuses CODE PATTERN ARGUMENT...: the call ends with that code and one line that matches.
refuses() {
  wanted=$1
  pattern=$2
  shift 2
  call "$@"
  exits "$wanted" "heddle $*"
  one_line "$pattern" "heddle $*"
}

# says PATTERN WHAT: the last call's stdout has it.
says() {
  if grep -q -e "$1" "$scratch/out"; then ok; else wrong "$2: stdout lacks '$1'"; fi
}

# silent WHAT: the last call said nothing on stderr.
silent() {
  if [ ! -s "$scratch/err" ]; then ok; else wrong "$1: stderr is not empty"; fi
}

# json KEY...: the last call's stdout is JSON with these keys (see json_has.c).
json() {
  if "$json_has" schema "$@" <"$scratch/out" 2>>"$scratch/err"; then ok; else wrong "JSON without $*"; fi
}

# get KEY: the value in the last call's JSON.
get() {
  "$json_has" --get "$1" <"$scratch/out"
}

# same FILE FILE WHAT
same() {
  if cmp -s "$1" "$2"; then
    ok
  else
    wrong "$3: differs"
    diff "$1" "$2" | head -n 6
  fi
}

# The model that the tests run: the embedded one, else one of the reference, else none and the test is skipped.
model=
need_model() {
  "$heddle" run -q -n 0 -p x >/dev/null 2>&1 && return
  model=$reference/models/stories260k-q8_0.gguf
  [ -r "$model" ] || skip 'this build has no embedded model, and the reference models are absent'
}

# run ARGUMENT...: call run with that model.
run() {
  call run ${model:+-m "$model"} "$@"
}

# equal TEXT TEXT WHAT
equal() {
  if [ "$1" = "$2" ]; then ok; else wrong "$3: '$1' is not '$2'"; fi
}

finish() {
  echo "$checks checks, $failures failed"
  [ "$failures" -eq 0 ]
  exit
}
