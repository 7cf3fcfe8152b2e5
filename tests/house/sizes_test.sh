#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# sizes.sh sees a file and a function that are too long, and no struct or table.
. "$(dirname "$0")/fixture.sh"
check() { "$house/sizes.sh" "$fixture"; }
lines() { awk -v n="$1" -v text="$2" 'BEGIN { for (i = 0; i < n; i++) print text }'; }

{ echo 'static const int table[] = {'; lines 200 '  1,'; echo '};'; } | put engine/table.c
{ echo 'int f(void) {'; lines 98 '  g();'; echo '}'; echo 'int h(void) {'; lines 98 '  g();'; echo '}'; } | put engine/a.c
must_pass check
{ echo 'int f(int a,'; echo '      int b) {'; lines 98 '  g();'; echo '}'; } | put engine/a.c
must_complain 'engine/a.c:1: a function of 101 lines' check
fresh
lines 500 'int x;' | put engine/a.c
must_pass check
lines 501 'int x;' | put engine/a.h
must_complain 'engine/a.h: 501 lines' check
finish
