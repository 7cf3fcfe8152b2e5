#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Instructions that an aarch64 heddle executes for a token, counted by qemu-aarch64 with the plugin insns.c:
#   bench/count/instructions.sh HEDDLE MODEL.gguf TIER
# A figure is the difference of two runs of different token counts, so that loading the model is not in it; one worker.
# Decode: the third token after a prompt of one, its choice included. Prefill: a prompt of 64 less one of 32.
set -euo pipefail
[ $# -eq 3 ] || { echo "usage: $0 HEDDLE MODEL.gguf TIER" >&2; exit 2; }
here=$(dirname "$0")
heddle=$1 model=$2 tier=$3
plugin=$(mktemp --suffix=.so)
trap 'rm -f "$plugin"' EXIT
cc -shared -fPIC -O2 -o "$plugin" "$here/insns.c"

# counted COMMAND...: instructions of `heddle COMMAND...`
counted() {
  timeout -s KILL 600 qemu-aarch64 -cpu max -plugin "$plugin" "$heddle" "$@" --threads 1 --kv f16 \
    --devices "cpu:tier=$tier" 2>&1 >/dev/null | sed -n 's/^instructions: //p'
}

decode=$(($(counted run "$model" -p a -n 3) - $(counted run "$model" -p a -n 2)))
# A bench runs its test once for nothing and once for the figure.
prefill=$((($(counted bench "$model" -p 64 -n 0 -r 1 -q) - $(counted bench "$model" -p 32 -n 0 -r 1 -q)) / 64))
echo "$tier: $decode instructions a token of decode, $prefill of prefill"
