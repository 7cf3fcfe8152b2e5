#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Instructions that an aarch64 heddle executes for a token, counted by qemu-aarch64 with the plugin insns.c:
#   bench/count/instructions.sh HEDDLE MODEL.gguf TIER
# A figure is the difference of two runs of different token counts, so that loading the model is not in it; one worker.
# Decode: the third token after a prompt of one, its choice included. Prefill: a prompt of 64 less one of 32.
# A run that fails counts instructions too: it is an error here, and so is a longer run that has counted less.
set -euo pipefail
[ $# -eq 3 ] || { echo "usage: $0 HEDDLE MODEL.gguf TIER" >&2; exit 2; }
here=$(dirname "$0")
heddle=$1 model=$2 tier=$3
made=$(mktemp -d)
trap 'rm -rf "$made"' EXIT
cc -shared -fPIC -O2 -o "$made/insns.so" "$here/insns.c"

# counted COMMAND...: sets $count to the instructions of `heddle COMMAND...`
counted() {
  timeout -s KILL 600 qemu-aarch64 -cpu max -plugin "$made/insns.so" "$heddle" "$@" --threads 1 --kv f16 \
    --devices "cpu:tier=$tier" 2>"$made/said" >/dev/null || { cat "$made/said" >&2; echo "failed: heddle $*" >&2; exit 1; }
  count=$(sed -n 's/^instructions: \([0-9][0-9]*\)$/\1/p' "$made/said")
  [[ $count =~ ^[0-9]+$ ]] || { echo "no count of: heddle $*" >&2; exit 1; }
}

counted run "$model" -p a -n 2
less=$count
counted run "$model" -p a -n 3
decode=$((count - less))
# A bench runs its test once for nothing and once for the figure.
counted bench "$model" -p 32 -n 0 -r 1 -q
less=$count
counted bench "$model" -p 64 -n 0 -r 1 -q
prefill=$(((count - less) / 64))
if [ "$decode" -le 0 ] || [ "$prefill" -le 0 ]; then
  echo "a longer run counted less: $decode, $prefill" >&2
  exit 1
fi
echo "$tier: $decode instructions a token of decode, $prefill of prefill"
