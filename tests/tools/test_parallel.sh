# SPDX-License-Identifier: Apache-2.0
# Several requests at once: each writes what it writes alone, and the trace replays to the same decisions.
. "$(dirname "$0")/lib.sh"
need_model

for devices in cpu cpu,sim cpu,sim:latency_us=300,sim; do
  : >"$scratch/alone"
  for text in 'Once upon a time' 'The little dog' 'One day a girl' 'A bird saw'; do
    run -p "$text" -n 20 --ids -q --devices $devices
    exits 0 "'$text' alone on $devices"
    cat "$scratch/out" >>"$scratch/alone"
  done
  for policy in fifo fair; do
    run -p 'Once upon a time' -p 'The little dog' -p 'One day a girl' -p 'A bird saw' -n 20 --ids -q \
      --devices $devices --policy $policy --trace "$scratch/four.rec"
    exits 0 "four at once over $devices by $policy"
    same "$scratch/alone" "$scratch/out" "four at once over $devices by $policy"
    call replay "$scratch/four.rec"
    exits 0 "replay of four over $devices by $policy"
    says ': identical$' "replay of four over $devices by $policy"
  done
done

# Layers pinned to both devices, so that every request crosses the border.
run -p 'Once upon a time' --parallel 4 -n 20 --ids -q --devices cpu,sim --split cpu:0-1,sim:2- --trace "$scratch/p.rec"
exits 0 'four over a split'
cp "$scratch/out" "$scratch/split"
run -p 'Once upon a time' -n 20 --ids -q --devices cpu,sim --split cpu:0-1,sim:2-
for i in 1 2 3 4; do cat "$scratch/out"; done >"$scratch/wanted"
cp "$scratch/split" "$scratch/out"
same "$scratch/wanted" "$scratch/out" 'four over a split'
call replay "$scratch/p.rec"
exits 0 'replay of four over a split'

# Labels for people, an array for programs, and seeds that count on.
run -p 'Once upon a time' --parallel 2 -n 5 -q
says '^\[1/2\]$' 'label'
says '^\[2/2\]$' 'label'
run -p 'Once upon a time' --parallel 3 -n 5 --temp 1 --seed 7 --json
json 'requests[2].ids' 'requests[0].seed=7' 'requests[2].seed=9'
third=$(get 'requests[2].ids')
run -p 'Once upon a time' -n 5 --temp 1 --seed 9 --json
equal "$(get 'requests[0].ids')" "$third" 'a request at once has the ids of its seed alone'

# More than admission allows: try again later.
run -p 'Once upon a time' --parallel 4 -n 50 --max-requests 2 --devices sim:latency_us=5000
exits 75 'more than are admitted'
one_line 'refused for now: as many requests as are allowed are running' 'more than are admitted'
finish
