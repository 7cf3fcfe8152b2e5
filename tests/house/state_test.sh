#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# state.sh sees a variable of static storage, and takes no constant for one: state_test.sh OBJDUMP CC [FLAGS...].
. "$(dirname "$0")/fixture.sh"
objdump=$1
shift
compiler=$*
check() { "$house/state.sh" "$fixture/objects" "$objdump"; }
# source ROOM <source
source_of() {
  fresh
  $compiler -w -O0 -fPIC -x c -c -o "$fixture/x.o" -
  echo "$1 $fixture/x.o" >"$fixture/objects"
}

source_of engine <<'EOF2'
static const int table[4] = {1};
static const char *const names[] = {"a", "b"};
int hd_f(int i) { int x = 0; return table[i] + names[i][0] + x; }
EOF2
must_pass check
echo 'static int calls; int hd_f(void) { return ++calls; }' | source_of engine
must_complain 'calls can be written (.bss)' check
echo 'int hd_calls = 1;' | source_of engine
must_complain 'hd_calls can be written (.data)' check
echo 'int hd_f(void) { static int first = 1; return first++; }' | source_of policies
must_complain 'can be written (.data)' check
echo 'static const char *names[] = {"a"}; const char *hd_f(int i) { return names[i]; }' | source_of engine
must_complain 'names can be written' check
echo '_Thread_local int hd_here; int *hd_f(void) { return &hd_here; }' | source_of sched/control
must_complain 'hd_here can be written (.tbss)' check
echo '_Thread_local int hd_here; int *hd_f(void) { return &hd_here; }' | source_of sched/runtime
must_pass check
finish
