# SPDX-License-Identifier: Apache-2.0
# heddle bench --kernels: figures beside kernels that agree, as lines and as JSON, and what it refuses.
. "$(dirname "$0")/lib.sh"
call bench --kernels --tier c --kernel quantise_q8k --seed 1 --json
[ "$code" -eq 1 ] && grep -q 'built with the tests' "$scratch/err" && skip 'the runner of kernels was not built'
exits 0 'bench --kernels --json'
silent 'bench --kernels --json'
json schema=heddle.bench-kernels/1 seed=1 machine.read_gb_per_s machine.f32_gop_per_s machine.int8_gop_per_s \
  'results[0].tier=c' 'results[0].kernel=quantise_q8k' 'results[0].agrees' 'results[1].shape' 'results[1].ns'
call bench --kernels --tier c --kernel add --seed 1
exits 0 'bench --kernels'
says '^machine: one thread reads [0-9.]* GB/s' 'bench --kernels'
says '^c  *add ' 'bench --kernels'
says '^c: [0-9]* kernels checked' 'bench --kernels'
call bench --kernels --format no_such_format --tier c
exits 1 'a format that is none'
call bench --kernels --help
exits 0 'bench --kernels --help'
finish
