# SPDX-License-Identifier: Apache-2.0
# Bad input: one clear line with the place and the reason, the right exit code, and nothing half-written.
. "$(dirname "$0")/lib.sh"
need_model

# refuses_run CODE PATTERN ARGUMENT...
refuses_run() {
  wanted=$1
  pattern=$2
  shift 2
  run "$@"
  exits "$wanted" "run $*"
  one_line "$pattern" "run $*"
}

# Prompts.
refuses_run 2 'no prompt: say it with -p TEXT or -f FILE' -n 5
refuses_run 2 'prompt: the prompt is empty' -p ''
: >"$scratch/empty.txt"
refuses_run 2 'empty.txt: the prompt is empty' -f "$scratch/empty.txt"
refuses_run 1 'absent.txt: No such file or directory' -f "$scratch/absent.txt"
refuses_run 1 ': Is a directory' -f "$scratch"
refuses_run 1 'prompt: byte 5: not UTF-8 (0xff)' -p "$(printf 'fine \377')"
printf 'ab\303' >"$scratch/cut.txt"
refuses_run 1 'cut.txt: byte 2: not UTF-8 (0xc3)' -f "$scratch/cut.txt"
printf 'ab\355\240\200' >"$scratch/surrogate.txt"
refuses_run 1 'surrogate.txt: byte 2: not UTF-8 (0xed)' -f "$scratch/surrogate.txt"
printf 'ab\000cd' >"$scratch/zero.txt"
refuses_run 1 'zero.txt: byte 2: a zero byte is no text' -f "$scratch/zero.txt"
refuses_run 2 "stdin holds one prompt" -p - -f -
awk 'BEGIN { for (i = 0; i < 20000; i++) printf "word " }' >"$scratch/long.txt"
refuses_run 1 'long.txt: [0-9]* tokens are more than the context of [0-9]* holds' -f "$scratch/long.txt"
refuses_run 1 'prompt: [0-9]* tokens are more than the context of 3 holds' -p 'Once upon a time there was' --ctx 3

# Numbers and names.
refuses_run 2 "\-\-temp wants a number from 0 to 100, not 'hot'" -p x --temp hot
refuses_run 2 "\-\-temp wants a number from 0 to 100, not '-1'" -p x --temp -1
refuses_run 2 "\-\-temp wants a number from 0 to 100, not 'nan'" -p x --temp nan
refuses_run 2 "\-\-top-p wants a number from 0 to 1, not '1.5'" -p x --top-p 1.5
refuses_run 2 "\-\-predict wants a whole number from 0 to 4294967295, not '-5'" -p x -n -5
refuses_run 2 "\-\-predict wants a whole number .*, not '99999999999999999999999'" -p x -n 99999999999999999999999
refuses_run 2 "\-\-seed wants a whole number from 0 on, not '1x'" -p x --seed 1x
refuses_run 2 "\-\-threads wants a whole number from 1 to 1024, not '0'" -p x --threads 0
refuses_run 2 "\-\-parallel wants" -p x --parallel 0
refuses_run 2 "option '--seed' wants an argument: N" -p x --seed
refuses_run 2 "\-\-class: there is no 'urgent'; there are interactive" -p x --class urgent
refuses_run 2 "policy 'best': not in this build; there is: fifo" -p x --policy best
refuses_run 2 "device list: no backend 'quantum' in this build; there is: cpu" -p x --devices quantum
refuses_run 2 "device list: it is empty" -p x --devices ''
refuses_run 2 "colour" -p x --devices 'sim:colour=red'
refuses_run 2 "gpu" -p x --split gpu:0-
refuses_run 2 "split" -p x --split cpu
refuses_run 2 '\-\-system goes with --chat' -p x --system y
refuses 2 "two models: 'a.gguf' and 'b.gguf'" run -m a.gguf b.gguf -p x
refuses 2 "one argument too many: 'b.gguf'" run a.gguf b.gguf -p x

# Models.
refuses 1 'absent.gguf' run "$scratch/absent.gguf" -p x
refuses 1 'empty.txt' run "$scratch/empty.txt" -p x
refuses 1 'long.txt' run "$scratch/long.txt" -p x
refuses 1 'long.txt' bench "$scratch/long.txt"
refuses 1 'long.txt' split "$scratch/long.txt"
if [ -n "$model" ]; then
  head -c 100000 "$model" >"$scratch/cut.gguf"
  refuses 1 'cut.gguf' run "$scratch/cut.gguf" -p x
fi

# Traces: not written, or gone again when nothing ran.
refuses_run 1 "trace $scratch/no/such/folder.rec: cannot be written: No such file or directory" -p x --trace "$scratch/no/such/folder.rec"
refuses_run 1 'cannot be written: Is a directory' -p x --trace "$scratch"
refuses_run 2 'quantum' -p x --devices quantum --trace "$scratch/left.rec"
refuses_run 2 'gpu' -p x --split gpu:0- --trace "$scratch/left.rec"
refuses_run 1 'context of 3' -p 'Once upon a time there was' --ctx 3 --trace "$scratch/left.rec"
if [ -e "$scratch/left.rec" ]; then wrong 'a trace is left of a run that never was'; else ok; fi

# A file that was there stays as it was when an option turns out to be wrong, and is replaced by a run.
run -p x -n 1 -q --trace "$scratch/kept.rec"
exits 0 'a first trace'
cp "$scratch/kept.rec" "$scratch/copy.rec"
refuses_run 2 'quantum' -p x --devices quantum --trace "$scratch/kept.rec"
refuses_run 2 'colour' -p x --devices 'sim:colour=red' --trace "$scratch/kept.rec"
refuses_run 2 'best' -p x --policy best --trace "$scratch/kept.rec"
refuses_run 2 'gpu' -p x --split gpu:0- --trace "$scratch/kept.rec"
refuses_run 2 'urgent' -p x --class urgent --trace "$scratch/kept.rec"
same "$scratch/kept.rec" "$scratch/copy.rec" 'a trace from before'
printf 'no trace' >"$scratch/kept.rec"
run -p x -n 1 -q --trace "$scratch/kept.rec"
exits 0 'a trace over another file'
call trace print "$scratch/kept.rec"
exits 0 'the trace that replaced it'
if [ -w /dev/full ]; then
  run -p x -n 4 -q --trace /dev/full
  exits 1 'a trace on a full disk'
  if [ "$(wc -l <"$scratch/err")" -eq 1 ] && grep -q '/dev/full' "$scratch/err"; then ok; else wrong 'full disk'; fi
  "$heddle" run ${model:+-m "$model"} -p x -n 4 -q >/dev/full 2>"$scratch/err" </dev/null
  code=$?
  : >"$scratch/out"
  exits 1 'run >/dev/full'
  one_line 'standard output: No space left' 'run >/dev/full'
fi

# Closed streams: nothing that is meant for one gets into a file.
"$heddle" run ${model:+-m "$model"} -p x -n 4 -q --trace "$scratch/closed.rec" >&- 2>"$scratch/err" </dev/null
code=$?
: >"$scratch/out"
exits 1 'run with stdout closed'
one_line 'standard output: ' 'run with stdout closed'
call replay "$scratch/closed.rec"
exits 0 'the trace of a run with stdout closed'
"$heddle" run ${model:+-m "$model"} -f - -n 4 -q <&- >"$scratch/out" 2>"$scratch/err"
code=$?
exits 1 'run with stdin closed'
one_line 'stdin: ' 'run with stdin closed'

# A reader that leaves is no failure.
{
  "$heddle" run ${model:+-m "$model"} -p x -n 400 --devices sim:latency_us=1000 2>"$scratch/err" </dev/null
  echo $? >"$scratch/code"
} | head -c 5 >"$scratch/out"
equal "$(cat "$scratch/code")" 0 'exit code when the reader leaves'
silent 'a reader that leaves'

# Interrupted: what is there stays, the table comes, and the trace is whole.
if command -v timeout >/dev/null; then
  for signal in INT TERM; do
    timeout -s $signal --preserve-status 2 "$heddle" run ${model:+-m "$model"} -p 'Once upon a time' -n 100000 \
      --ctx 4000 --devices sim:latency_us=20000 --trace "$scratch/stopped.rec" \
      >"$scratch/out" 2>"$scratch/err" </dev/null
    code=$?
    [ $signal = INT ] && wanted=130 || wanted=143
    exits $wanted "interrupted by $signal"
    if grep -q '^  ended    by interrupt after [0-9]* tokens' "$scratch/err"; then ok; else wrong "table after $signal"; fi
    call replay "$scratch/stopped.rec"
    exits 0 "replay of a run that was ended by $signal"
  done
fi
finish
