# SPDX-License-Identifier: Apache-2.0
# bench/compare/llama-bench.sh: medians over rounds, the ratio to the best of the others, and a failure that is said; the
# engines are scripts that answer with a fixed rate: test_compare.sh SCRIPT
set -u
folder=$(mktemp -d) || exit 1
trap 'rm -rf "$folder"' EXIT
failures=0
wrong() {
  failures=$((failures + 1))
  echo "FAILED: $*"
}

# Gives 10, 30, 20 for decode from call to call: the median of three is 20, the spread 100 %.
cat >"$folder/heddle" <<'SCRIPT'
#!/bin/sh
case $* in *'-p 0'*)
  n=$(cat "$0.count" 2>/dev/null || echo 0)
  echo $((n + 1)) >"$0.count"
  set -- 10 30 20
  shift "$n"
  printf '{\n\t"decode_tokens_per_s":\t%s.5\n}\n' "$1" ;;
*) printf '{\n\t"prefill_tokens_per_s":\t600,\n\t"decode_tokens_per_s":\t0\n}\n' ;;
esac
SCRIPT
printf '#!/bin/sh\nprintf "[ { \\"avg_ns\\": 7,\\n \\"avg_ts\\": 10.25,\\n \\"stddev_ts\\": 1 } ]"\n' >"$folder/slow"
printf '#!/bin/sh\n[ "$1" = -x ] && printf "    \\"avg_ts\\": 200.0,\\n"\n' >"$folder/fast"
printf '#!/bin/sh\nexit 1\n' >"$folder/broken"
chmod +x "$folder/heddle" "$folder/slow" "$folder/fast" "$folder/broken"

out=$(sh "$1" -r 3 -t 1 -p 128 -n 8 "$folder/heddle" slow="$folder/slow" fast="$folder/fast,-x" -- some/model.gguf)
code=$?
[ "$code" -eq 0 ] || wrong "exit code $code"
for row in '| model | decode-8 | 1 | 20.5 | 98 % | 200.0 | 10.2 | 0.10 |' \
  '| model | prefill-128 | 1 | 600.0 | 0 % | 200.0 | 10.2 | 3.00 |' \
  '| model | test | threads | heddle | spread | fast | slow | ratio |'; do
  printf '%s\n' "$out" | grep -qxF "$row" || wrong "no row '$row' in: $out"
done
out=$(sh "$1" -r 1 -t 1 -p 128 -n 0 "$folder/heddle" broken="$folder/broken" -- model.gguf 2>&1)
[ $? -ne 0 ] || wrong 'an engine that fails is not noticed'
case $out in *'broken gave no rate for prefill-128'*) ;; *) wrong "said: $out" ;; esac
sh "$1" "$folder/heddle" -- model.gguf 2>/dev/null
[ $? -eq 2 ] || wrong 'no engine is a usage error'
[ "$failures" -eq 0 ]
