# SPDX-License-Identifier: Apache-2.0
# heddle bench, devices and split: the tables, the keys of their JSON, and sums that must agree.
. "$(dirname "$0")/lib.sh"
need_model

call bench ${model:+"$model"} -p 32 -n 8 -r 2 --threads 1 --json
exits 0 'bench --json'
silent 'bench --json'
json schema=heddle.bench/1 prefill_tokens_per_s decode_tokens_per_s threads=1 model format prompt_tokens=32 \
  generated_tokens=8 'prefill_samples[1]' 'decode_samples[1]' read_gb_per_s \
  decode_weights_gb_per_s streamed_bytes_per_token prefill_cost.energy_source decode_cost.voluntary_switches_per_token \
  decode_cost.resident_beyond_bytes decode_cost.kv_bytes
mapped=$(get decode_cost.resident_model_bytes)
[ -z "$model" ] || [ "$mapped" -gt 0 ] || wrong 'the mapping of the model was not found'
for rate in "$(get prefill_tokens_per_s)" "$(get decode_tokens_per_s)"; do
  if awk -v rate="$rate" 'BEGIN { exit !(rate > 0) }'; then ok; else wrong "a rate of '$rate'"; fi
done
call bench ${model:+-m "$model"} -p 32 -n 8 -r 2
says '^  prefill  *32 ' bench
says '^  decode  *8 ' bench
says '^  weights .* in decode; .* read .* %$' bench
says '^  decode   a token: [0-9.]* switches' bench
call bench ${model:+"$model"} -p 0 -n 8 -r 1 --devices cpu,sim --json
json prefill_tokens_per_s=0 decode_tokens_per_s 'devices=cpu,sim'
for kv in f32 f16; do
  call bench ${model:+"$model"} -p 0 -n 4 -r 1 --depth 20 --kv $kv --json
  exits 0 "a cache of $kv"
  json depth=20 decode_tokens_per_s "kv=$kv" decode_meetings_per_layer
done
refuses 2 "no 'f8'" bench -p 8 -n 0 --kv f8
refuses 2 'leave nothing to measure' bench -p 0 -n 0
refuses 2 '\-\-repeat wants' bench -r 0

call devices
exits 0 devices
silent devices
says '^  cpu  *cpu ' devices
says '^  fifo ' devices
says '^  sim ' devices
call devices --devices cpu,sim,sim --json
json schema=heddle.devices/1 'devices[0].name=cpu' 'devices[1].name=sim' 'devices[2].name=sim1' 'devices[0].kind=cpu' \
  'devices[0].capacity' 'devices[0].power_source' 'backends[0].name' 'policies[0].name=fifo' energy_meter
refuses 2 "no backend 'quantum'" devices --devices quantum

call split ${model:+"$model"} --devices cpu,sim --split cpu:0-1,sim:2-
exits 0 split
says '^  prefill  cpu  *0-1 ' split
says 'on sim alone' split
call split ${model:+"$model"} --devices cpu,sim --split cpu:0-1,sim:2- --json
json schema=heddle.split/1 'prefill.parts[0].device=cpu' 'prefill.parts[0].layer_last=1' 'decode.parts[1].device=sim' \
  'decode.parts[1].layer_first=2' 'decode.predicted_ns' 'decode.alone_ns.sim'
for phase in prefill decode; do
  whole=$(get $phase.predicted_ns)
  parts=$(($(get "$phase.parts[0].predicted_ns") + $(get "$phase.parts[1].predicted_ns") + $(get $phase.border_ns)))
  equal "$parts" "$whole" "the parts of $phase make the whole"
done
# What the planner chooses is never predicted slower than a device alone.
call split ${model:+"$model"} --devices cpu,sim --json
for phase in prefill decode; do
  for device in cpu sim; do
    if [ "$(get $phase.predicted_ns)" -le "$(get $phase.alone_ns.$device)" ]; then ok; else wrong "$phase: $device"; fi
  done
done
finish
