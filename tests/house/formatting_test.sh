#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# formatting.sh sees a line that is not as .clang-format wants it.
. "$(dirname "$0")/fixture.sh"
check() { "$house/formatting.sh" "$fixture"; }

cp "$house/../../.clang-format" "$fixture/"
printf 'int f(int a) {\n  return a;\n}\n' | put engine/a.c
status=0
check >/dev/null 2>&1 || status=$?
[ "$status" -ne 77 ] || exit 77
must_pass check
printf 'int f (int a) {\n   return a;\n}\n' | put engine/a.c
must_complain 'engine/a.c:1' check
finish
