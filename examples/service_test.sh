#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# The example service, run as a stranger would: service_test.sh [EMULATOR] PROGRAM. Prompts on stdin are told on in their
# order; it has one thread; SIGTERM ends it in order.
set -eu
made=$(mktemp -d)
trap 'rm -rf "$made"' EXIT

printf 'Once upon a time\nThe cat\n' | "$@" >"$made/out"
cat "$made/out"
test "$(wc -l <"$made/out")" -eq 2 || { echo "two prompts have two answers, a line each"; exit 1; }
awk 'length($0) < 20 || /^error/ { print "line " NR " is no story: " $0; exit 1 }' "$made/out"

mkfifo "$made/in"
"$@" <"$made/in" >"$made/out" &
service=$!
exec 3>"$made/in"
echo 'Once upon a time' >&3
while ! grep -q . "$made/out"; do :; done
threads=$(ls "/proc/$service/task" | wc -l)
# An emulator has threads of its own.
test "$threads" -eq 1 || test $# -gt 1 || { echo "the service has $threads threads, not one"; kill "$service"; exit 1; }
kill -TERM "$service"
wait "$service" || { echo "SIGTERM did not end it in order: $?"; exit 1; }
