# SPDX-License-Identifier: Apache-2.0
# heddle bench --runtime: who answers, and the keys of its JSON. No figure is judged here: time is not a property.
. "$(dirname "$0")/lib.sh"

# keys KEY...: the last call's stdout, an array, has them.
keys() {
  if "$json_has" "$@" <"$scratch/out" 2>>"$scratch/err"; then ok; else wrong "JSON without $*"; fi
}

call bench --runtime --rounds 1 --figure yield --json
exits 0 'bench --runtime'
silent 'bench --runtime'
keys '[0].figure=yield' '[0].ours_ns' '[0].floor_ns' '[0].peers.sched_yield' '[0].peers.futex' '[0].reached'
if "$json_has" '[1].figure' <"$scratch/out" 2>/dev/null; then wrong 'more than the figure asked for'; else ok; fi
for key in ours_ns peers.sched_yield; do
  if awk -v ns="$(get "[0].$key")" 'BEGIN { exit !(ns > 0) }'; then ok; else wrong "$key is '$(get "[0].$key")'"; fi
done

# What a figure is compared with is measured as well, and not shown.
call bench --runtime --rounds 1 --figure yield_deep
says '^  yield_deep .* 1.5 x yield ' 'bench --runtime'
if grep -q '^  yield ' "$scratch/out"; then wrong 'the reference has a line'; else ok; fi

call bench --runtime --rounds 1 --figure lease --json
keys '[0].figure=lease' '[0].ours_ns' '[0].peers.futex_round_trip'

# Bytes are called bytes.
call bench --runtime --rounds 1 --figure parked_bytes --json
keys '[0].figure=parked_bytes' '[0].ours_bytes' '[0].floor_bytes' '[0].floor_ns=null' '[0].peers.thread'

refuses 2 "no figure 'yeild'; did you mean 'yield'" bench --runtime --figure yeild
refuses 2 '\-\-rounds wants' bench --runtime --rounds 0
refuses 2 'one argument too many' bench --runtime MODEL.gguf
finish
