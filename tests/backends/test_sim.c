/* SPDX-License-Identifier: Apache-2.0 */
/* The sim backend keeps the promises of its options: costs to the nanosecond, failures to the launch. The
 * clock moves only by the test's hand and work is done inside submit. */
#include "conformance.h"
#include <stdlib.h>
#include <string.h>

static const row exact = {"sim", NULL, true, 0, NULL};

typedef struct bench {
  fixture f;
  model m;
  session s, expected;
  hd_program *program;
} bench;

static int setup(void **state) {
  bench *b = calloc(1, sizeof *b);
  if (!b) return -1;
  b->f.row = &exact;
  b->f.ops = conformance_find("sim");
  lender_open(&b->f.lender, 0);
  model_make(&b->m, HD_FORMAT_Q8_0, HD_FORMAT_F16, 3);
  session_make(&b->s, &b->m, 5);
  session_make(&b->expected, &b->m, 5);
  session_launch(&b->expected, NULL, 1, 0, b->m.op_count, 4, 2, 0);
  session_run_portable(&b->expected);
  *state = b;
  return 0;
}

static void close_device(bench *b) {
  b->f.ops->release(b->f.backend, 0, b->program);
  b->f.ops->close(b->f.backend);
  b->f.backend = NULL;
}

static int teardown(void **state) {
  bench *b = *state;
  if (b->f.backend) close_device(b);
  lender_close(&b->f.lender);
  session_free(&b->s);
  session_free(&b->expected);
  model_free(&b->m);
  free(b);
  return 0;
}

static void open_device(bench *b, const char *options) {
  if (b->f.backend) close_device(b);
  conformance_open(&b->f, options);
  b->program = conformance_prepare(&b->f, 0, &b->m, 0, b->m.op_count);
}

static const hd_launch *whole(bench *b, uint32_t id) {
  return session_launch(&b->s, b->program, id, 0, b->m.op_count, 4, 2, 0);
}

static void submit(bench *b, const hd_launch *launch) {
  assert_int_equal(b->f.ops->submit(b->f.backend, 0, launch), HD_OK);
}

static hd_completion await(bench *b) {
  return lender_await(&b->f.lender, b->f.ops, b->f.backend, 0);
}

static uint64_t now(const bench *b) {
  return atomic_load(&b->f.lender.now_ns);
}

/* Nothing is ready now; returns when to look again. */
static uint64_t look_again(bench *b) {
  hd_completion c;
  uint32_t count = 1;
  uint64_t next_ns = 0;
  b->f.ops->poll(b->f.backend, 0, now(b), &c, 1, &count, &next_ns);
  assert_int_equal(count, 0);
  return next_ns;
}

/* ---- time and energy ---- */

/* The roofline over again, with one number at a time. */
static uint64_t flops_of(const bench *b, uint32_t begin, uint32_t end, uint32_t tokens, uint32_t outputs,
                         uint64_t context) {
  uint64_t flops = 0;
  for (uint32_t i = begin; i < end; i++) {
    hd_op_cost c;
    hd_graph_op_cost(b->m.graph, i, &c);
    flops += (c.per_output ? outputs : tokens) * (c.flops_per_row + c.context_flops_per_row * context);
  }
  return flops;
}

static void a_launch_is_due_when_its_numbers_say(void **state) {
  bench *b = *state;
  const char *free_of_charge = "latency_us=7;ns_per_mib=0;ns_per_mflop=0;transfer_ns_per_mib=0";
  open_device(b, free_of_charge);
  uint64_t begin = now(b);
  submit(b, whole(b, 1));
  assert_int_equal(look_again(b), begin + 7000);
  atomic_store(&b->f.lender.now_ns, begin + 6999);
  assert_int_equal(look_again(b), begin + 7000);
  atomic_store(&b->f.lender.now_ns, begin + 7000);
  hd_completion c = await(b);
  assert_int_equal(now(b), begin + 7000);
  assert_int_equal(c.elapsed_ns, 7000);

  open_device(b, "latency_us=0;ns_per_mib=0;ns_per_mflop=1000000;transfer_ns_per_mib=0");
  submit(b, whole(b, 2)); /* 1 ns a flop */
  assert_int_equal(await(b).elapsed_ns, flops_of(b, 0, b->m.op_count, 4, 2, 4));

  open_device(b, "latency_us=0;ns_per_mib=1048576;ns_per_mflop=0;transfer_ns_per_mib=0");
  uint64_t bytes = 0; /* 1 ns a byte */
  for (uint32_t i = 0; i < b->m.op_count; i++) {
    hd_op_cost cost;
    hd_graph_op_cost(b->m.graph, i, &cost);
    bytes += cost.weight_bytes + 4 * cost.context_bytes_per_row;
  }
  submit(b, whole(b, 3));
  assert_int_equal(await(b).elapsed_ns, bytes);

  open_device(b, "latency_us=0;ns_per_mib=0;ns_per_mflop=0;transfer_ns_per_mib=1048576");
  submit(b, session_launch(&b->s, b->program, 4, 0, 1, 4, 2,
                           0)); /* the embedding leaves: 4 rows of 256 floats */
  assert_int_equal(await(b).elapsed_ns, 4 * 256 * 4);
}

static void lateness_and_jitter_come_on_top_and_repeat_by_seed(void **state) {
  bench *b = *state;
  uint64_t seen[3][8];
  const char *options[] = {
      "latency_us=1;ns_per_mib=0;ns_per_mflop=0;transfer_ns_per_mib=0;late_us=5;jitter_us=3;seed=9",
      "latency_us=1;ns_per_mib=0;ns_per_mflop=0;transfer_ns_per_mib=0;late_us=5;jitter_us=3;seed=9",
      "latency_us=1;ns_per_mib=0;ns_per_mflop=0;transfer_ns_per_mib=0;late_us=5;jitter_us=3;seed=8"};
  for (int o = 0; o < 3; o++) {
    open_device(b, options[o]);
    assert_int_equal(b->f.props.launch_ns, 1000); /* what it says of itself is not late */
    for (uint32_t i = 0; i < 8; i++) {
      submit(b, whole(b, i + 1));
      seen[o][i] = await(b).elapsed_ns;
      assert_in_range(seen[o][i], 6000, 9000);
    }
  }
  assert_memory_equal(seen[0], seen[1], sizeof seen[0]);
  assert_memory_not_equal(seen[0], seen[2], sizeof seen[0]);
  assert_int_not_equal(seen[0][0], seen[0][1]);
}

static void units_are_taken_in_turn(void **state) {
  bench *b = *state;
  session others[3];
  hd_launch const *launch;
  open_device(b,
              "latency_us=10;ns_per_mib=0;ns_per_mflop=0;transfer_ns_per_mib=0;capacity=2;max_in_flight=4");
  const uint32_t widths[] = {1, 1, 2};
  const uint64_t due[] = {10000, 10000, 20000}; /* two side by side, then one that needs both units */
  uint64_t begin = now(b);
  for (uint32_t i = 0; i < 3; i++) {
    session_make(&others[i], &b->m, 5);
    launch = session_launch(&others[i], b->program, i + 1, 0, 1, 1, 0, 0);
    others[i].launch.width = widths[i];
    submit(b, launch);
  }
  for (uint32_t i = 0; i < 3; i++) {
    hd_completion c = await(b);
    assert_int_equal(now(b), begin + due[i]);
    assert_int_equal(c.elapsed_ns, 10000);
  }
  for (uint32_t i = 0; i < 3; i++)
    session_free(&others[i]);
}

static void energy_is_modelled_from_power_width_and_time(void **state) {
  bench *b = *state;
  open_device(
      b, "latency_us=1000;ns_per_mib=0;ns_per_mflop=0;transfer_ns_per_mib=0;power_uw=3000000;capacity=2");
  const hd_launch *launch = whole(b, 1);
  b->s.launch.width = 2;
  submit(b, launch);
  hd_completion c = await(b);
  assert_int_equal(c.energy_uj, 6000); /* 2 units * 3 W * 1 ms */
  assert_int_equal(c.energy_source, HD_ENERGY_MODELLED);
  open_device(b, "power_uw=0");
  submit(b, whole(b, 2));
  c = await(b);
  assert_int_equal(c.energy_uj, 0);
  assert_int_equal(c.energy_source, HD_ENERGY_NONE);
}

/* ---- failures on command ---- */

static void expect_outcomes(bench *b, const char *options, const char *outcomes) {
  open_device(b, options);
  for (uint32_t i = 0; outcomes[i]; i++) {
    submit(b, whole(b, i + 1));
    hd_completion c = await(b);
    bool fails = outcomes[i] == 'F';
    assert_int_equal(c.launch_id, i + 1);
    assert_int_equal(c.status, fails ? HD_E_DEVICE : HD_OK);
    assert_int_equal(c.op_reached, fails ? 0 : b->m.op_count);
    if (!fails) session_expect_same(&b->s, &b->expected);
  }
}

static void launches_fail_where_they_are_told_to(void **state) {
  expect_outcomes(*state, "", "......");
  expect_outcomes(*state, "fail_after=3", "..FFFF");
  expect_outcomes(*state, "fail_every=3", "..F..F..F");
  expect_outcomes(*state, "fail_once=2", ".F....");
  expect_outcomes(*state, "fail_once=1;fail_every=4", "F..F...F");
}

static void a_failure_takes_its_time_too(void **state) {
  bench *b = *state;
  open_device(b, "latency_us=10;fail_once=1");
  uint64_t begin = now(b);
  submit(b, whole(b, 1));
  assert_true(look_again(b) >= begin + 10000 && look_again(b) != HD_POLL_NEVER);
  await(b);
}

static void a_hung_launch_ends_only_when_cancelled(void **state) {
  bench *b = *state;
  session before;
  open_device(b, "hang_after=2");
  submit(b, whole(b, 1));
  assert_int_equal(await(b).status, HD_OK);
  session_free(&b->s);
  session_make(&b->s, &b->m, 5);
  session_make(&before, &b->m, 5);
  submit(b, whole(b, 2));
  for (int i = 0; i < 10; i++) {
    assert_true(look_again(b) == HD_POLL_NEVER);
    atomic_fetch_add(&b->f.lender.now_ns, UINT64_C(1000000000));
  }
  b->f.ops->cancel(b->f.backend, 0, 2);
  hd_completion c = await(b);
  assert_int_equal(c.launch_id, 2);
  assert_int_equal(c.status, HD_E_CANCELLED);
  assert_int_equal(c.op_reached, 0);
  session_expect_same(&b->s, &before);
  session_free(&before);
}

static void submits_are_busy_where_they_are_told_to(void **state) {
  bench *b = *state;
  open_device(b, "busy_every=3");
  for (uint32_t i = 1; i <= 9; i++) {
    hd_status status = b->f.ops->submit(b->f.backend, 0, whole(b, i));
    assert_int_equal(status, i % 3 ? HD_OK : HD_E_AGAIN);
    if (status == HD_OK) await(b);
    assert_true(look_again(b) == HD_POLL_NEVER);
  }
}

static void lies_are_told_from_the_launch_on_that_was_named(void **state) {
  bench *b = *state;
  open_device(b, "lie=short;lie_after=2");
  submit(b, whole(b, 1));
  assert_int_equal(await(b).op_reached, b->m.op_count);
  submit(b, whole(b, 2));
  assert_int_equal(await(b).op_reached, b->m.op_count - 1);

  open_device(b, "lie=beyond");
  submit(b, whole(b, 1));
  assert_int_equal(await(b).op_reached, b->m.op_count + 1);

  open_device(b, "lie=unknown");
  submit(b, whole(b, 1));
  assert_int_not_equal(await(b).launch_id, 1);
  assert_int_equal(await(b).launch_id, 1);

  open_device(b, "lie=twice");
  submit(b, whole(b, 1));
  assert_int_equal(await(b).launch_id, 1);
  assert_int_equal(await(b).launch_id, 1);
  assert_true(look_again(b) == HD_POLL_NEVER);
}

/* ---- what the device is ---- */

static void ops_and_cuts_that_it_cannot_do_are_refused(void **state) {
  bench *b = *state;
  uint32_t count = 0, refused = 0;
  const hd_op *ops = hd_graph_ops(b->m.graph, &count);
  conformance_open(&b->f, "without=attention");
  for (uint32_t i = 0; i < count; i++) {
    hd_status status = b->f.ops->test(b->f.backend, 0, b->m.graph, i);
    assert_int_equal(status, ops[i].kind == HD_OP_ATTENTION ? HD_E_UNSUPPORTED : HD_OK);
    refused += status != HD_OK;
  }
  assert_int_equal(refused, 2);
  assert_int_equal(b->f.ops->test(b->f.backend, 0, b->m.graph, count), HD_E_UNSUPPORTED);
  b->f.ops->close(b->f.backend);
  b->f.backend = NULL;

  open_device(b, "cut=layer");
  assert_int_equal(b->f.props.flags, HD_DEVICE_CUT_AT_LAYER);
  for (uint32_t cut = 1; cut < count; cut++) {
    bool border = ops[cut - 1].layer != ops[cut].layer;
    hd_status status =
        b->f.ops->submit(b->f.backend, 0, session_launch(&b->s, b->program, cut, 0, cut, 1, 1, 0));
    assert_int_equal(status, border ? HD_OK : HD_E_INVALID);
    if (border) await(b);
  }
}

static void a_larger_launch_reserves_once_and_no_memory_for_it_is_an_answer(void **state) {
  bench *b = *state;
  open_device(b, "max_in_flight=1");
  atomic_store(&b->f.lender.allocations_left, 0);
  assert_int_equal(b->f.ops->submit(b->f.backend, 0, whole(b, 1)),
                   HD_E_NO_MEMORY); /* two outputs are more than one */
  atomic_store(&b->f.lender.allocations_left, -1);
  submit(b, whole(b, 2));
  await(b);
  long made = atomic_load(&b->f.lender.allocations);
  submit(b, whole(b, 3));
  assert_int_equal(await(b).status, HD_OK);
  assert_int_equal(atomic_load(&b->f.lender.allocations), made);
  session_expect_same(&b->s, &b->expected);
}

static void options_describe_the_devices(void **state) {
  bench *b = *state;
  hd_device_props p;
  int32_t mdegc = 0;
  open_device(b, "count=3;kind=npu;capacity=4;max_in_flight=5;latency_us=6;ns_per_mib=7;ns_per_mflop=8;"
                 "transfer_ns_per_mib=9;power_uw=10;temperature_mdegc=45000;");
  assert_int_equal(b->f.ops->probe(b->f.backend, 2, &p), HD_OK);
  assert_string_equal(p.name, "sim2");
  assert_int_equal(p.kind, HD_DEVICE_NPU);
  assert_true(p.flags == 0 && p.capacity == 4 && p.max_in_flight == 5 && p.launch_ns == 6000 &&
              p.ns_per_mib == 7 && p.ns_per_mflop == 8 && p.transfer_ns_per_mib == 9 &&
              p.active_power_uw == 10);
  assert_int_equal(b->f.ops->probe(b->f.backend, 3, &p), HD_E_NOT_FOUND);
  assert_int_equal(b->f.ops->sense(b->f.backend, 0, &mdegc), HD_OK);
  assert_int_equal(mdegc, 45000);
}

static void wrong_values_are_refused_with_what_is_possible(void **state) {
  bench *b = *state;
  const char *cases[][3] = {{"count=0", "count", "1 to 16"},
                            {"count=17", "count", "1 to 16"},
                            {"latency_us=5x", "latency_us", "5x"},
                            {"latency_us=-5", "latency_us", "-5"},
                            {"latency_us=", "latency_us", "0 to"},
                            {"latency_us=99999999999999999999", "latency_us", "0 to"},
                            {"kind=tpu", "kind", "cpu, gpu, npu"},
                            {"lie=always", "lie", "short, beyond, unknown, twice"},
                            {"seed=1;cut=half", "cut", "op, layer"},
                            {"seed=1;;cut=op", "\"\"", "unknown"},
                            {"=5", "\"\"", "unknown"}};
  for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
    void *backend = NULL;
    hd_error error = {""};
    assert_int_equal(b->f.ops->open(&b->f.lender.lent, cases[i][0], &backend, &error), HD_E_FORMAT);
    assert_null(backend);
    if (!strstr(error.text, cases[i][1]) || !strstr(error.text, cases[i][2]))
      fail_msg("\"%s\": \"%s\"", cases[i][0], error.text);
  }
}

int main(void) {
  if (!conformance_find("sim")) {
    print_message("this build has no sim backend\n");
    return 77;
  }
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
  const struct CMUnitTest tests[] = {
      TEST(a_launch_is_due_when_its_numbers_say),
      TEST(lateness_and_jitter_come_on_top_and_repeat_by_seed),
      TEST(units_are_taken_in_turn),
      TEST(energy_is_modelled_from_power_width_and_time),
      TEST(launches_fail_where_they_are_told_to),
      TEST(a_failure_takes_its_time_too),
      TEST(a_hung_launch_ends_only_when_cancelled),
      TEST(submits_are_busy_where_they_are_told_to),
      TEST(lies_are_told_from_the_launch_on_that_was_named),
      TEST(ops_and_cuts_that_it_cannot_do_are_refused),
      TEST(a_larger_launch_reserves_once_and_no_memory_for_it_is_an_answer),
      TEST(options_describe_the_devices),
      TEST(wrong_values_are_refused_with_what_is_possible),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
