# SPDX-License-Identifier: Apache-2.0
# heddle perplexity: llama.cpp's figures for the reference models and text, what quantizing costs, and bad input.
. "$(dirname "$0")/lib.sh"
text=$reference/story_cc0.oneline.txt
models=$reference/models
[ -r "$text" ] || skip 'the reference is absent'

# near GOT WANTED PART WHAT: within that part of it.
near() {
  if awk -v got="$1" -v wanted="$2" -v part="$3" 'BEGIN { off = got / wanted - 1; exit !(got > 0 && off <= part && off >= -part) }'
  then ok; else wrong "$4: $1 is not within $3 of $2"; fi
}

# Where sums are rounded in another order, an activation falls on the other side of a half now and then: 0.25 % here.
formats='q8_0 q4_0 q4_k'
[ -n "${HEDDLE_EMULATOR:-}" ] && formats=q4_k # an emulated machine takes its time
while read -r name _ _ perplexity _ error _; do
  [ -n "${HEDDLE_EMULATOR:-}" ] && [ "$name" != stories260kp-q4_k_m ] && continue
  call perplexity "$models/$name.gguf" "$text" --context 128 --json
  exits 0 "perplexity of $name"
  silent "perplexity of $name"
  json schema=heddle.perplexity/1 perplexity perplexity_error mean_nll nll_error context=128 windows=10 \
    text_tokens=1326 scored_tokens=630 run_tokens tokens_per_s peak_resident_bytes energy.source energy.uj threads
  near "$(get perplexity)" "$perplexity" 0.004 "$name"
  near "$(get perplexity_error)" "$error" 0.01 "the error of $name"
done <"$reference/perplexity-llama-cpp.txt"

# A file that was quantized here is as good as one that was quantized there.
for format in $formats; do
  call quantize "$models/stories260kp-f32.gguf" "$scratch/$format.gguf" $format -q
  call perplexity "$scratch/$format.gguf" "$text" -c 128 --json
  ours=$(get perplexity)
  theirs=stories260kp-$format
  [ $format = q4_k ] && theirs=stories260kp-q4_k_m
  call perplexity "$models/$theirs.gguf" "$text" -c 128 --json
  near "$ours" "$(get perplexity)" 0.005 "$format quantized here and there"
done

# For people, from stdin, and a part only.
"$heddle" perplexity "$models/stories260k-q8_0.gguf" - --chunks 2 -c 256 <"$text" >"$scratch/out" 2>"$scratch/err"
code=$?
exits 0 'perplexity from stdin'
silent 'perplexity from stdin'
says '^  perplexity  [0-9]*\.[0-9]* ± ' 'perplexity from stdin'
says '^  scored      254 of 1326 tokens: 2 windows of 256, ' 'two windows'
says '^  energy      ' 'energy'
# The same figure on any number of threads.
call perplexity "$models/stories260k-q8_0.gguf" "$text" -c 64 --json -t 1
one=$(get perplexity)
call perplexity "$models/stories260k-q8_0.gguf" "$text" -c 64 --json -t 3
equal "$(get perplexity)" "$one" 'one thread and three'

# Bad input.
model=$models/stories260k-q8_0.gguf
echo 'Once upon a time' >"$scratch/short.txt"
: >"$scratch/empty.txt"
refuses 2 'no text: say' perplexity
refuses 1 'short.txt: .*: a text of 4 tokens has no window of 256' perplexity "$model" "$scratch/short.txt" -c 256
refuses 2 'empty.txt: ' perplexity "$model" "$scratch/empty.txt"
refuses 1 'absent.txt: No such file' perplexity "$model" "$scratch/absent.txt"
refuses 1 'absent.gguf' perplexity "$scratch/absent.gguf" "$text"
refuses 1 'not UTF-8' perplexity "$model" "$model"
refuses 2 "\-\-context wants a whole number from 4" perplexity "$model" "$text" -c 3
refuses 2 'two models' perplexity -m a.gguf b.gguf "$text"
refuses 2 'one argument too many' perplexity a.gguf b.txt c.txt
finish
