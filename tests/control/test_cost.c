/* SPDX-License-Identifier: Apache-2.0 */
/* Costs: the roofline, saturation, and what completions teach. */
#include "feed.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include "control/arith.h"
#include "control/stations.h"

static hdi_device device(uint64_t launch_ns, uint64_t ns_per_mib, uint64_t ns_per_mflop) {
  hdi_device d = {.known = true, .correction_q16 = {65536, 65536}};
  d.params[HD_PARAM_LAUNCH_NS] = launch_ns;
  d.params[HD_PARAM_NS_PER_MIB] = ns_per_mib;
  d.params[HD_PARAM_NS_PER_MFLOP] = ns_per_mflop;
  return d;
}

static void an_op_takes_the_longer_of_streaming_and_computing(void **state) {
  (void)state;
  hdi_device d = device(0, 1000, 10);
  hdi_op op = {.weight_bytes = 3 << 20, .flops_per_row = 2000000};
  hdi_size one = {.n_tokens = 1}, many = {.n_tokens = 200};
  assert_int_equal(hdi_cost_op(&d, &op, &one), 3000);  /* weights are streamed once */
  assert_int_equal(hdi_cost_op(&d, &op, &many), 4000); /* rows are computed each */
}

static void attention_grows_with_the_context_that_each_row_sees(void **state) {
  (void)state;
  hdi_device d = device(0, 1 << 20, 1000000); /* 1 ns a byte, 1 ns an operation */
  hdi_op op = {.context_bytes_per_row = 5, .context_flops_per_row = 7};
  hdi_size size = {.n_tokens = 3, .kv_pos = 10};
  assert_int_equal(hdi_cost_op(&d, &op, &size), 7 * (11 + 12 + 13));
  op.context_flops_per_row = 1;
  op.context_bytes_per_row = 50;
  assert_int_equal(hdi_cost_op(&d, &op, &size), 50 * 13);
}

static void rows_of_outputs_count_outputs_and_none_cost_nothing(void **state) {
  (void)state;
  hdi_device d = device(0, 0, 1000000);
  hdi_op op = {.flops_per_row = 9, .weight_bytes = 1 << 20, .per_output = true};
  hdi_size none = {.n_tokens = 100}, two = {.n_tokens = 100, .n_outputs = 2};
  assert_int_equal(hdi_cost_op(&d, &op, &none), 0);
  assert_int_equal(hdi_cost_op(&d, &op, &two), 18);
}

static void no_number_is_large_enough_to_wrap(void **state) {
  (void)state;
  hdi_device d = device(HDI_NS_MAX, HDI_PARAM_MAX, HDI_PARAM_MAX);
  hdi_op op = {UINT64_MAX, UINT64_MAX >> 1, UINT64_MAX, UINT64_MAX, 1, false, true};
  hdi_size size = {UINT32_MAX, 255, UINT32_MAX};
  assert_true(hdi_cost_op(&d, &op, &size) == UINT64_MAX);
  d.correction_q16[0] = 1 << 22;
  assert_int_equal(hdi_cost_expected(&d, HD_PHASE_PREFILL, UINT64_MAX, 1), HDI_NS_MAX);
  assert_true(hdi_cost_fitting(&d, HD_PHASE_PREFILL, UINT64_MAX, UINT16_MAX) > 0);
}

static void parts_of_a_product_agree_with_the_whole(void **state) {
  (void)state;
  uint64_t random = 7;
  for (uint32_t i = 0; i < 100000; i++) {
    random = random * 6364136223846793005u + 1442695040888963407u;
    uint64_t x = random >> (random & 31) >> 24, y = random & 0xffffff; /* products below 2^64 */
    assert_int_equal(hdi_ns_of_bytes(x, y), x * y >> 20);
    assert_int_equal(hdi_ns_of_flops(x, y), x * y / 1000000);
    assert_int_equal(hdi_scale_q16(x, y), x * y >> 16);
  }
}

static void what_fits_into_a_time_is_expected_to_take_it(void **state) {
  (void)state;
  uint64_t random = 3;
  for (uint32_t i = 0; i < 100000; i++) {
    random = random * 6364136223846793005u + 1442695040888963407u;
    hdi_device d = device(random >> 50, 0, 0);
    uint64_t ns = (random >> 20 & 0xffffff) + 1;
    uint32_t width = 1 + (uint32_t)(random >> 12 & 15);
    d.correction_q16[HD_PHASE_DECODE] = 1024 + (uint32_t)(random >> 40 & 0x1fffff);
    uint64_t fits = hdi_cost_fitting(&d, HD_PHASE_DECODE, ns, width);
    uint64_t expected = hdi_cost_expected(&d, HD_PHASE_DECODE, fits, width);
    uint64_t launch_ns = d.params[HD_PARAM_LAUNCH_NS];
    assert_true(expected <= (ns > launch_ns ? ns : launch_ns));
    if (ns > launch_ns)
      assert_true(hdi_cost_expected(&d, HD_PHASE_DECODE, fits + 66 * width, width) >= ns - 1);
  }
}

/* One-op steps that take `real_ns` each; answers what the next one is expected to take. */
static uint64_t teach(uint32_t launches, uint64_t real_ns) {
  feed f;
  uint64_t expected_ns = 0;
  feed_init(&f, NULL, NULL);
  feed_device(&f, 0, HD_DEVICE_CPU, 1);
  feed_param(&f, 0, HD_PARAM_NS_PER_MIB, 1000000);
  feed_param(&f, 0, HD_PARAM_LAUNCH_NS, 1000);
  feed_graph(&f, 1, 1, 1 << 20, 0);
  feed_request(&f, 1, HD_CLASS_DEFAULT);
  for (uint32_t i = 0; i <= launches; i++) {
    feed_step(&f, 1, 1, 0, 1);
    expected_ns = feed_decision(&f, HD_DE_RUN, 0)->b;
    feed_done(&f, 1, 0, 1, HD_OK, real_ns);
  }
  feed_finish(&f);
  return expected_ns;
}

static void expectations_follow_completions(void **state) {
  (void)state;
  assert_int_equal(teach(0, 5001000), 1001000); /* the device's word */
  assert_int_equal(teach(1, 5001000), 1501000); /* an eighth of the way */
  assert_in_range(teach(60, 5001000), 4980000, 5001000);
  assert_in_range(teach(60, 301000), 300000, 330000);
}

static void one_absurd_completion_moves_them_by_a_bounded_factor(void **state) {
  (void)state;
  assert_in_range(teach(1, UINT64_MAX), 1001000, 9 * 1000000);
  assert_in_range(teach(1, 1), 870000, 1001000);
  assert_int_equal(teach(1, 0), 1001000); /* nothing was measured */
}

static void phases_are_learned_apart(void **state) {
  (void)state;
  hd_control c = {0};
  hdi_step step = {.phase = HD_PHASE_PREFILL, .launch = {.width = 2}};
  c.devices[0] = device(0, 1000, 1000);
  hdi_cost_learn(&c, &step, 2000, 9000);
  assert_int_equal(c.devices[0].correction_q16[HD_PHASE_PREFILL],
                   65536 + 65536); /* nine times: an eighth of eight */
  assert_int_equal(c.devices[0].correction_q16[HD_PHASE_DECODE], 65536);
}

static void leases_learn_ns_a_layer_and_token(void **state) {
  (void)state;
  hd_control c = {0};
  hdi_step lease = {
      .is_lease = true, .op_end = 4, .size = {.n_tokens = 5}, .launch = {.width = 2, .op_end = 4}};
  c.devices[0] = device(0, 0, 0);
  assert_int_equal(hdi_cost_range(&c, &lease, 0, 4), 0); /* unknown */
  hdi_cost_learn_lease(&c, &lease, 2, 1000);
  assert_int_equal(hdi_cost_range(&c, &lease, 0, 4), 2 * 1000 * 2);
  assert_int_equal(hdi_cost_range(&c, &lease, 0, 1), 1000);
}

static uint64_t op_by_op(const hd_control *c, const hdi_step *step, uint32_t begin, uint32_t end) {
  const hdi_op *ops = c->ops + c->graphs[step->graph].op_base;
  uint64_t ns = 0;
  for (uint32_t i = begin; i < end; i++)
    ns = hdi_add(ns, hdi_cost_op(&c->devices[step->device], &ops[i], &step->size));
  return hdi_min(ns, HDI_NS_MAX);
}

/* More combinations of graph, device and size than are kept, in any order, while graphs come and go. */
static void sums_of_costs_are_those_of_the_ops(void **state) {
  (void)state;
  feed f;
  feed_init(&f, NULL, NULL);
  uint64_t random = 5;
  for (uint16_t d = 0; d < 3; d++) {
    feed_device(&f, d, HD_DEVICE_CPU, 1);
    feed_param(&f, d, HD_PARAM_NS_PER_MIB, 1000u * (d + 1u));
    feed_param(&f, d, HD_PARAM_NS_PER_MFLOP, 700u * (4u - d));
  }
  uint32_t summed = 0;
  for (uint32_t round = 0; round < 3000; round++) {
    random = random * 6364136223846793005u + 1442695040888963407u;
    uint32_t r = (uint32_t)(random >> 33), id = 1 + r % 3;
    if (round % 500 < 3) { /* (again) */
      id = 1 + round % 500;
      feed_graph(&f, id, 40 + id, 1 << 20, 3000000);
      for (uint32_t op = 0; op < 40 + id; op += 7 - id) {
        hd_record looks_back = {
            .kind = HD_EV_OP_CONTEXT, .request = id, .step = op, .a = 100u + round, .b = 9000};
        assert_int_equal(feed_event(&f, looks_back), HD_OK);
      }
    }
    if (round % 97 == 0) feed_param(&f, 1, HD_PARAM_NS_PER_MIB, 500 + r % 1000);
    uint32_t slot = hdi_graph_find(f.control, id);
    if (slot == HDI_NONE) continue;
    hdi_step step = {.graph = slot, .device = (uint16_t)(r >> 2 & 1), .op_end = 40 + id};
    step.size = (hdi_size){.n_tokens = 1 + (r >> 4 & 3), .n_outputs = r >> 6 & 1, .kv_pos = r >> 7 & 1023};
    step.op_begin = (r >> 17) % step.op_end;
    const hdi_cost_sums *sums = hdi_cost_sums_for(f.control, &step);
    assert_non_null(sums);
    summed++;
    uint64_t all = op_by_op(f.control, &step, step.op_begin, step.op_end);
    assert_int_equal(hdi_cost_summed(f.control, sums, &step, step.op_begin, step.op_end), all);
    assert_int_equal(hdi_cost_range(f.control, &step, step.op_begin, step.op_end), all);
    uint64_t budget = (all + 2) * (r >> 25) / 60;
    uint32_t end = step.op_begin;
    while (end < step.op_end && op_by_op(f.control, &step, step.op_begin, end + 1) <= budget)
      end++;
    assert_int_equal(hdi_cost_fitting_end(f.control, sums, &step, budget), end);
  }
  assert_in_range(summed, 2900, 3000);
  feed_finish(&f);
}

static void costs_beyond_all_bounds_are_not_summed(void **state) {
  (void)state;
  feed f;
  feed_init(&f, NULL, NULL);
  feed_device(&f, 0, HD_DEVICE_CPU, 1);
  feed_param(&f, 0, HD_PARAM_NS_PER_MIB, HDI_PARAM_MAX);
  feed_graph(&f, 1, 8, (uint64_t)1 << 40, 1);
  hdi_step step = {.graph = hdi_graph_find(f.control, 1), .op_end = 8, .size = {.n_tokens = 1}};
  assert_null(hdi_cost_sums_for(f.control, &step));
  assert_int_equal(hdi_cost_range(f.control, &step, 3, 5), HDI_NS_MAX);
  feed_finish(&f);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(an_op_takes_the_longer_of_streaming_and_computing),
      cmocka_unit_test(attention_grows_with_the_context_that_each_row_sees),
      cmocka_unit_test(rows_of_outputs_count_outputs_and_none_cost_nothing),
      cmocka_unit_test(no_number_is_large_enough_to_wrap),
      cmocka_unit_test(parts_of_a_product_agree_with_the_whole),
      cmocka_unit_test(what_fits_into_a_time_is_expected_to_take_it),
      cmocka_unit_test(expectations_follow_completions),
      cmocka_unit_test(one_absurd_completion_moves_them_by_a_bounded_factor),
      cmocka_unit_test(phases_are_learned_apart),
      cmocka_unit_test(leases_learn_ns_a_layer_and_token),
      cmocka_unit_test(sums_of_costs_are_those_of_the_ops),
      cmocka_unit_test(costs_beyond_all_bounds_are_not_summed),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
