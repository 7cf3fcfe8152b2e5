# SPDX-License-Identifier: Apache-2.0
# The bash completion offers what the command's own help says.
. "$(dirname "$0")/lib.sh"
command -v bash >/dev/null || skip 'there is no bash'
script=$(dirname "$0")/../../tools/completion/heddle.bash

# offers WORD LINE...: completing the last word of the line offers the word.
offers() {
  wanted=$1
  shift
  bash -c '
    program=$1 script=$2
    shift 2
    heddle() { "$program" "$@"; }
    compopt() { :; }
    . "$script"
    COMP_WORDS=("$@")
    COMP_CWORD=$(($# - 1))
    _heddle
    printf "%s\n" "${COMPREPLY[@]}"' - "$heddle" "$script" "$@" >"$scratch/out" 2>"$scratch/err"
  if grep -qxe "$wanted" "$scratch/out"; then ok; else wrong "completing '$*' does not offer $wanted"; fi
  silent "completing '$*'"
}

offers run heddle ''
offers replay heddle re
offers --version heddle --v
offers --parallel heddle run --p
offers --prompt heddle run --p
offers --json heddle devices --
offers bench heddle help b
offers print heddle trace p
offers fair heddle run --policy f
offers sim heddle run --devices s
offers cpu,sim heddle run --devices cpu,s
offers utility heddle run --class u
finish
