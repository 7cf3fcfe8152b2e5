# SPDX-License-Identifier: Apache-2.0
# heddle quantize: files of every format that run, the same bytes with any number of threads, and one line for what is
# wrong. (What is in the files is tested in tests/engine.)
. "$(dirname "$0")/lib.sh"
source=$reference/models/stories260kp-f32.gguf
[ -r "$source" ] || skip 'the reference models are absent'
out=$scratch/out.gguf

for format in Q8_0 Q4_0 Q4_K Q6_K F16 BF16; do
  call quantize "$source" "$scratch/$format.gguf" $format --json
  exits 0 "quantize to $format"
  silent "quantize to $format"
  json schema=heddle.quantize/1 "format=$format" pure=false in_bytes=8938400 out_bytes 'tensors[0].format=F32' \
    'tensors[0].count=11' 'tensors[1].bytes' elapsed_ns threads
  equal "$(get out_bytes)" "$(wc -c <"$scratch/$format.gguf")" "the size of $format"
  call run "$scratch/$format.gguf" -p 'Once upon a time' -n 8 -q
  exits 0 "run $format"
  says 'there was a ' "a story out of $format"
done

# The same bytes however many threads.
call quantize "$source" "$out" q4_k --threads 3
exits 0 'quantize with three threads'
says '^  Q4_K  *32 ' 'the table'
says '^  Q6_K  *5 ' 'the table'
if cmp -s "$out" "$scratch/Q4_K.gguf"; then ok; else wrong 'three threads write other bytes'; fi
call quantize "$source" "$out" Q4_K_M -t 1 -q
if cmp -s "$out" "$scratch/Q4_K.gguf"; then ok; else wrong 'Q4_K_M is not Q4_K'; fi
call quantize "$source" "$out" Q4_K --pure
says '^  Q4_K  *37 ' 'the table of --pure'

# What is wrong; what was there stays.
echo 'old' >"$scratch/old.gguf"
refuses 2 'no input: say IN.gguf OUT.gguf FORMAT' quantize
refuses 2 'no output: say' quantize "$source"
refuses 2 'no format: say' quantize "$source" "$scratch/old.gguf"
refuses 2 "there is no format 'Q3_K' to quantize to; there are Q8_0, Q4_0, Q4_K" quantize "$source" "$scratch/old.gguf" Q3_K
refuses 2 "one argument too many: 'x'" quantize "$source" "$scratch/old.gguf" Q4_0 x
refuses 2 '\-\-threads wants' quantize "$source" "$scratch/old.gguf" Q4_0 -t 0
refuses 1 'absent.gguf: cannot open the file: No such file' quantize "$scratch/absent.gguf" "$scratch/old.gguf" Q4_0
refuses 1 "$scratch: not a regular file" quantize "$scratch" "$scratch/old.gguf" Q4_0
refuses 1 'it is Q8_0 already; quantize from F32, F16 or BF16' quantize "$scratch/Q8_0.gguf" "$scratch/old.gguf" Q4_0
head -c 4000000 "$source" >"$scratch/cut.gguf"
refuses 1 'cut.gguf: tensor .* run past the end of the file' quantize "$scratch/cut.gguf" "$scratch/old.gguf" Q4_0
refuses 1 'cut.gguf: it is the input itself' quantize "$scratch/cut.gguf" "$scratch/cut.gguf" Q4_0
refuses 1 'out.gguf: cannot write the file: No such file or directory' quantize "$source" "$scratch/no/out.gguf" Q4_0
refuses 1 '/dev/full: is there already, and is not a regular file' quantize "$source" /dev/full Q4_0
equal "$(cat "$scratch/old.gguf")" old 'what was there before'
if ls "$scratch" | grep -q part; then wrong 'a part of a file is left'; else ok; fi
finish
