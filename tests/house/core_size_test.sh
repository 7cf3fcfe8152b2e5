#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# core_size.sh sees a core that is too big, and one that needs a foreign library: core_size_test.sh STRIP CC AR.
. "$(dirname "$0")/fixture.sh"
check() { "$house/core_size.sh" 100000 "$fixture/core.a" "$@"; }
strip=$1
compiler=$2
archiver=$3
archive() {
  fresh
  "$compiler" -w -fPIC -x c -c -o "$fixture/x.o" - && "$archiver" rcs "$fixture/core.a" "$fixture/x.o"
}

echo '#include <pthread.h>
int hd_f(void) { return (int)pthread_self(); }' | archive
must_pass check "$strip" "$compiler"
echo 'const char hd_big[200000] = {1};' | archive
must_complain 'at most 100000' check "$strip" "$compiler"
echo 'double cos(double); double hd_f(double x) { return cos(x); }' | archive
must_complain 'needs more than libc' check "$strip" "$compiler"
must_pass check "$strip" "$compiler" -lm
finish
