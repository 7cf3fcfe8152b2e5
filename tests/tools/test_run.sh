# SPDX-License-Identifier: Apache-2.0
# heddle run: what it writes where, and that the same call writes the same.
. "$(dirname "$0")/lib.sh"
need_model
prompt='Once upon a time'

run -p "$prompt" -n 24
exits 0 run
cp "$scratch/out" "$scratch/text"
if grep -q '^  prefill .* tokens/s  layers cpu 0-' "$scratch/err"; then ok; else wrong 'the table lacks the prefill'; fi
if grep -q '^  decode .* tokens/s  layers cpu 0-' "$scratch/err"; then ok; else wrong 'the table lacks the decode'; fi
if grep -q '^  decided .* decisions by fifo' "$scratch/err"; then ok; else wrong 'the table lacks the decisions'; fi
if grep -q '^  energy .*\(measured\|modelled\|unknown\)' "$scratch/err"; then ok; else wrong 'no energy'; fi
if grep -q "$(printf '\033')" "$scratch/err" "$scratch/out"; then wrong 'escape sequences in a pipe'; else ok; fi

# The same again, whoever counts and prints.
run -p "$prompt" -n 24 -q
same "$scratch/text" "$scratch/out" 'the same text again'
silent 'run --quiet'
run -p "$prompt" -n 24 --json
json schema=heddle.run/1 prefill_tokens_per_s decode_tokens_per_s threads model format decisions energy.uj energy.source \
  split.prefill split.decode 'devices[0].name=cpu' 'requests[0].ended_by' 'requests[0].status=ok' 'sampling.seed'
silent 'run --json'
get 'requests[0].text' >"$scratch/json-text"
same "$scratch/text" "$scratch/json-text" 'the streamed text is the text in JSON'
ids=$(get 'requests[0].ids' | tr -d '[]' | tr ',' ' ')
run -p "$prompt" -n 24 --ids
equal "$(cat "$scratch/out")" "$ids" '--ids and the ids in JSON'
equal "$(wc -l <"$scratch/out" | tr -d ' ')" 1 '--ids is one line'
equal "$(wc -w <"$scratch/out" | tr -d ' ')" 24 '-n 24 gives 24 ids'

# The prompt from elsewhere.
printf '%s\n' "$prompt" >"$scratch/prompt.txt"
run -f "$scratch/prompt.txt" -n 24
same "$scratch/text" "$scratch/out" '-f FILE'
for dash in '-f -' '-p -'; do
  "$heddle" run ${model:+-m "$model"} $dash -n 24 -q <"$scratch/prompt.txt" >"$scratch/out" 2>"$scratch/err"
  same "$scratch/text" "$scratch/out" "$dash"
done
if [ -n "$model" ]; then
  call run "$model" -p "$prompt" -n 24 -q
  same "$scratch/text" "$scratch/out" 'the model as an argument'
fi

# Sampling: the seed decides, and only the seed.
run -p "$prompt" -n 24 --temp 1.5 --top-k 0 --top-p 1 --seed 5 --ids
cp "$scratch/out" "$scratch/five"
if grep -q 'seed 5$' "$scratch/err"; then ok; else wrong 'the table lacks the seed'; fi
run -p "$prompt" -n 24 --temp 1.5 --top-k 0 --top-p 1 --seed 5 --ids
same "$scratch/five" "$scratch/out" 'the same seed'
run -p "$prompt" -n 24 --temp 1.5 --top-k 0 --top-p 1 --seed 6 --ids
if cmp -s "$scratch/five" "$scratch/out"; then wrong 'another seed, the same ids'; else ok; fi
run -p "$prompt" -n 24 --temp 1.5 --top-k 1 --seed 6 --ids
equal "$(cat "$scratch/out")" "$ids" '--top-k 1 is greedy'

# Limits.
run -p "$prompt" -n 0 --json
json 'requests[0].generated_tokens=0' 'requests[0].ended_by=length'
run -p "$prompt" -n 100000 --ctx 24 --json
exits 0 'run --ctx 24'
json 'requests[0].status=ok'

# Devices, a split, classes and policies change nothing but who does it.
for option in '--devices sim' '--devices cpu,sim' '--devices cpu,sim --split cpu:0-1,sim:2-' '--class background' \
  '--policy fair' '--threads 1' '--devices sim:latency_us=200'; do
  run -p "$prompt" -n 24 -q --ids $option
  exits 0 "run $option"
  equal "$(cat "$scratch/out")" "$ids" "the ids with $option"
done
run -p "$prompt" -n 8 --devices cpu,sim --split cpu:0-1,sim:2-
if grep -q '^  decode .* layers cpu 0-1, sim 2-' "$scratch/err"; then ok; else wrong 'the table lacks the split'; fi

# A device that fails is fenced; the text is the same, and the table says what happened.
run -p "$prompt" -n 12 -q --ids --devices cpu,sim --split cpu:0-1,sim:2-
cp "$scratch/out" "$scratch/well"
run -p "$prompt" -n 12 --ids --devices 'cpu,sim:fail_after=9' --split cpu:0-1,sim:2-
same "$scratch/well" "$scratch/out" 'the ids when a device fails'
if grep -q '^  decided .*, 1 device fenced, [0-9]* steps* moved' "$scratch/err"; then ok; else wrong 'no word of it'; fi
# When no device is left, the request fails and says so.
run -p "$prompt" -n 12 -q --devices 'sim:fail_after=9'
exits 1 'the only device fails'
if grep -q '^heddle run: request 1: .*device failed' "$scratch/err"; then ok; else wrong 'no reason given'; fi
finish
