# SPDX-License-Identifier: Apache-2.0
# Traces: recorded by run, printed by trace print, decided again by replay; and what happens to broken ones.
. "$(dirname "$0")/lib.sh"
need_model

run -p 'Once upon a time' -n 12 -q --trace "$scratch/a.rec"
exits 0 'run --trace'
call trace print "$scratch/a.rec"
exits 0 'trace print'
silent 'trace print'
for kind in request admit split step run done complete; do
  says " $kind " "the trace has $kind"
done
lines=$(wc -l <"$scratch/out")
call trace print --json "$scratch/a.rec"
exits 0 'trace print --json'
json schema=heddle.trace.record/1 t_ns seq kind device request step a b text
equal "$(wc -l <"$scratch/out")" "$lines" 'a JSON object a line'
call trace print --decisions "$scratch/a.rec"
decisions=$(wc -l <"$scratch/out" | tr -d ' ')
call replay "$scratch/a.rec" --json
exits 0 'replay --json'
json schema=heddle.replay/1 identical=true events decisions="$decisions"
call replay "$scratch/a.rec" --print
exits 0 'replay --print'
equal "$(wc -l <"$scratch/out" | tr -d ' ')" "$((decisions + 1))" 'replay --print prints each decision and the verdict'

# A decision that is not what the control plane decides: the first RUN record (kind 67) of the first chunk, whose
# records of 40 bytes begin at byte 40; its expected time is at byte 32 of it.
line=$(od -An -v -tx1 -j 40 -w40 "$scratch/a.rec" | awk '$13 == "43" && $14 == "00" { print NR; exit }')
cp "$scratch/a.rec" "$scratch/bad.rec"
printf '\251' | dd of="$scratch/bad.rec" bs=1 seek=$((40 + 40 * (line - 1) + 34)) conv=notrunc 2>/dev/null
call replay "$scratch/bad.rec"
exits 1 'replay of a changed decision'
says ': different$' 'replay of a changed decision'
says '^  recorded  .* run ' 'the recorded one is shown'
says '^  replayed  .* run ' 'the replayed one is shown'
call replay --json "$scratch/bad.rec"
exits 1 'replay --json of a changed decision'
json identical=false first_difference.recorded first_difference.replayed

# Broken files.
head -c 1000 "$scratch/a.rec" >"$scratch/cut.rec"
call trace print "$scratch/cut.rec"
exits 1 'trace print of a cut file'
call replay "$scratch/cut.rec"
exits 1 'replay of a cut file'
one_line 'cut.rec' 'replay of a cut file'
printf 'not a trace at all, but long enough to be one' >"$scratch/no.rec"
refuses 1 'heddle trace: .*no.rec' trace print "$scratch/no.rec"
refuses 1 'heddle replay: .*no.rec' replay "$scratch/no.rec"
: >"$scratch/empty.rec"
refuses 1 'heddle replay: .*empty.rec' replay "$scratch/empty.rec"
refuses 1 'heddle trace: .*absent.rec: .*No such file' trace print "$scratch/absent.rec"
refuses 2 'which file?' replay
refuses 2 'which file?' trace print
refuses 2 "heddle trace print" trace
refuses 2 "did you mean 'heddle trace print x.rec'" trace x.rec
refuses 2 'do not go together' replay --print --json "$scratch/a.rec"
finish
