/* SPDX-License-Identifier: Apache-2.0 */
/* fair: shares of device time over long runs of the real control plane. */
#include "control/feed.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <cmocka.h>

enum { REQUESTS = 8, OPS = 400 };
#define OP_NS 500000u

typedef struct run {
  feed f;
  uint64_t device_ns[REQUESTS + 1]; /* by request */
  uint64_t last_ns[REQUESTS + 1];   /* when it last ran */
  uint64_t longest_wait_ns[REQUESTS + 1];
  hd_record running[8]; /* RUN decisions whose launches are out */
  uint32_t running_count;
  uint32_t silent; /* a request that submits nothing more */
} run;

/* One core that does an op in half a millisecond. */
static void start(run *r, const char *policy) {
  *r = (run){0};
  feed_init(&r->f, hd_policy_find(hd_policies_builtin(), policy), NULL);
  feed_device(&r->f, 0, HD_DEVICE_CPU, 1);
  feed_param(&r->f, 0, HD_PARAM_FLAGS, 0); /* nobody is stopped: shares are the policy's work alone */
  feed_param(&r->f, 0, HD_PARAM_NS_PER_MIB, OP_NS);
  feed_graph(&r->f, 1, OPS, 1 << 20, 0);
}

static void collect(run *r) {
  const hd_record *d;
  for (size_t i = 0; (d = feed_decision(&r->f, HD_DE_RUN, i)) != NULL; i++)
    r->running[r->running_count++] = *d;
}

static void submit(run *r, uint32_t request, uint32_t step) {
  assert_int_equal(feed_step(&r->f, request, step, 0, OPS), HD_OK);
  collect(r);
}

/* Two steps each, so that a request always has one waiting: a share is a promise to those who want it all the
 * time. */
static void submit_both(run *r, uint32_t request) {
  submit(r, request, request);
  submit(r, request, request + REQUESTS);
}

static void begin(run *r, uint32_t request, hd_class class_id) {
  assert_int_equal(feed_request(&r->f, request, class_id), HD_OK);
  r->last_ns[request] = r->f.now_ns;
  submit_both(r, request);
}

/* The oldest launch ends, after `percent` of what its ops should take; its request submits again when it is
 * through. */
static uint32_t end_one(run *r, uint32_t percent) {
  hd_record launch = r->running[0];
  hd_run_fields fields = hd_record_unpack_run(launch.a);
  uint64_t elapsed_ns = (uint64_t)(fields.op_end - fields.op_begin) * OP_NS * percent / 100;
  uint32_t request = launch.request;
  uint64_t waited_ns = r->f.now_ns - r->last_ns[request];
  if (waited_ns > r->longest_wait_ns[request]) r->longest_wait_ns[request] = waited_ns;
  memmove(r->running, r->running + 1, --r->running_count * sizeof *r->running);
  r->f.now_ns += elapsed_ns;
  r->last_ns[request] = r->f.now_ns;
  r->device_ns[request] += elapsed_ns;
  assert_int_equal(feed_done(&r->f, launch.step, 0, fields.op_end, HD_OK, elapsed_ns), HD_OK);
  collect(r);
  if (feed_count(&r->f, HD_DE_COMPLETE) > 0 && request != r->silent) submit(r, request, launch.step);
  return request;
}

static void assert_near(uint64_t value, uint64_t wanted, uint32_t percent) {
  assert_in_range(value, wanted * (100 - percent) / 100, wanted * (100 + percent) / 100);
}

static void equals_get_equal_shares(void **state) {
  (void)state;
  run r;
  start(&r, "fair");
  for (uint32_t request = 1; request <= 4; request++)
    begin(&r, request, HD_CLASS_DEFAULT);
  for (uint32_t i = 0; i < 20000; i++)
    end_one(&r, 100);
  for (uint32_t request = 1; request <= 4; request++)
    assert_near(r.device_ns[request] * 4, r.f.now_ns, 2);
  feed_finish(&r.f);
}

static void classes_get_shares_by_their_weights(void **state) {
  (void)state;
  run r;
  hd_control_config config;
  uint64_t sum = 0;
  start(&r, "fair");
  hd_control_config_default(&config);
  for (uint32_t c = 0; c < HD_CLASS_COUNT; c++) {
    begin(&r, c + 1, (hd_class)c);
    sum += config.classes[c].weight;
  }
  for (uint32_t i = 0; i < 50000; i++)
    end_one(&r, 100);
  for (uint32_t c = 0; c < HD_CLASS_COUNT; c++)
    assert_near(r.device_ns[c + 1] * sum, r.f.now_ns * config.classes[c].weight, 3);
  feed_finish(&r.f);
}

/* fifo serves slices in turn; if it passed the test above, that test would prove nothing. */
static void fifo_does_not_know_weights(void **state) {
  (void)state;
  run r;
  start(&r, "fifo");
  begin(&r, 1, HD_CLASS_INITIATED);
  begin(&r, 2, HD_CLASS_BACKGROUND);
  for (uint32_t i = 0; i < 5000; i++)
    end_one(&r, 100);
  assert_in_range(r.device_ns[1], r.device_ns[2], r.device_ns[2] * 3);
  feed_finish(&r.f);
}

static void what_launches_really_take_is_what_counts(void **state) {
  (void)state;
  run r;
  start(&r, "fair");
  begin(&r, 1, HD_CLASS_DEFAULT);
  begin(&r, 2, HD_CLASS_DEFAULT);
  for (uint32_t i = 0; i < 20000; i++)
    end_one(&r, r.running[0].request == 1 ? 300 : 80); /* one is far slower than it says */
  assert_near(r.device_ns[1], r.device_ns[2], 3);
  feed_finish(&r.f);
}

static void background_never_starves(void **state) {
  (void)state;
  run r;
  start(&r, "fair");
  begin(&r, 1, HD_CLASS_BACKGROUND);
  for (uint32_t request = 2; request <= 7; request++)
    begin(&r, request, HD_CLASS_INTERACTIVE);
  for (uint32_t i = 0; i < 20000; i++)
    end_one(&r, 100);
  /* Its slice is 2 ms, and it has a share of 1 in 97: it comes back after 194 ms, plus a slice of the others.
   */
  assert_in_range(r.longest_wait_ns[1], 1, 220000000);
  assert_near(r.device_ns[1] * 97, r.f.now_ns, 5);
  feed_finish(&r.f);
}

static void who_was_idle_has_saved_nothing_up(void **state) {
  (void)state;
  run r;
  start(&r, "fair");
  begin(&r, 1, HD_CLASS_DEFAULT);
  begin(&r, 2, HD_CLASS_DEFAULT);
  r.silent = 2;
  for (uint32_t i = 0; i < 5000; i++)
    end_one(&r, 100);
  assert_true(r.device_ns[2] < r.device_ns[1] / 10); /* it fell silent long ago */
  r.device_ns[2] = 0;
  r.silent = 0;
  submit_both(&r, 2);
  uint64_t before_ns = r.device_ns[1];
  for (uint32_t i = 0; i < 1000; i++)
    end_one(&r, 100);
  assert_near(r.device_ns[1] - before_ns, r.device_ns[2], 2);
  feed_finish(&r.f);
}

static void a_request_in_a_used_slot_begins_where_the_others_are(void **state) {
  (void)state;
  run r;
  start(&r, "fair");
  begin(&r, 1, HD_CLASS_DEFAULT);
  begin(&r, 2, HD_CLASS_DEFAULT);
  for (uint32_t i = 0; i < 3000; i++)
    end_one(&r, 100);
  feed_cancel(&r.f, 2);
  while (r.running[0].request == 2) { /* its launch in flight comes back */
    uint32_t step = r.running[0].step;
    uint16_t reached = hd_record_unpack_run(r.running[0].a).op_end;
    r.running_count = 0;
    feed_done(&r.f, step, 0, reached, HD_OK, 1);
    collect(&r);
  }
  assert_int_equal(feed_end(&r.f, 2), HD_OK);
  /* The same slot, another request: it neither inherits a debt nor has anything saved up. */
  uint32_t again = 2 | 1u << HD_ID_SLOT_BITS;
  uint64_t first_ns = r.device_ns[1], second_ns = 0;
  assert_int_equal(feed_request(&r.f, again, HD_CLASS_DEFAULT), HD_OK);
  submit(&r, again, 2);
  for (uint32_t i = 0; i < 90; i++) { /* fewer launches than complete its step */
    if (r.running[0].request == 1) {
      end_one(&r, 100);
      continue;
    }
    hd_run_fields fields = hd_record_unpack_run(r.running[0].a);
    uint64_t elapsed_ns = (uint64_t)(fields.op_end - fields.op_begin) * OP_NS;
    second_ns += elapsed_ns;
    r.f.now_ns += elapsed_ns;
    r.running_count = 0;
    feed_done(&r.f, 2, 0, fields.op_end, HD_OK, elapsed_ns);
    assert_int_equal(feed_count(&r.f, HD_DE_COMPLETE), 0);
    collect(&r);
  }
  assert_near(r.device_ns[1] - first_ns, second_ns, 10);
  feed_finish(&r.f);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(equals_get_equal_shares),
      cmocka_unit_test(classes_get_shares_by_their_weights),
      cmocka_unit_test(fifo_does_not_know_weights),
      cmocka_unit_test(what_launches_really_take_is_what_counts),
      cmocka_unit_test(background_never_starves),
      cmocka_unit_test(who_was_idle_has_saved_nothing_up),
      cmocka_unit_test(a_request_in_a_used_slot_begins_where_the_others_are),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
