#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# declared.sh sees a promise without a body and a body without a promise: declared_test.sh NM CC [FLAGS...].
. "$(dirname "$0")/fixture.sh"
nm=$1
shift
compiler=$*
# shellcheck disable=SC2086 # a list of words
check() { "$house/declared.sh" "$fixture" "$fixture/objects" "$nm" $compiler; }
objects() {
  $compiler -w -x c -c -o "$fixture/x.o" -
  echo "engine $fixture/x.o" >"$fixture/objects"
}

put include/heddle/a.h <<'EOF2'
/* hd_commented() */
typedef struct hd_t { int (*hd_member)(int x); } hd_t;
typedef int (*hd_pointer)(void);
static inline int hd_small(int x) { return hd_pure(x); }
int hd_plain(void);
const hd_t *const *hd_table(void);
__attribute__((format(printf, 1, 2))) int
hd_print(const char *format, ...);
int hd_parallel(int width, void (*fn)(void *arg, int part), void *arg);
EOF2
echo 'int hd_plain(void) { } void *hd_table(void) { } int hd_print() { } int hd_parallel() { } int hdi_own() { }' | objects
must_pass check
echo 'int hd_plain(void) { } void *hd_table(void) { } int hd_parallel() { } int hdi_own() { }' | objects
must_complain 'hd_print is declared in include/ and defined nowhere' check
echo 'int hd_plain() { } void *hd_table() { } int hd_print() { } int hd_parallel() { } int hd_own() { }' | objects
must_complain 'hd_own is visible and not declared' check
finish
