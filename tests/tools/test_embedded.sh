# SPDX-License-Identifier: Apache-2.0
# The model inside the command tells the stories that its makers wrote down, on either device.
. "$(dirname "$0")/lib.sh"
"$heddle" run -q -n 0 -p x >/dev/null 2>&1 || skip 'this build has no embedded model'
golden=$(dirname "$0")/../../engine/model/golden.json

# A prompt on whose way two candidates come closer than 0.01 may rightly be told another way.
i=0
told=0
while prompt=$("$json_has" --get "prompts[$i].prompt" <"$golden") && [ -n "$prompt" ]; do
  ids=$("$json_has" --get "prompts[$i].gen_ids" <"$golden" | tr -d '[]' | tr ',' ' ')
  gap=$("$json_has" --get "prompts[$i].min_gap" <"$golden")
  i=$((i + 1))
  if awk -v gap="$gap" 'BEGIN { exit !(gap < 0.01) }'; then continue; fi
  told=$((told + 1))
  count=$(echo "$ids" | wc -w)
  for devices in cpu sim; do
    call run -p "$prompt" -n "$count" --temp 0 --ids -q --devices $devices
    exits 0 "'$prompt' on $devices"
    equal "$(cat "$scratch/out")" "$ids" "'$prompt' on $devices"
  done
done
if [ "$told" -ge 2 ]; then ok; else wrong "$told of $i prompts in $golden are clear enough"; fi

# It is no chat model, and says so.
refuses 1 'no chat template' run --chat -p hello
# Broken copies of it are refused where they break.
file=$(dirname "$0")/../../engine/model/stories.gguf
for bytes in 3 24 1000 60000 2000000; do
  head -c $bytes "$file" >"$scratch/cut.gguf"
  refuses 1 'cut.gguf' run "$scratch/cut.gguf" -p x
done
finish
