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
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
