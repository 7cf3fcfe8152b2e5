/* SPDX-License-Identifier: Apache-2.0 */
/* Promises: how launches come and go: limits, cancelling, stopping, failing. */
#include "conformance.h"
#include <string.h>

#define MANY 32u

static void launches_beyond_the_limit_are_busy_and_all_others_complete_once(void **state) {
  fixture *f = *state;
  const uint32_t limit = f->props.max_in_flight;
  model m;
  session sessions[MANY], expected;
  assert_true(limit < MANY);
  model_make(&m, HD_FORMAT_Q8_0, HD_FORMAT_F16, 3);
  hd_program *program = conformance_prepare(f, 0, &m, 0, m.op_count);
  session_make(&expected, &m, 5);
  session_launch(&expected, NULL, 0, 0, m.op_count, 2, 1, 0);
  session_run_portable(&expected);
  for (uint32_t i = 0; i <= limit; i++)
    session_make(&sessions[i], &m, 5);
  for (uint32_t round = 0; round < 3; round++) {
    bool completed[MANY] = {false};
    for (uint32_t i = 0; i <= limit; i++) {
      const hd_launch *launch =
          session_launch(&sessions[i], program, 100 * round + i + 1, 0, m.op_count, 2, 1, 0);
      assert_int_equal(f->ops->submit(f->backend, 0, launch), i < limit ? HD_OK : HD_E_AGAIN);
    }
    for (uint32_t i = 0; i < limit; i++) {
      hd_completion c = lender_await(&f->lender, f->ops, f->backend, 0);
      uint32_t which = c.launch_id - 100 * round - 1;
      assert_true(which < limit && !completed[which]);
      assert_int_equal(c.status, HD_OK);
      completed[which] = true;
      conformance_expect_alike(f, &sessions[which], &expected);
    }
    conformance_expect_nothing_ready(f, 0);
  }
  f->ops->release(f->backend, 0, program);
  for (uint32_t i = 0; i <= limit; i++)
    session_free(&sessions[i]);
  session_free(&expected);
  model_free(&m);
}

static void a_poll_writes_no_more_than_it_has_room_for(void **state) {
  fixture *f = *state;
  model m;
  session sessions[MANY];
  const uint32_t limit = f->props.max_in_flight;
  model_make(&m, HD_FORMAT_F32, HD_FORMAT_F16, 3);
  hd_program *program = conformance_prepare(f, 0, &m, 0, 1);
  for (uint32_t i = 0; i < limit; i++) {
    session_make(&sessions[i], &m, 5);
    assert_int_equal(
        f->ops->submit(f->backend, 0, session_launch(&sessions[i], program, i + 1, 0, 1, 1, 0, 0)), HD_OK);
  }
  hd_completion c[2] = {{0}, {.launch_id = 4242}};
  uint32_t left = limit, count = 0;
  uint64_t next_ns = 0;
  f->ops->poll(f->backend, 0, UINT64_MAX - 1, c, 0, &count, &next_ns);
  assert_int_equal(count, 0);
  while (left > 0) {
    f->ops->poll(f->backend, 0, UINT64_MAX - 1, c, 1, &count, &next_ns);
    assert_in_range(count, 0, 1);
    assert_int_equal(c[1].launch_id, 4242);
    left -= count;
  }
  f->ops->release(f->backend, 0, program);
  for (uint32_t i = 0; i < limit; i++)
    session_free(&sessions[i]);
  model_free(&m);
}

static void a_refusing_executor_is_busy_or_no_matter(void **state) {
  fixture *f = *state;
  model m;
  session s;
  model_make(&m, HD_FORMAT_F32, HD_FORMAT_F16, 3);
  session_make(&s, &m, 5);
  hd_program *program = conformance_prepare(f, 0, &m, 0, m.op_count);
  const hd_launch *launch = session_launch(&s, program, 1, 0, m.op_count, 2, 1, 0);
  f->lender.refuse_next = 1;
  hd_status status = f->ops->submit(f->backend, 0, launch);
  if (status == HD_E_AGAIN) {
    conformance_expect_nothing_ready(f, 0);
    status = f->ops->submit(f->backend, 0, launch);
  }
  assert_int_equal(status, HD_OK);
  assert_int_equal(lender_await(&f->lender, f->ops, f->backend, 0).launch_id, 1);
  f->ops->release(f->backend, 0, program);
  session_free(&s);
  model_free(&m);
}

static void cancelled_launches_complete_once_and_unknown_ids_are_ignored(void **state) {
  fixture *f = *state;
  model m;
  session s, expected;
  model_make(&m, HD_FORMAT_Q6_K, HD_FORMAT_F16, 3);
  session_make(&s, &m, 5);
  session_make(&expected, &m, 5);
  session_launch(&expected, NULL, 1, 0, m.op_count, 3, 1, 0);
  session_run_portable(&expected);
  hd_program *program = conformance_prepare(f, 0, &m, 0, m.op_count);
  f->ops->cancel(f->backend, 0, 1);
  for (uint32_t id = 1; id <= 20; id++) {
    const hd_launch *launch = session_launch(&s, program, id, 0, m.op_count, 3, 1, 0);
    assert_int_equal(f->ops->submit(f->backend, 0, launch), HD_OK);
    f->ops->cancel(f->backend, 0, id + 1000);
    f->ops->cancel(f->backend, 0, id);
    f->ops->cancel(f->backend, 0, id);
    hd_completion c = lender_await(&f->lender, f->ops, f->backend, 0);
    assert_int_equal(c.launch_id, id);
    assert_true(c.status == HD_OK || c.status == HD_E_CANCELLED);
    assert_true(c.op_reached <= launch->op_end);
    if (c.status == HD_OK) assert_int_equal(c.op_reached, launch->op_end);
    f->ops->cancel(f->backend, 0, id);
    conformance_expect_nothing_ready(f, 0);
  }
  conformance_run_whole(f, 0, session_launch(&s, program, 99, 0, m.op_count, 3, 1, 0)); /* as good as new */
  conformance_expect_alike(f, &s, &expected);
  f->ops->release(f->backend, 0, program);
  session_free(&s);
  session_free(&expected);
  model_free(&m);
}

/* Sets the stop flag at some moment. */
typedef struct stopper {
  atomic_uint *stop;
  uint32_t spins;
} stopper;
static void *set_stop(void *arg) {
  stopper *s = arg;
  for (volatile uint32_t i = 0; i < s->spins; i++)
    ;
  atomic_store(s->stop, 1);
  return NULL;
}

static void a_stopped_launch_goes_on_from_where_it_says(void **state) {
  fixture *f = *state;
  model m;
  session expected;
  sample_rng rng = {11};
  bool stops = (f->props.flags & HD_DEVICE_STOPS_AT_OP) != 0;
  model_make(&m, HD_FORMAT_Q4_K, HD_FORMAT_F32, 3);
  session_make(&expected, &m, 5);
  hd_program *program = conformance_prepare(f, 0, &m, 0, m.op_count);
  conformance_run_whole(f, 0, session_launch(&expected, program, 1, 0, m.op_count, 3, 1, 0));
  for (uint32_t round = 0; round < 12; round++) {
    session s;
    session_make(&s, &m, 5);
    uint32_t begin = 0, id = 1;
    while (begin < m.op_count) {
      const hd_launch *launch = session_launch(&s, program, id++, begin, m.op_count, 3, 1, 0);
      stopper by = {&s.stop, sample_below(&rng, 2000000)};
      pthread_t thread;
      bool at_once = round == 0 && begin == 0;
      atomic_store(&s.stop, at_once);
      assert_int_equal(pthread_create(&thread, NULL, set_stop, &by), 0);
      hd_completion c = conformance_run(f, 0, launch);
      pthread_join(thread, NULL);
      assert_int_equal(c.status, HD_OK);
      assert_in_range(c.op_reached, stops ? begin : m.op_count, m.op_count);
      if (at_once && stops) assert_int_equal(c.op_reached, 0);
      begin = c.op_reached;
      if (begin > 0 && begin < m.op_count) session_poison(&s, begin, m.op_count);
      if (id > 6 && begin < m.op_count) { /* enough: to the end now */
        atomic_store(&s.stop, 0);
        conformance_run_whole(f, 0, session_launch(&s, program, id++, begin, m.op_count, 3, 1, 0));
        begin = m.op_count;
      }
    }
    if (f->row->computes) session_expect_same(&s, &expected);
    session_free(&s);
  }
  f->ops->release(f->backend, 0, program);
  session_free(&expected);
  model_free(&m);
}

/* ---- failure on command ---- */

static void a_failed_launch_leaves_everything_as_it_was_and_can_run_again(void **state) {
  fixture *f = *state;
  model m;
  session s, before, expected;
  if (!f->row->fails_once) return; /* it cannot fail on command */
  f->ops->close(f->backend);
  conformance_open(f, f->row->fails_once);
  model_make(&m, HD_FORMAT_Q5_0, HD_FORMAT_F16, 3);
  session_make(&s, &m, 5);
  session_make(&before, &m, 5);
  session_make(&expected, &m, 5);
  session_launch(&expected, NULL, 1, 0, m.op_count, 3, 1, 0);
  session_run_portable(&expected);
  hd_program *program = conformance_prepare(f, 0, &m, 0, m.op_count);
  hd_completion c = conformance_run(f, 0, session_launch(&s, program, 1, 0, m.op_count, 3, 1, 0));
  assert_int_equal(c.status, HD_E_DEVICE);
  assert_int_equal(c.op_reached, 0);
  session_expect_same(&s, &before);
  assert_memory_equal(s.arena, before.arena, s.arena_bytes);
  conformance_run_whole(f, 0, session_launch(&s, program, 2, 0, m.op_count, 3, 1, 0));
  conformance_expect_alike(f, &s, &expected);
  f->ops->release(f->backend, 0, program);
  session_free(&s);
  session_free(&before);
  session_free(&expected);
  model_free(&m);
}

const promise promises_flying[] = {
    PROMISE(launches_beyond_the_limit_are_busy_and_all_others_complete_once),
    PROMISE(a_poll_writes_no_more_than_it_has_room_for),
    PROMISE(a_refusing_executor_is_busy_or_no_matter),
    PROMISE(cancelled_launches_complete_once_and_unknown_ids_are_ignored),
    PROMISE(a_stopped_launch_goes_on_from_where_it_says),
    PROMISE(a_failed_launch_leaves_everything_as_it_was_and_can_run_again),
    {NULL, NULL},
};
