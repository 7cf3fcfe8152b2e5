/* SPDX-License-Identifier: Apache-2.0 */
/* A runtime that is refused something: each allocation, descriptor, thread and mapping, one after the other.
 * It answers with a clean status, keeps nothing, and does its work when it is asked again. */
#include "fixture.h"

#include "check_host.h"
#include "heddle/dag.h"
#include "refused_calls.h"

#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* ---- all that a runtime does, once ---- */

typedef struct day {
  const hd_host *host;
  hd_runtime *runtime;
  hd_event woken, posted;
  hd_task task;
  int pipe[2];
  atomic_uint nodes, parts, over;
  hd_status status; /* the first that is not HD_OK */
} day;

static void set_event(void *arg) {
  hd_event_set(arg);
}

static void wake_later(void *arg) {
  hd_coro_yield();
  hd_event_set(arg);
}

static void count_node(void *arg) {
  atomic_fetch_add((atomic_uint *)arg, 1);
}

static void count_part(void *arg, uint32_t part) {
  (void)part;
  atomic_fetch_add((atomic_uint *)arg, 1);
}

static hd_status run_graph(day *d) {
  hd_dag *dag = NULL;
  hd_status status = hd_dag_create(d->host, 4, 4, &dag);
  if (status != HD_OK) return status;
  for (uint32_t i = 0; i < 3; i++) {
    assert_int_equal(hd_dag_add(dag, count_node, &d->nodes, NULL), HD_OK);
  }
  assert_int_equal(hd_dag_edge(dag, 0, 1), HD_OK);
  assert_int_equal(hd_dag_edge(dag, 0, 2), HD_OK);
  assert_int_equal(hd_dag_seal(dag), HD_OK);
  status = hd_dag_run(dag, d->runtime);
  hd_dag_destroy(dag);
  return status;
}

static hd_status await_all(day *d) {
  hd_status status = hd_coro_spawn(d->runtime, "waker", wake_later, &d->woken);
  if (status == HD_OK) status = hd_await_event(&d->woken);
  d->task = (hd_task){.fn = set_event, .arg = &d->posted};
  if (status == HD_OK) status = hd_runtime_post(d->runtime, &d->task);
  if (status == HD_OK) status = hd_await_event(&d->posted);
  if (status == HD_OK) status = hd_await_time(test_now() + 1000);
  if (status != HD_OK) return status;
  status = hd_await_fd(d->pipe[0], POLLIN, test_now() + 1000, NULL);
  return status == HD_E_TIMEOUT ? HD_OK : status;
}

static void live_a_day(void *arg) {
  day *d = arg;
  d->status = await_all(d);
  if (d->status == HD_OK) d->status = run_graph(d);
  hd_runtime_parallel(d->runtime, 3, 5, count_part, &d->parts);
  atomic_store(&d->over, 1);
}

/* `workers` as an uint32_t. HD_OK: everything was done. */
static hd_status whole_day(const hd_host *host, void *workers) {
  day d = {.host = host};
  hd_event_init(&d.woken);
  hd_event_init(&d.posted);
  hd_runtime_config config;
  hd_runtime_config_default(&config);
  config.worker_count = *(uint32_t *)workers;
  config.place_workers = true;
  hd_status status = hd_runtime_create(host, &config, &d.runtime);
  if (status != HD_OK) {
    assert_null(d.runtime);
    return status;
  }
  assert_int_equal(pipe2(d.pipe, O_NONBLOCK | O_CLOEXEC), 0);
  status = hd_coro_spawn(d.runtime, "day", live_a_day, &d);
  while (status == HD_OK && atomic_load(&d.over) == 0) {
    if (hd_runtime_dispatch(d.runtime, 0) == 0) sched_yield();
  }
  hd_runtime_destroy(d.runtime);
  (void)close(d.pipe[0]);
  (void)close(d.pipe[1]);
  if (status != HD_OK) return status;
  assert_int_equal(d.parts, 5);
  assert_int_equal(d.nodes, d.status == HD_OK ? 3 : 0);
  return d.status;
}

static void every_allocation_may_fail(void **state) {
  (void)state;
  for (uint32_t workers = 0; workers <= 2; workers++) {
    assert_true(check_every_allocation(whole_day, &workers) >= 4);
  }
}

/* ---- the kernel says no ---- */

static void every_thread_may_be_refused(void **state) {
  (void)state;
  for (uint32_t workers = 1; workers <= 4; workers++) {
    hd_host host = test_host();
    assert_int_equal(refused_each(REFUSED_THREAD, HD_E_IO, whole_day, &host, &workers), workers);
  }
}

static void every_mapping_and_guard_of_a_stack_may_be_refused(void **state) {
  (void)state;
  for (uint32_t workers = 0; workers <= 2; workers++) {
    hd_host host = test_host();
    assert_true(refused_each(REFUSED_MAPPING, HD_E_NO_MEMORY, whole_day, &host, &workers) >= 1);
    (void)refused_each(REFUSED_GUARD, HD_E_NO_MEMORY, whole_day, &host, &workers);
  }
}

static void every_descriptor_may_be_refused(void **state) {
  (void)state;
  for (uint32_t workers = 0; workers <= 2; workers++) {
    hd_host host = test_host();
    assert_true(refused_each(REFUSED_DESCRIPTOR, HD_E_IO, whole_day, &host, &workers) >= 2);
  }
}

/* The same as the kernel does it, with a table of descriptors that is full. */
static void a_full_table_of_descriptors_is_reported_until_there_is_room(void **state) {
  (void)state;
  for (uint32_t workers = 0; workers <= 2; workers++) {
    hd_host host = test_host();
    hd_runtime_config config;
    hd_runtime_config_default(&config);
    config.worker_count = workers;
    hd_status status = HD_E_IO;
    for (unsigned room = 0; status != HD_OK; room++) {
      hd_runtime *runtime = NULL;
      assert_true(room <= 3 * (workers + 1));
      unsigned before = refused_open_descriptors();
      refused_leave_descriptors(room);
      status = hd_runtime_create(&host, &config, &runtime);
      refused_leave_descriptors(UINT32_MAX);
      if (status != HD_OK) {
        assert_int_equal(status, HD_E_IO);
        assert_null(runtime);
        assert_int_equal(refused_open_descriptors(), before);
      }
      hd_runtime_destroy(runtime);
      assert_int_equal(refused_open_descriptors(), before);
    }
  }
}

typedef struct reader {
  int fd;
  hd_status status;
} reader;

static void read_byte(void *arg) {
  reader *r = arg;
  r->status = hd_await_fd(r->fd, POLLIN, UINT64_MAX, NULL);
}

/* The second to wait for a descriptor needs another one of its own. */
static void a_second_wait_for_a_descriptor_needs_room_for_one_more(void **state) {
  (void)state;
  hd_runtime *runtime = make_runtime(0, 4);
  int ends[2];
  assert_int_equal(pipe(ends), 0);
  reader first = {ends[0], HD_E_INTERNAL}, second = first, third = first;
  spawn(runtime, "first", read_byte, &first);
  (void)hd_runtime_dispatch(runtime, 0);
  refused_leave_descriptors(0);
  spawn(runtime, "second", read_byte, &second);
  (void)hd_runtime_dispatch(runtime, 0);
  refused_leave_descriptors(UINT32_MAX);
  assert_int_equal(second.status, HD_E_IO);
  assert_int_equal(first.status, HD_E_INTERNAL); /* waits on */
  spawn(runtime, "third", read_byte, &third);
  (void)hd_runtime_dispatch(runtime, 0);
  assert_int_equal(third.status, HD_E_INTERNAL);
  assert_int_equal(write(ends[1], "x", 1), 1);
  dispatch_all(runtime);
  assert_int_equal(first.status, HD_OK);
  assert_int_equal(third.status, HD_OK);
  hd_runtime_destroy(runtime);
  (void)close(ends[0]);
  (void)close(ends[1]);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(every_allocation_may_fail),
      cmocka_unit_test(every_thread_may_be_refused),
      cmocka_unit_test(every_mapping_and_guard_of_a_stack_may_be_refused),
      cmocka_unit_test(every_descriptor_may_be_refused),
      cmocka_unit_test(a_full_table_of_descriptors_is_reported_until_there_is_room),
      cmocka_unit_test(a_second_wait_for_a_descriptor_needs_room_for_one_more),
  };
  return cmocka_run_group_tests_name("runtime/refusals", tests, NULL, NULL);
}
