# SPDX-License-Identifier: Apache-2.0
# The ids that llama.cpp generated for the reference models, through the whole command.
. "$(dirname "$0")/lib.sh"
[ -d "$reference/expected" ] || skip 'the reference (../shared/reference) is absent'

for name in stories260k-f32 stories260k-q8_0 stories260k-q4_0 stories260kp-q4_k_m; do
  expected=$reference/expected/$name.json
  prompt=$("$json_has" --get 'prompts[0].prompt' <"$expected")
  ids=$("$json_has" --get 'prompts[0].gen_ids' <"$expected" | tr -d '[]' | tr ',' ' ')
  for devices in cpu cpu,sim; do
    call run "$reference/models/$name.gguf" -p "$prompt" -n 64 --temp 0 --ids -q --devices $devices --threads 2
    exits 0 "$name on $devices"
    equal "$(cat "$scratch/out")" "$ids" "$name on $devices"
  done
done
finish
