# SPDX-License-Identifier: Apache-2.0
# Tests of the checks themselves: a small tree is written, and the check must complain about it or keep silent. Sourced.
set -eu
house=$(cd "$(dirname "$0")" && pwd)
fixture=$(mktemp -d)
trap 'rm -rf "$fixture"' EXIT
failures=0

# put FILE <content: makes FILE in the fixture tree.
put() {
  mkdir -p "$fixture/$(dirname "$1")"
  cat >"$fixture/$1"
}

# fresh: an empty fixture tree.
fresh() {
  rm -rf "$fixture"
  mkdir -p "$fixture"
}

# must_complain TEXT CHECK [ARGS...]: the check fails, and says TEXT.
must_complain() {
  text=$1
  shift
  if output=$("$@" 2>&1); then
    echo "FAILED: no complaint with '$text' by: $*"
    failures=$((failures + 1))
  elif ! printf '%s\n' "$output" | grep -qF -- "$text"; then
    printf 'FAILED: expected a complaint with "%s", got:\n%s\n' "$text" "$output"
    failures=$((failures + 1))
  fi
}

# must_pass CHECK [ARGS...]
must_pass() {
  if ! output=$("$@" 2>&1); then
    printf 'FAILED: a complaint about nothing by: %s\n%s\n' "$*" "$output"
    failures=$((failures + 1))
  fi
}

finish() {
  [ "$failures" -eq 0 ] || exit 1
}
