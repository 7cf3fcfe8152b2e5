# SPDX-License-Identifier: Apache-2.0
# heddle bench --crowd: who is measured, and the keys of its JSON. No figure is judged here: time is not a property.
. "$(dirname "$0")/lib.sh"
"$heddle" run -q -n 0 -p x >/dev/null 2>&1 || skip 'this build has no embedded model'

# keys KEY...: the last call's stdout has them.
keys() {
  if "$json_has" "$@" <"$scratch/out" 2>>"$scratch/err"; then ok; else wrong "JSON without $*"; fi
}

# A machine that was busy for all of 150 ms had hardly a token, and no reader was woken: it gets longer.
for ms in 150 1000 3000; do
  call bench --crowd --requests 20 --rounds 1 --ms "$ms" --json
  if awk -v a="$(get 'crowds[4].wakes_per_token')" -v b="$(get 'crowds[6].wakes_per_token')" \
    'BEGIN { exit !(a > 0 && b > 0) }'; then break; fi
done
exits 0 'bench --crowd'
silent 'bench --crowd'
keys model threads requests=20 'crowds[0].beside=alone' 'crowds[1].beside=leases' 'crowds[2].beside=descriptors' \
  'crowds[3].beside=timers' 'crowds[4].beside=readers' 'crowds[5].beside=thread_timers' 'crowds[6].beside=thread_readers' \
  'crowds[4].decode_tokens_per_s' 'crowds[4].time_ratio' 'crowds[4].voluntary_switches_per_token' \
  'crowds[4].involuntary_switches_per_token'
# Each token wakes a reader; nobody wakes who waits for a lease. A reader that is late has several tokens at once, and on a
# busy machine most are late.
for crowd in 4 6; do
  wakes=$(get "crowds[$crowd].wakes_per_token")
  if awk -v n="$wakes" 'BEGIN { exit !(n > 0 && n < 1.2) }'; then ok; else wrong "readers: $wakes wakes a token"; fi
done
keys 'crowds[1].wakes_per_token=0'

call bench --crowd --requests 20 --rounds 1 --ms 1 --beside timers --policy fair --threads 1
says '^  nobody ' 'bench --crowd'
says '^  timers ' 'bench --crowd'
if grep -q '^  leases ' "$scratch/out"; then wrong 'more than the crowd asked for'; else ok; fi

refuses 2 "no crowd 'timer'" bench --crowd --beside timer
refuses 2 'not in this build' bench --crowd --policy fairer
refuses 2 '\-\-requests wants' bench --crowd --requests 0
refuses 1 'nowhere.gguf' bench --crowd nowhere.gguf
finish
