/* SPDX-License-Identifier: Apache-2.0 */
/* The queue of waiting steps, against a plain sorted array. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <cmocka.h>
#include "control/stations.h"

enum { LONGEST = 20, ROUNDS = 100000 };

static hd_waiting items[2 * LONGEST];
static uint64_t seqs[2 * LONGEST];
static uint64_t plain[LONGEST];
static uint32_t plain_count;

static void plain_insert(uint64_t seq) {
  uint32_t at = plain_count++;
  for (; at > 0 && plain[at - 1] > seq; at--)
    plain[at] = plain[at - 1];
  plain[at] = seq;
}

static void plain_remove(uint32_t at) {
  for (plain_count--; at < plain_count; at++)
    plain[at] = plain[at + 1];
}

static void it_holds_what_a_plain_array_holds_in_the_same_order(void **state) {
  (void)state;
  hdi_queue queue = {.items = items, .seqs = seqs, .cap = 2 * LONGEST};
  uint64_t random = 5, next = 1, taken = 0; /* taken: one that may come back to its place */
  plain_count = 0;
  for (uint32_t round = 0; round < ROUNDS; round++) {
    random = random * 6364136223846793005u + 1442695040888963407u;
    uint32_t what = (uint32_t)(random >> 33) % 5;
    if (what < 2 && plain_count < LONGEST) {
      uint64_t seq = taken != 0 && what == 0 ? taken : next++;
      if (seq == taken) taken = 0;
      hdi_queue_insert(&queue, seq, &(hd_waiting){.ready_ns = seq});
      plain_insert(seq);
    } else if (what >= 2 && plain_count > 0) {
      uint32_t at = what == 2 ? 0 : (uint32_t)(random >> 40) % plain_count;
      taken = plain[at];
      assert_int_equal(hdi_queue_find(&queue, taken)->ready_ns, taken);
      hdi_queue_remove(&queue, taken);
      plain_remove(at);
    }
    assert_int_equal(queue.count, plain_count);
    for (uint32_t i = 0; i < plain_count; i++)
      assert_int_equal(queue.items[queue.begin + i].ready_ns, plain[i]);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(it_holds_what_a_plain_array_holds_in_the_same_order)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
