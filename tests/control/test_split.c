/* SPDX-License-Identifier: Apache-2.0 */
/* The planner, against every assignment that there is. */
#include "feed.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <cmocka.h>

enum { MAX_LAYERS = 6, MAX_DEVICES = 3, MAX_OPS = MAX_LAYERS * 2 + 2 };

typedef struct problem {
  uint32_t layers, devices, ops;
  uint16_t layer_plus_1[MAX_OPS];
  uint64_t bytes[MAX_OPS], flops[MAX_OPS], context_bytes[MAX_OPS], context_flops[MAX_OPS];
  bool per_output[MAX_OPS];
  uint64_t launch_ns[MAX_DEVICES], ns_per_mib[MAX_DEVICES], ns_per_mflop[MAX_DEVICES], transfer[MAX_DEVICES];
  uint64_t border_bytes;
  int pin[MAX_LAYERS]; /* -1: none */
  bool ready[MAX_DEVICES];
} problem;

static uint64_t random_state;
static uint32_t draw(uint32_t below) {
  random_state = random_state * 6364136223846793005u + 1442695040888963407u;
  return (uint32_t)(random_state >> 33) % below;
}

static problem random_problem(uint64_t seed) {
  problem p = {.layers = 1, .devices = 1};
  random_state = seed;
  p.layers += draw(MAX_LAYERS);
  p.devices += draw(MAX_DEVICES);
  p.border_bytes = draw(8192);
  for (uint32_t layer = 0; layer < p.layers + 2; layer++) {
    uint32_t count = layer == 0 || layer > p.layers ? draw(2) : 1 + draw(2);
    for (; count > 0; count--)
      p.layer_plus_1[p.ops++] = (uint16_t)layer;
  }
  for (uint32_t i = 0; i < p.ops; i++) {
    p.bytes[i] = draw(1 << 22);
    p.flops[i] = draw(1 << 22);
    p.context_bytes[i] = draw(4) == 0 ? draw(4096) : 0;
    p.context_flops[i] = draw(4) == 0 ? draw(8192) : 0;
    p.per_output[i] = draw(4) == 0;
  }
  for (uint32_t d = 0; d < p.devices; d++) {
    p.launch_ns[d] = draw(200000);
    p.ns_per_mib[d] = draw(200000);
    p.ns_per_mflop[d] = draw(20000);
    p.transfer[d] = draw(2) == 0 ? draw(1000000) : 0;
    p.ready[d] = d == 0 || draw(5) != 0;
  }
  for (uint32_t layer = 0; layer < p.layers; layer++)
    p.pin[layer] = draw(6) == 0 ? (int)draw(p.devices) : -1;
  return p;
}

static void describe(feed *f, const problem *p) {
  for (uint16_t d = 0; d < p->devices; d++) {
    feed_device(f, d, d == 0 ? HD_DEVICE_CPU : HD_DEVICE_GPU, 1);
    feed_param(f, d, HD_PARAM_LAUNCH_NS, p->launch_ns[d]);
    feed_param(f, d, HD_PARAM_NS_PER_MIB, p->ns_per_mib[d]);
    feed_param(f, d, HD_PARAM_NS_PER_MFLOP, p->ns_per_mflop[d]);
    feed_param(f, d, HD_PARAM_TRANSFER_NS_PER_MIB, p->transfer[d]);
    if (!p->ready[d]) feed_state(f, d, HD_DEVICE_FENCED);
  }
  hd_record graph = {
      .kind = HD_EV_GRAPH, .request = 9, .step = (uint32_t)p->border_bytes, .a = p->ops, .b = p->layers};
  assert_int_equal(feed_event(f, graph), HD_OK);
  for (uint32_t i = 0; i < p->ops; i++) {
    hd_record op = {
        .kind = HD_EV_OP, .request = 9, .step = i, .device = p->layer_plus_1[i], .a = p->bytes[i]};
    op.b = p->flops[i] | (uint64_t)p->per_output[i] << 63;
    assert_int_equal(feed_event(f, op), HD_OK);
    hd_record context = {.kind = HD_EV_OP_CONTEXT, .request = 9, .step = i};
    context.a = p->context_bytes[i];
    context.b = p->context_flops[i];
    assert_int_equal(feed_event(f, context), HD_OK);
  }
  for (uint32_t layer = 0; layer < p->layers; layer++) {
    if (p->pin[layer] < 0) continue;
    hd_record pin = {
        .kind = HD_EV_PIN, .request = 9, .device = (uint16_t)p->pin[layer], .a = layer, .b = layer + 1};
    assert_int_equal(feed_event(f, pin), HD_OK);
  }
}

/* The formulas of split.h and graph.h again, written down the plain way. */
static uint64_t op_ns(const problem *p, uint32_t op, uint32_t d, hd_phase phase) {
  uint64_t tokens = phase == HD_PHASE_PREFILL ? 128 : 1, kv = phase == HD_PHASE_PREFILL ? 0 : 256;
  uint64_t rows = p->per_output[op] ? 1 : tokens, seen = 0;
  uint64_t bytes = p->bytes[op] + p->context_bytes[op] * (kv + tokens);
  for (uint64_t row = 0; row < rows; row++)
    seen += kv + row + 1;
  uint64_t flops = p->flops[op] * rows + p->context_flops[op] * seen;
  uint64_t stream = (bytes >> 20) * p->ns_per_mib[d] + ((bytes & 0xfffff) * p->ns_per_mib[d] >> 20);
  uint64_t compute = flops / 1000000 * p->ns_per_mflop[d] + flops % 1000000 * p->ns_per_mflop[d] / 1000000;
  return stream > compute ? stream : compute;
}

static uint32_t layer_of(const problem *p, uint32_t op) {
  uint32_t layer = p->layer_plus_1[op] == 0 ? 0 : p->layer_plus_1[op] - 1u;
  return layer < p->layers ? layer : p->layers - 1;
}

static uint64_t border_ns(const problem *p, hd_phase phase, uint32_t from, uint32_t to) {
  uint64_t bytes = p->border_bytes * (phase == HD_PHASE_PREFILL ? 128 : 1), ns = p->launch_ns[to];
  ns += (bytes >> 20) * p->transfer[from] + ((bytes & 0xfffff) * p->transfer[from] >> 20);
  ns += (bytes >> 20) * p->transfer[to] + ((bytes & 0xfffff) * p->transfer[to] >> 20);
  return ns;
}

static uint64_t plan_ns(const problem *p, hd_phase phase, const uint32_t *assigned) {
  uint64_t ns = p->launch_ns[assigned[0]];
  for (uint32_t i = 0; i < p->ops; i++)
    ns += op_ns(p, i, assigned[layer_of(p, i)], phase);
  for (uint32_t layer = 1; layer < p->layers; layer++)
    if (assigned[layer] != assigned[layer - 1])
      ns += border_ns(p, phase, assigned[layer - 1], assigned[layer]);
  return ns;
}

static bool is_allowed(const problem *p, const uint32_t *assigned) {
  for (uint32_t layer = 0; layer < p->layers; layer++) {
    bool pinned = p->pin[layer] >= 0 && p->ready[p->pin[layer]];
    if (!p->ready[assigned[layer]] || (pinned && assigned[layer] != (uint32_t)p->pin[layer])) return false;
  }
  return true;
}

static uint64_t least_ns(const problem *p, hd_phase phase) {
  uint64_t least = UINT64_MAX;
  uint32_t total = 1;
  for (uint32_t layer = 0; layer < p->layers; layer++)
    total *= p->devices;
  for (uint32_t code = 0; code < total; code++) {
    uint32_t assigned[MAX_LAYERS], rest = code;
    for (uint32_t layer = 0; layer < p->layers; layer++, rest /= p->devices)
      assigned[layer] = rest % p->devices;
    if (!is_allowed(p, assigned)) continue;
    uint64_t ns = plan_ns(p, phase, assigned);
    if (ns < least) least = ns;
  }
  return least;
}

/* The split's own assignment; fails where it has gaps or divides a layer. */
static void read_split(const problem *p, const hd_split *split, uint32_t *out_assigned) {
  uint32_t at = 0;
  bool seen[MAX_LAYERS] = {false};
  for (uint32_t i = 0; i < split->count; i++) {
    const hd_split_part *part = &split->parts[i];
    assert_int_equal(part->op_begin, at);
    assert_true(part->op_end > at);
    if (i > 0) assert_int_not_equal(part->device, split->parts[i - 1].device); /* merged */
    for (; at < part->op_end; at++) {
      uint32_t layer = layer_of(p, at);
      if (seen[layer]) assert_int_equal(out_assigned[layer], part->device);
      seen[layer] = true;
      out_assigned[layer] = part->device;
    }
  }
  assert_int_equal(at, p->ops);
}

static void few_steps(hd_control_config *config) {
  config->limits.max_steps = config->limits.max_requests = 8;
  config->limits.max_ops = 64;
}

static void the_plan_is_the_best_of_all_assignments(void **state) {
  (void)state;
  uint32_t divided = 0;
  for (uint64_t seed = 1; seed <= 3000; seed++) {
    problem p = random_problem(seed);
    feed f;
    feed_init(&f, NULL, few_steps);
    describe(&f, &p);
    for (uint32_t phase = 0; phase < HD_PHASE_COUNT; phase++) {
      assert_int_equal(feed_event(&f, (hd_record){.kind = HD_EV_PLAN, .request = 9, .a = phase}), HD_OK);
      const hd_split *split = hd_control_split(f.control, 9, (hd_phase)phase);
      uint32_t assigned[MAX_LAYERS];
      assert_non_null(split);
      read_split(&p, split, assigned);
      assert_true(is_allowed(&p, assigned));
      assert_int_equal(split->predicted_ns, plan_ns(&p, (hd_phase)phase, assigned));
      assert_int_equal(split->predicted_ns, least_ns(&p, (hd_phase)phase));
      assert_int_equal(feed_count(&f, HD_DE_SPLIT), split->count);
      divided += split->count > 1;
    }
    feed_finish(&f);
  }
  assert_in_range(divided, 300, UINT32_MAX); /* else the problems are too easy */
}

static void without_a_ready_device_there_is_no_split(void **state) {
  (void)state;
  feed f;
  feed_init(&f, NULL, NULL);
  feed_device(&f, 0, HD_DEVICE_CPU, 1);
  feed_graph(&f, 9, 3, 1, 1);
  assert_non_null(hd_control_split(f.control, 9, HD_PHASE_DECODE));
  feed_state(&f, 0, HD_DEVICE_FENCED);
  assert_int_equal(feed_event(&f, (hd_record){.kind = HD_EV_PLAN, .request = 9, .a = HD_PHASE_DECODE}),
                   HD_OK);
  assert_int_equal(feed_count(&f, HD_DE_SPLIT), 0);
  assert_null(hd_control_split(f.control, 9, HD_PHASE_DECODE));
  feed_finish(&f);
}

static void pins_that_alternate_beyond_the_parts_are_over_the_limit(void **state) {
  (void)state;
  feed f;
  feed_init(&f, NULL, NULL);
  feed_device(&f, 0, HD_DEVICE_CPU, 1);
  feed_device(&f, 1, HD_DEVICE_GPU, 1);
  feed_graph(&f, 9, HD_SPLIT_PARTS_MAX + 1, 1, 1);
  for (uint32_t layer = 0; layer <= HD_SPLIT_PARTS_MAX; layer++)
    feed_event(&f,
               (hd_record){.kind = HD_EV_PIN, .request = 9, .device = layer % 2, .a = layer, .b = layer + 1});
  assert_int_equal(feed_event(&f, (hd_record){.kind = HD_EV_PLAN, .request = 9}), HD_E_LIMIT);
  assert_int_equal(hd_control_split(f.control, 9, HD_PHASE_PREFILL)->count,
                   1); /* the old one is still in force */
  feed_finish(&f);
}

static void a_graph_without_layers_goes_to_one_device(void **state) {
  (void)state;
  feed f;
  feed_init(&f, NULL, NULL);
  feed_device(&f, 0, HD_DEVICE_CPU, 1);
  feed_event(&f, (hd_record){.kind = HD_EV_GRAPH, .request = 9, .a = 2});
  for (uint32_t op = 0; op < 2; op++)
    assert_int_equal(
        feed_event(&f, (hd_record){.kind = HD_EV_OP, .request = 9, .step = op, .device = (uint16_t)op}),
        HD_OK);
  assert_int_equal(feed_event(&f, (hd_record){.kind = HD_EV_PLAN, .request = 9}), HD_OK);
  assert_int_equal(hd_control_split(f.control, 9, HD_PHASE_PREFILL)->parts[0].op_end, 2);
  feed_finish(&f);
}

static void graphs_are_checked_and_their_ops_given_back(void **state) {
  (void)state;
  feed f;
  feed_init(&f, NULL, NULL);
  feed_device(&f, 0, HD_DEVICE_CPU, 1);
  hd_limits limits;
  hd_limits_default(&limits);
  assert_int_equal(feed_event(&f, (hd_record){.kind = HD_EV_GRAPH, .request = 1, .a = 0}), HD_E_INVALID);
  assert_int_equal(feed_event(&f, (hd_record){.kind = HD_EV_GRAPH, .request = 65536, .a = 1}), HD_E_INVALID);
  assert_int_equal(
      feed_event(&f, (hd_record){.kind = HD_EV_GRAPH, .request = 1, .a = 1, .b = HD_LAYERS_MAX + 1}),
      HD_E_INVALID);
  feed_graph(&f, 1, 5, 1, 1);
  feed_graph(&f, 2, 7, 2, 2);
  hd_record rest = {.kind = HD_EV_GRAPH, .request = 3, .a = limits.max_ops - 11};
  assert_int_equal(feed_event(&f, rest), HD_E_LIMIT);
  rest.a--;
  assert_int_equal(feed_event(&f, rest), HD_OK);
  assert_int_equal(feed_event(&f, (hd_record){.kind = HD_EV_PLAN, .request = 3}),
                   HD_E_INVALID); /* ops are missing */
  assert_int_equal(feed_event(&f, (hd_record){.kind = HD_EV_GRAPH_END, .request = 1}), HD_OK);
  assert_int_equal(feed_event(&f, (hd_record){.kind = HD_EV_GRAPH_END, .request = 1}), HD_E_INVALID);
  assert_int_equal(feed_event(&f, (hd_record){.kind = HD_EV_PLAN, .request = 2}),
                   HD_OK); /* its ops have moved up */
  assert_int_equal(hd_control_split(f.control, 2, HD_PHASE_PREFILL)->parts[0].op_end, 7);
  feed_graph(&f, 2, 12, 1, 1); /* registered again, larger */
  feed_request(&f, 1, HD_CLASS_DEFAULT);
  hd_record step = {.kind = HD_EV_STEP, .request = 1, .step = 1};
  hd_step_fields fields = {.op_end = 12, .graph = 2, .n_tokens = 1};
  hd_record_pack_step(&step, &fields);
  assert_int_equal(feed_event(&f, step), HD_OK);
  assert_int_equal(feed_event(&f, (hd_record){.kind = HD_EV_GRAPH_END, .request = 2}),
                   HD_E_INVALID); /* in use */
  assert_int_equal(feed_event(&f, (hd_record){.kind = HD_EV_GRAPH, .request = 2, .a = 1}), HD_E_INVALID);
  feed_finish(&f);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(the_plan_is_the_best_of_all_assignments),
      cmocka_unit_test(without_a_ready_device_there_is_no_split),
      cmocka_unit_test(pins_that_alternate_beyond_the_parts_are_over_the_limit),
      cmocka_unit_test(a_graph_without_layers_goes_to_one_device),
      cmocka_unit_test(graphs_are_checked_and_their_ops_given_back),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
