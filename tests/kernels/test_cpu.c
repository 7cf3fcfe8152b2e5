/* SPDX-License-Identifier: Apache-2.0 */
/* The cpu backend by itself, on two threads lent by the test: options, probe, a launch, stop, cancel, close.
 * What every backend must do is held by the conformance suite. */
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <cmocka.h>
#include "cpu/backend.h"
#include "cpu/tiers.h"
#include "op_case.h"

enum { WORKERS = 2 };

/* Lends a fresh thread for each execute() and each share of parallel(). */
typedef struct lent_threads {
  hd_host host;
  hd_backend_host lent;
  atomic_uint bells;
  pthread_t thread;
  bool started;
  void (*fn)(void *arg);
  void *arg;
} lent_threads;

typedef struct fork_join {
  atomic_uint next;
  uint32_t parts;
  void (*fn)(void *arg, uint32_t part);
  void *arg;
} fork_join;

static uint64_t now_ns(void *ctx) {
  struct timespec ts;
  (void)ctx;
  clock_gettime(CLOCK_MONOTONIC, &ts);
  return (uint64_t)ts.tv_sec * 1000000000u + (uint64_t)ts.tv_nsec;
}

static void *thread_main(void *arg) {
  lent_threads *t = arg;
  t->fn(t->arg);
  return NULL;
}

static hd_status execute(void *ctx, void (*fn)(void *arg), void *arg) {
  lent_threads *t = ctx;
  if (t->started) return HD_E_AGAIN;
  t->fn = fn;
  t->arg = arg;
  t->started = pthread_create(&t->thread, NULL, thread_main, t) == 0;
  return t->started ? HD_OK : HD_E_CLOSED;
}

static void *take_parts(void *arg) {
  fork_join *join = arg;
  for (uint32_t part; (part = atomic_fetch_add(&join->next, 1)) < join->parts;)
    join->fn(join->arg, part);
  return NULL;
}

static void parallel(void *ctx, uint32_t width, uint32_t parts, void (*fn)(void *arg, uint32_t part),
                     void *arg) {
  fork_join join = {0, parts, fn, arg};
  pthread_t helper;
  (void)ctx;
  bool helped = width > 1 && pthread_create(&helper, NULL, take_parts, &join) == 0;
  take_parts(&join);
  if (helped) pthread_join(helper, NULL);
}

static void wake(void *ctx) {
  lent_threads *t = ctx;
  atomic_fetch_add(&t->bells, 1);
}

static void lend(lent_threads *t) {
  memset(t, 0, sizeof *t);
  t->host = sample_host();
  t->host.now_ns = now_ns;
  t->lent = (hd_backend_host){sizeof t->lent, &t->host, t, WORKERS, execute, parallel, wake};
}

/* Polls until one completion comes. */
static hd_completion await(lent_threads *t, void *backend) {
  hd_completion completion;
  uint32_t count = 0;
  uint64_t next_ns;
  while (count == 0)
    hdb_backend_cpu.poll(backend, 0, 0, &completion, 1, &count, &next_ns);
  assert_true(next_ns == HD_POLL_NEVER);
  pthread_join(t->thread, NULL);
  t->started = false;
  assert_int_equal(atomic_load(&t->bells), 1);
  atomic_store(&t->bells, 0);
  return completion;
}

/* A matmul large enough to be cut. */
static hd_value begin_matmul(op_case *c) {
  case_begin(c, 4, 3, 1, 0);
  hd_value x = case_input(c, 512), w = case_weight(c, HD_FORMAT_Q4_K, 700, 512);
  case_finish(c, (hd_op){.kind = HD_OP_MATMUL, .in = {x, w}}, case_output(c, HD_ROWS_TOKENS, 700));
  c->launch.op_begin = c->op_index;
  c->launch.op_end = c->op_index + 1;
  c->launch.id = 77;
  c->launch.width = WORKERS;
  return c->out;
}

static void a_launch_gives_what_the_ops_give_and_tells_its_cost(void **state) {
  (void)state;
  const hd_backend_ops *ops = &hdb_backend_cpu;
  lent_threads t;
  op_case c;
  void *backend;
  hd_program *program;
  lend(&t);
  hd_value out = begin_matmul(&c);
  assert_int_equal(ops->open(&t.lent, "tier=c", &backend, NULL), HD_OK);
  assert_int_equal(ops->prepare(backend, 0, c.graph, c.op_index, c.op_index + 1, c.values, &program), HD_OK);
  c.launch.program = program;
  assert_int_equal(ops->submit(backend, 0, &c.launch), HD_OK);
  hd_completion done = await(&t, backend);
  assert_int_equal(done.launch_id, 77);
  assert_int_equal(done.status, HD_OK);
  assert_int_equal(done.op_reached, c.launch.op_end);
  assert_true(done.elapsed_ns > 0);
  assert_int_equal(done.energy_source, HD_ENERGY_MODELLED);
  size_t bytes = case_bytes(&c, out);
  void *got = sample_alloc(bytes);
  memcpy(got, c.values[out], bytes);
  case_run(&c);
  assert_memory_equal(got, c.values[out], bytes);
  free(got);
  ops->release(backend, 0, program);
  ops->close(backend);
  case_end(&c);
}

/* One token at depth: both threads take spans of its positions, which are then merged. */
static void a_token_at_depth_is_shared_out_and_gives_the_same(void **state) {
  (void)state;
  const hd_backend_ops *ops = &hdb_backend_cpu;
  lent_threads t;
  op_case c;
  void *backend;
  hd_program *program;
  lend(&t);
  case_begin(&c, 9, 1, 1, 1500);
  hd_value q = case_input(&c, 6 * 64), k = case_kv(&c, HD_FORMAT_F16, HD_KV_TURNED, 2 * 64);
  hd_value v = case_kv(&c, HD_FORMAT_F16, HD_KV_ROWS, 2 * 64);
  hd_op op = {.kind = HD_OP_ATTENTION, .in = {q, k, v}, .u.attention = {6, 2, 64, 0.125f}};
  case_finish(&c, op, case_output(&c, HD_ROWS_TOKENS, 6 * 64));
  c.launch.op_begin = c.op_index;
  c.launch.op_end = c.op_index + 1;
  c.launch.width = WORKERS;
  assert_int_equal(ops->open(&t.lent, NULL, &backend, NULL), HD_OK);
  assert_int_equal(ops->prepare(backend, 0, c.graph, c.op_index, c.op_index + 1, c.values, &program), HD_OK);
  c.launch.program = program;
  assert_int_equal(ops->submit(backend, 0, &c.launch), HD_OK);
  assert_int_equal(await(&t, backend).status, HD_OK);
  size_t bytes = case_bytes(&c, c.out);
  void *got = sample_alloc(bytes);
  memcpy(got, c.values[c.out], bytes);
  case_run(&c);
  assert_memory_equal(got, c.values[c.out], bytes);
  free(got);
  ops->release(backend, 0, program);
  ops->close(backend);
  case_end(&c);
}

static void a_launch_told_to_stop_reaches_no_op(void **state) {
  (void)state;
  const hd_backend_ops *ops = &hdb_backend_cpu;
  lent_threads t;
  op_case c;
  void *backend;
  atomic_uint stop = 1;
  lend(&t);
  begin_matmul(&c);
  c.launch.stop = &stop;
  assert_int_equal(ops->open(&t.lent, NULL, &backend, NULL), HD_OK);
  assert_int_equal(ops->submit(backend, 0, &c.launch), HD_OK);
  ops->cancel(backend, 0, 78); /* unknown: ignored */
  hd_completion done = await(&t, backend);
  assert_int_equal(done.status, HD_OK);
  assert_int_equal(done.op_reached, c.launch.op_begin);
  ops->close(backend);
  case_end(&c);
}

static void a_full_device_says_again(void **state) {
  (void)state;
  const hd_backend_ops *ops = &hdb_backend_cpu;
  lent_threads t;
  op_case c;
  void *backend;
  lend(&t);
  begin_matmul(&c);
  assert_int_equal(ops->open(&t.lent, NULL, &backend, NULL), HD_OK);
  t.started = true; /* no thread to be had */
  for (int i = 0; i < 3 * WORKERS; i++)
    assert_int_equal(ops->submit(backend, 0, &c.launch), HD_E_AGAIN);
  t.started = false;
  assert_int_equal(ops->submit(backend, 0, &c.launch), HD_OK);
  assert_int_equal(await(&t, backend).status, HD_OK);
  ops->close(backend);
  case_end(&c);
}

static void the_device_describes_itself(void **state) {
  (void)state;
  const hd_backend_ops *ops = &hdb_backend_cpu;
  lent_threads t;
  void *backend;
  hd_device_props props;
  lend(&t);
  assert_int_equal(ops->open(&t.lent, "", &backend, NULL), HD_OK);
  assert_int_equal(ops->probe(backend, 0, &props), HD_OK);
  assert_string_equal(props.name, "cpu");
  assert_int_equal(props.capacity, WORKERS);
  assert_int_equal(props.max_in_flight, WORKERS);
  assert_true(props.flags & HD_DEVICE_STOPS_AT_OP);
  assert_non_null(strstr(props.description, hdi_tier_name(hdi_tier_best(NULL))));
  assert_int_equal(ops->probe(backend, 1, &props), HD_E_NOT_FOUND);
  print_message("%s\n", props.description);
  ops->close(backend);
}

static void unknown_options_are_named(void **state) {
  (void)state;
  static const struct {
    const char *text, *word;
    hd_status status;
  } wrong[] = {
    {"latency=5", "latency=5", HD_E_FORMAT},
    {"tier=c;x", "'x'", HD_E_FORMAT},
    {"tier=sse9", "'sse9'", HD_E_FORMAT},
    {"tier=", "''", HD_E_FORMAT},
    {"tier", "'tier'", HD_E_FORMAT},
    {"floats=f8", "'f8'", HD_E_FORMAT},
    {"floats=bf16x", "'bf16x'", HD_E_FORMAT},
#if defined(__x86_64__)
    {"tier=neon", "tier neon", HD_E_UNSUPPORTED},
#else
    {"tier=avx2", "tier avx2", HD_E_UNSUPPORTED},
#endif
  };
  lent_threads t;
  void *backend = NULL;
  lend(&t);
  for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
    hd_error error = {""};
    assert_int_equal(hdb_backend_cpu.open(&t.lent, wrong[i].text, &backend, &error), wrong[i].status);
    assert_null(backend);
    if (!strstr(error.text, wrong[i].word)) fail_msg("'%s' does not say %s", error.text, wrong[i].word);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(a_launch_gives_what_the_ops_give_and_tells_its_cost),
      cmocka_unit_test(a_token_at_depth_is_shared_out_and_gives_the_same),
      cmocka_unit_test(a_launch_told_to_stop_reaches_no_op),
      cmocka_unit_test(a_full_device_says_again),
      cmocka_unit_test(the_device_describes_itself),
      cmocka_unit_test(unknown_options_are_named),
  };
  return cmocka_run_group_tests_name("cpu", tests, NULL, NULL);
}
