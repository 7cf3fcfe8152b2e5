#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# calls.sh sees each kind of call that the library does not make: calls_test.sh NM CC [FLAGS...].
. "$(dirname "$0")/fixture.sh"
nm=$1
shift
check() { "$house/calls.sh" "$fixture/objects" "$nm"; }
# object ROOM NAME <source
object() {
  mkdir -p "$fixture/$1"
  $compiler -w -O0 -fno-builtin -x c -c -o "$fixture/$1/$2.o" -
  echo "$1 $fixture/$1/$2.o" >>"$fixture/objects"
}
compiler=$*

house_of_cards() {
  fresh
  echo 'int hd_fail(int s) { return s; }' | object sched/contract status
  echo 'int hd_fail(int); void *memcpy(); int hd_queue(void) { memcpy(); return hd_fail(1); }' | object sched/control queue
  echo 'int hd_queue(void); long hd_turn(void) { return read(hd_queue()); }' | object sched/live turn
}

house_of_cards && must_pass check
house_of_cards && echo 'void hd_x(void) { abort(); }' | object engine x
must_complain 'engine/x.o: calls abort' check
house_of_cards && echo 'void hd_x(void) { __printf_chk(); }' | object engine x
must_complain 'calls __printf_chk' check
house_of_cards && echo 'void hd_x(void) { getenv("A"); }' | object kernel_shims x
must_complain 'calls getenv' check
house_of_cards && echo 'void hd_x(void) { clock_gettime(); }' | object policies x
must_complain 'is pure, and calls clock_gettime' check
house_of_cards && echo 'void hd_x(void) { malloc(); }' | object sched/control x
must_complain 'is pure, and calls malloc' check
house_of_cards && echo 'void hd_x(void) { hd_turn(); }' | object sched/control x
must_complain 'calls hd_turn of sched/live' check
house_of_cards && echo 'void hd_x(void) { hd_queue(); }' | object backends/cpu x
must_complain 'calls hd_queue of sched/control' check
house_of_cards && echo 'int counter;' | object engine x
must_complain 'counter is visible to everyone' check
house_of_cards && echo 'void he_x(void) {}' | object traces x
must_complain 'he_x is visible to everyone' check
fresh && : >"$fixture/objects" && must_complain 'no object was read' check
finish
