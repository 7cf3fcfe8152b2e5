/* SPDX-License-Identifier: Apache-2.0 */
/* Replay: the same decisions from the same events, and any change is found where it is. */
#include "stream.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "heddle/implement/policy.h"

#define SEEDS 20u

static hd_status replay_to(scratch *s, const stream *from, hd_replay_result *result, hd_error *error) {
  static builder b;
  hd_trace_file *file = NULL;
  stream_build(from, 5, &b);
  assert_int_equal(hd_trace_parse(&s->host, b.bytes, b.size, "test", &file, error), HD_OK);
  hd_status status = hd_trace_replay(&s->host, file, hd_policies_builtin(), NULL, result, error);
  hd_trace_file_destroy(file);
  return status;
}

static hd_replay_result replay(scratch *s, const stream *from) {
  hd_replay_result result;
  hd_error error = {""};
  memset(&result, 0xee, sizeof result);
  if (replay_to(s, from, &result, &error) != HD_OK) fail_msg("%s", error.text);
  return result;
}

static void a_faithful_trace_replays_identically_under_every_policy(void **state) {
  scratch *s = *state;
  static stream life;
  const hd_policy_ops *const *policies = hd_policies_builtin();
  unsigned runs = 0, refusals = 0;
  for (uint32_t p = 0; policies[p]; p++) {
    for (uint64_t seed = 1; seed <= SEEDS; seed++) {
      stream_make(&life, &s->host, policies[p]->name, seed);
      hd_replay_result result = replay(s, &life);
      assert_true(result.identical);
      assert_int_equal(result.events, life.events);
      assert_int_equal(result.decisions, life.decisions);
      assert_int_equal(result.recorded.kind, 0);
      for (uint32_t i = 0; i < life.count; i++) {
        runs += life.records[i].kind == HD_DE_RUN;
        refusals += life.records[i].kind == HD_DE_REFUSE;
      }
    }
  }
  assert_true(runs > 1000 && refusals > 10); /* a life in which nothing happens proves nothing */
}

static void a_flipped_byte_of_a_decision_is_found_at_its_index(void **state) {
  scratch *s = *state;
  static stream life;
  uint64_t random = 8;
  stream_make(&life, &s->host, "fifo", 3);
  for (int round = 0; round < 100; round++) {
    static stream changed;
    changed = life;
    uint32_t index = stream_decision(&life, (uint32_t)(next_random(&random) % life.decisions));
    size_t byte = next_random(&random) % sizeof(hd_record);
    if (byte == offsetof(hd_record, kind) || byte == offsetof(hd_record, kind) + 1)
      continue; /* no decision then */
    ((uint8_t *)&changed.records[index])[byte] ^= (uint8_t)(1 + next_random(&random) % 255);
    hd_replay_result result = replay(s, &changed);
    assert_false(result.identical);
    assert_int_equal(result.first_difference, index);
    assert_memory_equal(&result.recorded, &changed.records[index], sizeof(hd_record));
    assert_memory_equal(&result.replayed, &life.records[index], sizeof(hd_record));
  }
}

static void a_missing_event_or_decision_is_found_at_its_index(void **state) {
  scratch *s = *state;
  static stream life;
  uint64_t random = 9;
  stream_make(&life, &s->host, "fair", 4);
  for (int round = 0; round < 60; round++) {
    static stream changed;
    changed = life;
    bool event = round % 2;
    uint32_t index = event ? stream_event(&life, (uint32_t)(next_random(&random) % (life.events - 1)))
                           : stream_decision(&life, (uint32_t)(next_random(&random) % life.decisions));
    stream_remove(&changed, index);
    hd_replay_result result = replay(s, &changed);
    assert_false(result.identical);
    assert_int_equal(result.first_difference, index);
    if (!event) assert_memory_equal(&result.replayed, &life.records[index], sizeof(hd_record));
  }
}

static void a_decision_that_never_came_is_found_at_the_end(void **state) {
  scratch *s = *state;
  static stream life;
  stream_make(&life, &s->host, "fifo", 6);
  uint32_t last = stream_decision(&life, life.decisions - 1);
  life.count = last; /* all before it stays */
  hd_replay_result result = replay(s, &life);
  assert_false(result.identical);
  assert_int_equal(result.first_difference, last);
  assert_int_equal(result.recorded.kind, 0);
  assert_memory_equal(&result.replayed, &life.records[last], sizeof(hd_record));
}

static void the_recorded_configuration_is_used(void **state) {
  scratch *s = *state;
  static stream life;
  bool changed = false;
  stream_make(&life, &s->host, "fifo", 7);
  for (uint32_t i = 0; i < life.count; i++) {
    if (life.records[i].kind != HD_IN_CONFIG || life.records[i].step != HD_CONFIG_MAX_REQUESTS) continue;
    assert_int_equal(life.records[i].a, 5);
    life.records[i].a = 6;
    changed = true;
  }
  assert_true(changed);
  hd_replay_result result = replay(s, &life);
  assert_false(result.identical);
  assert_int_equal(result.recorded.kind, HD_DE_REFUSE);
}

static void the_replayed_decisions_are_written_as_text(void **state) {
  scratch *s = *state;
  static stream life;
  static builder b;
  hd_trace_file *file = NULL;
  hd_replay_result result;
  stream_make(&life, &s->host, "fair", 8);
  stream_build(&life, 5, &b);
  assert_int_equal(hd_trace_parse(&s->host, b.bytes, b.size, "test", &file, NULL), HD_OK);
  char *text = NULL;
  size_t size = 0;
  FILE *out = open_memstream(&text, &size);
  assert_int_equal(hd_trace_replay(&s->host, file, hd_policies_builtin(), out, &result, NULL), HD_OK);
  fclose(out);
  const char *at = text;
  for (uint32_t i = 0; i < life.count; i++) {
    char line[512];
    if (!hd_record_is_decision(&life.records[i])) continue;
    size_t length = (size_t)hd_trace_format(file, &life.records[i], line, sizeof line);
    assert_memory_equal(at, line, length);
    assert_true(at[length] == '\n');
    at += length + 1;
  }
  assert_int_equal(at - text, size);
  assert_non_null(strstr(text, "device=sim"));
  free(text);
  hd_trace_file_destroy(file);
}

static void expect_refusal(scratch *s, const stream *from, hd_status expected, const char *says) {
  hd_replay_result result = {.events = 4242};
  hd_error error = {""};
  assert_int_equal(replay_to(s, from, &result, &error), expected);
  if (!strstr(error.text, says)) fail_msg("\"%s\" does not say \"%s\"", error.text, says);
  assert_int_equal(result.events, 4242); /* written only on success */
}

static void traces_that_cannot_be_replayed_say_why(void **state) {
  scratch *s = *state;
  static stream life, changed;
  stream_make(&life, &s->host, "fifo", 8);

  changed = life;
  while (changed.records[0].kind == HD_IN_CONFIG)
    stream_remove(&changed, 0);
  expect_refusal(s, &changed, HD_E_FORMAT, "no configuration");

  changed = life;
  for (uint32_t i = 0; i < changed.count; i++)
    if (changed.records[i].kind == HD_IN_NAME && changed.records[i].step == HD_NAME_POLICY) {
      changed.records[i].a = 'x';
      expect_refusal(s, &changed, HD_E_NOT_FOUND, "policy \"x\"");
      stream_remove(&changed, i);
    }
  expect_refusal(s, &changed, HD_E_FORMAT, "policy");

  changed = life;
  changed.records[changed.count - 1] = (hd_record){.kind = HD_IN_DROPPED, .a = 12};
  expect_refusal(s, &changed, HD_E_FORMAT, "12 records were lost");
}

static void a_cut_trace_is_not_replayed(void **state) {
  scratch *s = *state;
  static stream life;
  static builder b;
  hd_trace_file *file = NULL;
  hd_replay_result result;
  hd_error error = {""};
  stream_make(&life, &s->host, "fifo", 8);
  stream_build(&life, 5, &b);
  assert_int_equal(hd_trace_parse(&s->host, b.bytes, b.size - 1, "test", &file, &error), HD_OK);
  assert_int_equal(hd_trace_replay(&s->host, file, hd_policies_builtin(), NULL, &result, &error),
                   HD_E_FORMAT);
  assert_non_null(strstr(error.text, "cut short"));
  hd_trace_file_destroy(file);
}

static void no_memory_is_an_answer_whichever_allocation_fails(void **state) {
  scratch *s = *state;
  static stream life;
  static builder b;
  hd_trace_file *file = NULL;
  hd_replay_result result;
  hd_error error = {""};
  stream_make(&life, &s->host, "fair", 8);
  stream_build(&life, 5, &b);
  assert_int_equal(hd_trace_parse(&s->host, b.bytes, b.size, "test", &file, &error), HD_OK);
  long n = 0;
  for (;; n++) {
    s->allocations_left = n;
    hd_status status = hd_trace_replay(&s->host, file, hd_policies_builtin(), NULL, &result, &error);
    if (status == HD_OK) break;
    assert_int_equal(status, HD_E_NO_MEMORY);
  }
  assert_true(n > 0 && result.identical);
  hd_trace_file_destroy(file);
}

int main(void) {
#define TEST(name) cmocka_unit_test_setup_teardown(name, scratch_setup, scratch_teardown)
  const struct CMUnitTest tests[] = {
      TEST(a_faithful_trace_replays_identically_under_every_policy),
      TEST(a_flipped_byte_of_a_decision_is_found_at_its_index),
      TEST(a_missing_event_or_decision_is_found_at_its_index),
      TEST(a_decision_that_never_came_is_found_at_the_end),
      TEST(the_recorded_configuration_is_used),
      TEST(the_replayed_decisions_are_written_as_text),
      TEST(traces_that_cannot_be_replayed_say_why),
      TEST(a_cut_trace_is_not_replayed),
      TEST(no_memory_is_an_answer_whichever_allocation_fails),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
