#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# leftovers.sh sees each kind of thing left behind.
. "$(dirname "$0")/fixture.sh"
check() { "$house/leftovers.sh" "$fixture"; }

# shellcheck disable=SC2016
printf 'see ../shared/reference, framework/x and ${TMPDIR:-/tmp}\n' | put docs/a.md
must_pass check
for line in 'int x; /* TODO */' 'cd /home/me/heddle' 'open("/tmp/x")' '<<<<<<< HEAD' 'int x; ' "$(printf 'int\tx;')"; do
  fresh
  printf '%s\n' "$line" | put engine/a.c
  must_complain 'engine/a.c:1' check
done
finish
