/* SPDX-License-Identifier: Apache-2.0 */
/* The text form: stable lines, resolved names, nothing that could break a word or a terminal. */
#include "scratch.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "traces/words.h"

static uint64_t text8(const char *text) {
  uint64_t x = 0;
  for (unsigned i = 0; i < 8 && text[i]; i++)
    x |= (uint64_t)(uint8_t)text[i] << (8 * i);
  return x;
}

static hd_record name(hd_name_kind kind, uint32_t id, const char *text) {
  return (hd_record){.kind = HD_IN_NAME, .step = (uint32_t)kind, .request = id, .a = text8(text)};
}

static void expect_line(const hd_trace_file *file, const hd_record *record, const char *line) {
  char text[512];
  int n = hd_trace_format(file, record, text, sizeof text);
  assert_string_equal(text, line);
  assert_int_equal(n, strlen(line));
}

static void every_kind_has_its_line(void **state) {
  (void)state;
  const hd_step_fields step = {3, 9, 1, HD_PHASE_DECODE, 0, 16, 100, 1};
  const hd_done_fields done = {7, -HD_E_DEVICE, HD_ENERGY_MODELLED, 55};
  const hd_run_fields run = {3, 7, 2, 1};
  hd_record step_record = {1234567890, 9, HD_EV_STEP, 0, 5, 6, 0, 0},
            lease_record = {0, 9, HD_EV_LEASE, 0, 5, 6, 0, 0};
  hd_record done_record = {0, 10, HD_EV_DONE, 1, 0, 6, 4000, 0};
  hd_record_pack_step(&step_record, &step);
  hd_record_pack_step(&lease_record, &step);
  hd_record_pack_done(&done_record, &done);
  const struct {
    hd_record record;
    const char *line;
  } cases[] = {
      {{1000, 1, HD_EV_DEVICE_PARAM, 2, 0, HD_PARAM_CAPACITY, 4, 0},
       "0.001 1 device_param device=2 param=capacity value=4"},
      {{0, 2, HD_EV_DEVICE_PARAM, 2, 0, HD_PARAM_KIND, HD_DEVICE_NPU, 0},
       "0.000 2 device_param device=2 param=kind value=npu"},
      {{0, 3, HD_EV_DEVICE_STATE, 2, 0, 0, HD_DEVICE_FENCED, 0},
       "0.000 3 device_state device=2 state=fenced"},
      {{0, 4, HD_EV_GRAPH, 0, 1, 256, 77, 4},
       "0.000 4 graph graph=1 ops=77 layers=4 border_bytes_per_row=256"},
      {{0, 4, HD_EV_OP, 0, 1, 5, 640, UINT64_C(1) << 63 | 12},
       "0.000 4 op graph=1 op=5 layer=-1 weight_bytes=640 flops_per_row=12 per_output=1"},
      {{0, 4, HD_EV_OP_CONTEXT, 0, 1, 5, 640, 12},
       "0.000 4 op_context graph=1 op=5 context_bytes_per_row=640 context_flops_per_row=12"},
      {{0, 4, HD_EV_PIN, 3, 1, 0, 0, 2}, "0.000 4 pin graph=1 device=3 layers=0..2"},
      {{0, 4, HD_EV_PLAN, 0, 1, 0, HD_PHASE_PREFILL, 0}, "0.000 4 plan graph=1 phase=prefill"},
      {{0, 4, HD_EV_GRAPH_END, 0, 1, 0, 0, 0}, "0.000 4 graph_end graph=1"},
      {{0, 4, HD_EV_SENSOR, HD_RECORD_NO_DEVICE, 0, HD_SENSOR_TEMPERATURE_MDEGC, (uint64_t)-1500, 0},
       "0.000 4 sensor device=none sensor=temperature_mdegc value=-1500"},
      {{0, 4, HD_EV_TIME, 0, 0, 0, 0, 0}, "0.000 4 time"},
      {{0, 4, HD_EV_REQUEST, HD_CLASS_INTERACTIVE, 65537, 3, 1024, 99},
       "0.000 4 request request=65537 class=interactive client=3 memory_bytes=1024 deadline_ns=99"},
      {{0, 4, HD_EV_REQUEST, 9, 1, 3, 0, 0},
       "0.000 4 request request=1 class=9 client=3 memory_bytes=0 deadline_ns=0"},
      {{0, 4, HD_EV_REQUEST_END, 0, 1, 0, 0, 0}, "0.000 4 request_end request=1 status=ok"},
      {{0, 4, HD_EV_CANCEL, 0, 1, 0, 0, 0}, "0.000 4 cancel request=1"},
      {step_record, "1234.567 9 step request=5 step=6 device=0 graph=1 phase=decode ops=3..9 tokens=16 "
                    "kv_pos=100 outputs=1"},
      {lease_record, "0.000 9 lease request=5 lease=6 device=0 graph=1 phase=decode layers=3..9 tokens=16 "
                     "kv_pos=100 outputs=1"},
      {done_record,
       "0.000 10 done step=6 device=1 status=device reached=7 elapsed_ns=4000 energy_uj=55 energy=modelled"},
      {{0, 4, HD_DE_ADMIT, 0, 1, 0, 0, 0}, "0.000 4 admit request=1"},
      {{0, 4, HD_DE_REFUSE, 0, 1, 0, 500, HD_REFUSED_BACKLOG},
       "0.000 4 refuse request=1 reason=backlog retry_after_ns=500"},
      {{0, 4, HD_DE_SPLIT, 1, 2, HD_PHASE_DECODE, 5, 9},
       "0.000 4 split graph=2 device=1 phase=decode ops=5..9"},
      {{0, 4, HD_DE_RUN, 1, 2, 3, hd_record_pack_run(&run), 800},
       "0.000 4 run request=2 step=3 device=1 ops=3..7 width=2 launch=1 expected_ns=800"},
      {{0, 4, HD_DE_STOP, 1, 2, 3, 0, 0}, "0.000 4 stop request=2 step=3 device=1"},
      {{0, 4, HD_DE_COMPLETE, 0, 2, 3, -HD_E_NO_MEMORY, 70},
       "0.000 4 complete request=2 step=3 status=no_memory device_ns=70"},
      {{0, 4, HD_DE_GRANT, 1, 2, 3, hd_record_pack_run(&run), 800},
       "0.000 4 grant request=2 lease=3 device=1 layers=3..7 width=2 launch=1 slice_ns=800"},
      {{0, 4, HD_DE_FENCE, 1, 0, 0, HD_FENCED_HUNG, 3}, "0.000 4 fence device=1 reason=hung failures=3"},
      {{0, 4, HD_DE_TIMER, 0, 0, 0, 0, 12}, "0.000 4 timer at_ns=12"},
      {{0, 4, HD_DE_FALLBACK, 0, 0, 0, HD_FAULT_COUNT_OVER, 2}, "0.000 4 fallback fault=count_over faults=2"},
      {{0, 4, HD_DE_REPLACED, 0, 0, 0, 0, 2}, "0.000 4 replaced faults=2"},
      {{0, 4, HD_DE_MOVE, 1, 2, 3, 4, 0}, "0.000 4 move request=2 step=3 device=1 from=4"},
      {{0, 4, HD_EV_WAIT, 0, 2, 3, 1, 0}, "0.000 4 wait request=2 for=3 waits=1"},
      {{0, 4, HD_DE_RECLAIM, 1, 2, 3, 400, 80},
       "0.000 4 reclaim request=2 lease=3 device=1 held_ns=400 asked_ns_ago=80"},
      {{0, 0, HD_IN_CONFIG, 0, 2, HD_CONFIG_CLASS_SLICE_NS, 9, 0},
       "0.000 - config key=class_slice_ns class=2 value=9"},
      {{0, 0, HD_IN_NAME, 1, 2, HD_NAME_HOST, 0x6261, 0}, "0.000 - name of=host id=2 piece=1 text=ab"},
      {{0, 0, HD_IN_SUBMIT, 1, 0, 3, -HD_E_AGAIN, 0}, "0.000 - submit step=3 device=1 status=again"},
      {{0, 0, HD_IN_MARK, 0, 1, 3, 9, 0}, "0.000 - mark request=1 mark=3 value=9"},
      {{0, 0, HD_IN_DROPPED, 0, 0, 2, 9, 0}, "0.000 - dropped ring=2 records=9"},
      {{0, 0, 300, 1, 2, 3, 4, 5}, "0.000 - kind_300 device=1 request=2 step=3 a=4 b=5"},
      {{UINT64_MAX, UINT32_MAX, HD_EV_REQUEST_END, 0, 1, 0, UINT64_MAX, 0},
       "18446744073709.551 4294967295 request_end request=1 status=18446744073709551615"},
  };
  bool seen[512] = {false};
  for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
    expect_line(NULL, &cases[i].record, cases[i].line);
    seen[cases[i].record.kind] = true;
  }
  for (uint16_t kind = 0; kind < 256; kind++)
    assert_true(seen[kind] == (hdi_word(HDI_WORDS_RECORD_KIND, kind) != NULL));
}

static void names_are_those_of_the_time_of_the_record(void **state) {
  scratch *s = *state;
  const hd_record plan = {.seq = 1, .kind = HD_EV_PLAN, .request = 1};
  const hd_record records[] = {
      name(HD_NAME_GRAPH, 1, "old"),  plan,
      name(HD_NAME_GRAPH, 1, "new"),  plan,
      name(HD_NAME_DEVICE, 2, "sim"), {.seq = 2, .kind = HD_EV_DEVICE_STATE, .device = 2}};
  builder b;
  hd_trace_file *file = NULL;
  size_t count = 0;
  builder_begin(&b);
  builder_chunk(&b, 0, records, 6);
  assert_int_equal(hd_trace_parse(&s->host, b.bytes, b.size, "test", &file, NULL), HD_OK);
  const hd_record *read = hd_trace_records(file, &count);
  expect_line(file, &read[1], "0.000 1 plan graph=1:old phase=prefill");
  expect_line(file, &read[3], "0.000 1 plan graph=1:new phase=prefill");
  expect_line(file, &plan, "0.000 1 plan graph=1:new phase=prefill"); /* not of the file: the last name */
  expect_line(file, &read[5], "0.000 2 device_state device=sim state=absent");
  assert_string_equal(hd_trace_find_name(file, HD_NAME_GRAPH, 1), "new");
  hd_trace_file_destroy(file);
}

static void a_hostile_name_stays_one_harmless_word(void **state) {
  (void)state;
  expect_line(NULL, &(hd_record){.kind = HD_IN_NAME, .step = HD_NAME_HOST, .a = text8("a b\x1b\n\\\x9b=")},
              "0.000 - name of=host id=0 piece=0 text=a\\x20b\\x1b\\x0a\\x5c\\x9b=");
}

static void text_that_does_not_fit_is_cut_and_its_length_told(void **state) {
  (void)state;
  const hd_record record = {.seq = 4, .kind = HD_DE_ADMIT, .request = 1};
  const char *whole = "0.000 4 admit request=1";
  assert_int_equal(hd_trace_format(NULL, &record, NULL, 0), strlen(whole));
  for (size_t room = 1; room <= strlen(whole) + 1; room++) {
    char *text = malloc(room); /* of this size, so that a sanitizer sees a byte too many */
    assert_int_equal(hd_trace_format(NULL, &record, text, room), strlen(whole));
    assert_int_equal(strlen(text), room - 1);
    assert_memory_equal(text, whole, room - 1);
    free(text);
  }
}

/* Any record at all gives one line of printable characters. */
static void any_bits_give_a_line(void **state) {
  (void)state;
  uint64_t random = 3;
  for (int i = 0; i < 20000; i++) {
    hd_record r = {next_random(&random),
                   (uint32_t)next_random(&random),
                   (uint16_t)(next_random(&random) % 140),
                   (uint16_t)next_random(&random),
                   (uint32_t)next_random(&random),
                   (uint32_t)next_random(&random),
                   next_random(&random),
                   next_random(&random)};
    if (i % 2) r.step %= 16, r.a %= 16, r.device %= 16;
    char text[512];
    int n = hd_trace_format(NULL, &r, text, sizeof text);
    assert_in_range(n, 8, sizeof text - 1);
    for (int k = 0; k < n; k++)
      assert_in_range(text[k], 0x20, 0x7e);
  }
}

int main(void) {
#define TEST(name) cmocka_unit_test_setup_teardown(name, scratch_setup, scratch_teardown)
  const struct CMUnitTest tests[] = {
      TEST(every_kind_has_its_line),
      TEST(names_are_those_of_the_time_of_the_record),
      TEST(a_hostile_name_stays_one_harmless_word),
      TEST(text_that_does_not_fit_is_cut_and_its_length_told),
      TEST(any_bits_give_a_line),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
