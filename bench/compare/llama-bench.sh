#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# heddle beside engines that have a llama-bench, in one interleaved run: medians and ratios as a table.
#
#   llama-bench.sh [OPTION...] HEDDLE NAME=LLAMA_BENCH... -- MODEL.gguf...
#
#   -r ROUNDS  times that everybody has a turn (5)         -p "N ..."  prefill tests ("128 512"; "": none)
#   -t "T ..." threads ("1 2")                             -n N        tokens of the decode test (32; 0: none)
#   -d N       tokens in the context before decode (0)     -k FORMAT   of everybody's KV cache (f16)
#   -o FILE    adds the measurements to a file, and the table is of all that stands there: a long run in pieces
#
# NAME=LLAMA_BENCH may carry options of that engine after commas: ik=/path/llama-bench,-rtr,1. Each measurement is a process of
# its own that warms up first; who begins changes from round to round. Rates are tokens a second, medians of the rounds;
# `spread` is (most - least) / median of heddle's; the ratio is heddle / the best of the others.
set -eu
LC_ALL=C
export LC_ALL

rounds=5 prompts='128 512' threads='1 2' generated=32 depth=0 kv=f16 results=
usage() {
  echo 'usage: llama-bench.sh [-r ROUNDS] [-p "N ..."] [-t "T ..."] [-n N] [-d N] [-k FORMAT] [-o FILE] HEDDLE NAME=LLAMA_BENCH... -- MODEL...' >&2
  exit 2
}
while getopts r:p:t:n:d:k:o: option; do
  case $option in
  r) rounds=$OPTARG ;;
  p) prompts=$OPTARG ;;
  t) threads=$OPTARG ;;
  n) generated=$OPTARG ;;
  d) depth=$OPTARG ;;
  k) kv=$OPTARG ;;
  o) results=$OPTARG ;;
  *) usage ;;
  esac
done
shift $((OPTIND - 1))
[ $# -ge 3 ] || usage
heddle=$1
shift
engines=
while [ $# -gt 0 ] && [ "$1" != -- ]; do
  case $1 in *=*) engines="$engines $1" ;; *) usage ;; esac
  shift
done
[ $# -ge 2 ] && [ -n "$engines" ] || usage
shift

if [ -z "$results" ]; then
  results=$(mktemp)
  trap 'rm -f "$results"' EXIT
fi

# note ENGINE MODEL TEST THREADS RATE
note() {
  [ -n "$5" ] || { echo "llama-bench.sh: $1 gave no rate for $3 of $2" >&2; exit 1; }
  printf '%s %s %s %s %s\n' "$1" "$(basename "$2" .gguf)" "$3" "$4" "$5" >>"$results"
}

# The number of a key in JSON.
number() {
  sed -n "s/.*\"$1\":[[:space:]]*\([0-9.][0-9.e+-]*\).*/\1/p" | head -n 1
}

heddle_turn() { # MODEL THREADS
  for p in $prompts; do
    note heddle "$1" "prefill-$p" "$2" "$("$heddle" bench "$1" -p "$p" -n 0 -r 1 -q --threads "$2" --kv "$kv" --json |
      number prefill_tokens_per_s)"
  done
  [ "$generated" -eq 0 ] ||
    note heddle "$1" "decode-$generated" "$2" "$("$heddle" bench "$1" -p 0 -n "$generated" --depth "$depth" -r 1 -q \
      --threads "$2" --kv "$kv" --json | number decode_tokens_per_s)"
}

engine_turn() { # NAME=PROGRAM[,ARGUMENT...] MODEL THREADS
  name=${1%%=*}
  command=$(printf '%s' "${1#*=}" | tr ',' ' ')
  for p in $prompts; do
    # shellcheck disable=SC2086 # a list of words
    note "$name" "$2" "prefill-$p" "$3" "$($command -m "$2" -t "$3" -p "$p" -n 0 -r 1 -ctk "$kv" -ctv "$kv" -o json \
      2>/dev/null | number avg_ts)"
  done
  [ "$generated" -eq 0 ] || {
    at=
    [ "$depth" -eq 0 ] || at="-d $depth"
    # shellcheck disable=SC2086
    note "$name" "$2" "decode-$generated" "$3" "$($command -m "$2" -t "$3" -p 0 -n "$generated" $at -r 1 -ctk "$kv" \
      -ctv "$kv" -o json 2>/dev/null | number avg_ts)"
  }
}

round=0
while [ "$round" -lt "$rounds" ]; do
  for model in "$@"; do
    for t in $threads; do
      [ $((round % 2)) -eq 1 ] || heddle_turn "$model" "$t"
      for engine in $engines; do engine_turn "$engine" "$model" "$t"; done
      [ $((round % 2)) -eq 0 ] || heddle_turn "$model" "$t"
    done
  done
  round=$((round + 1))
done

sort -k2,2 -k3,3 -k4,4n -k1,1 -k5,5g "$results" | awk '
  function close_group() {
    if (count == 0) return
    middle = (values[int((count + 1) / 2)] + values[int(count / 2) + 1]) / 2
    median[row, engine] = middle
    if (engine == "heddle") spread[row] = (values[count] - values[1]) / middle
    count = 0
  }
  {
    key = $2 " | " $3 " | " $4
    if (key SUBSEP $1 != group) {
      close_group()
      group = key SUBSEP $1
      engine = $1
      if (!(key in number)) { number[key] = ++rows; keys[rows] = key }
      row = number[key]
      if (!(engine in seen)) { seen[engine] = 1; if (engine != "heddle") names[++others] = engine }
    }
    values[++count] = $5
  }
  END {
    close_group()
    line = "| model | test | threads | heddle | spread |"
    rule = "|---|---|---:|---:|---:|"
    for (i = 1; i <= others; i++) { line = line " " names[i] " |"; rule = rule "---:|" }
    print line " ratio |"
    print rule "---:|"
    for (r = 1; r <= rows; r++) {
      best = 0
      line = sprintf("| %s | %.1f | %.0f %% |", keys[r], median[r, "heddle"], 100 * spread[r])
      for (i = 1; i <= others; i++) {
        value = median[r, names[i]]
        line = line sprintf(" %.1f |", value)
        if (value > best) best = value
      }
      printf("%s %.2f |\n", line, (best > 0 ? median[r, "heddle"] / best : 0))
    }
  }'
