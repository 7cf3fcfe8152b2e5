/* SPDX-License-Identifier: Apache-2.0 */
/* The writer: what goes in comes out, losses are told, trouble is told once. */
#include "scratch.h"
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

static hd_trace *create(scratch *s, uint32_t rings, uint32_t records) {
  hd_trace *trace = NULL;
  hd_error error;
  assert_int_equal(hd_trace_create(&s->host, s->path, rings, records, &trace, &error), HD_OK);
  return trace;
}

static hd_trace_file *finish_and_read(scratch *s, hd_trace *trace) {
  hd_trace_file *file = NULL;
  hd_error error;
  assert_int_equal(hd_trace_destroy(trace, &error), HD_OK);
  assert_int_equal(hd_trace_read(&s->host, s->path, &file, &error), HD_OK);
  return file;
}

static hd_record mark(uint64_t t_ns, uint32_t number) {
  return (hd_record){
      .t_ns = t_ns, .kind = HD_IN_MARK, .device = HD_RECORD_NO_DEVICE, .step = number, .a = ~t_ns};
}

static void what_is_emitted_is_read_back(void **state) {
  scratch *s = *state;
  hd_record in[200];
  uint64_t seed = 7;
  for (size_t i = 0; i < 200; i++)
    in[i] = (hd_record){next_random(&seed), (uint32_t)i,           (uint16_t)(i % 100),
                        (uint16_t)i,        (uint32_t)(i * 77777), (uint32_t)next_random(&seed),
                        next_random(&seed), next_random(&seed)};
  hd_trace *trace = create(s, 1, 64);
  for (size_t i = 0; i < 200; i++) {
    hd_trace_emit(trace, 0, &in[i]);
    if (i % 50 == 49) assert_int_equal(hd_trace_flush(trace), HD_OK);
  }
  hd_trace_file *file = finish_and_read(s, trace);
  size_t count = 0;
  const hd_record *out = hd_trace_records(file, &count);
  assert_int_equal(count, 200);
  assert_memory_equal(out, in, sizeof in);
  assert_false(hd_trace_is_truncated(file));
  hd_trace_file_destroy(file);
}

static void a_flush_is_wanted_when_a_ring_is_more_than_half_full(void **state) {
  hd_trace *trace = create(*state, 3, 8);
  hd_record record = mark(1, 1);
  for (int i = 0; i < 4; i++) {
    assert_false(hd_trace_wants_flush(trace));
    hd_trace_emit(trace, 2, &record);
  }
  assert_false(hd_trace_wants_flush(trace));
  hd_trace_emit(trace, 2, &record);
  assert_true(hd_trace_wants_flush(trace));
  assert_int_equal(hd_trace_flush(trace), HD_OK);
  assert_false(hd_trace_wants_flush(trace));
  assert_int_equal(hd_trace_destroy(trace, NULL), HD_OK);
}

static void a_full_ring_tells_its_losses_where_they_happened(void **state) {
  scratch *s = *state;
  hd_trace *trace = create(s, 2, 4);
  for (uint32_t i = 1; i <= 10; i++) {
    hd_record record = mark(i, i);
    hd_trace_emit(trace, 1, &record);
  }
  assert_int_equal(hd_trace_flush(trace), HD_OK);
  hd_record last = mark(11, 11);
  hd_trace_emit(trace, 1, &last);
  hd_trace_file *file = finish_and_read(s, trace);
  size_t count = 0;
  const hd_record *out = hd_trace_records(file, &count);
  assert_int_equal(count, 6);
  for (uint32_t i = 0; i < 4; i++)
    assert_int_equal(out[i].step, i + 1);
  assert_int_equal(out[4].kind, HD_IN_DROPPED);
  assert_int_equal(out[4].a, 6);
  assert_int_equal(out[4].t_ns, 5);
  assert_int_equal(out[4].step, 1);
  assert_int_equal(out[5].step, 11);
  assert_true(hd_trace_is_truncated(file));
  hd_trace_file_destroy(file);
}

static void losses_at_the_very_end_are_told_too(void **state) {
  scratch *s = *state;
  hd_trace *trace = create(s, 1, 2);
  for (uint32_t i = 1; i <= 5; i++) {
    hd_record record = mark(i, i);
    hd_trace_emit(trace, 0, &record);
  }
  hd_trace_file *file = finish_and_read(s, trace);
  size_t count = 0;
  const hd_record *out = hd_trace_records(file, &count);
  assert_int_equal(count, 3);
  assert_int_equal(out[2].kind, HD_IN_DROPPED);
  assert_int_equal(out[2].a, 3);
  hd_trace_file_destroy(file);
}

static void an_unwritable_path_gives_one_line_and_leaves_nothing(void **state) {
  scratch *s = *state;
  hd_trace *trace = NULL;
  hd_error error;
  char path[128];
  snprintf(path, sizeof path, "%s/absent/a.trace", s->folder);
  assert_int_equal(hd_trace_create(&s->host, path, 1, 64, &trace, &error), HD_E_IO);
  assert_non_null(strstr(error.text, path));
  assert_non_null(strstr(error.text, "No such file or directory"));
  assert_int_equal(hd_trace_create(&s->host, s->folder, 1, 64, &trace, &error), HD_E_IO);
  assert_non_null(strstr(error.text, "Is a directory"));
  assert_null(trace);
} /* the teardown fails when the folder is not empty */

/* The file size limit plays the full disk: writes come short, then fail. */
static void limit_file_size(rlim_t bytes) {
  struct rlimit limit;
  signal(SIGXFSZ, SIG_IGN);
  assert_int_equal(getrlimit(RLIMIT_FSIZE, &limit), 0);
  limit.rlim_cur = bytes;
  assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
}
static int lift_file_size(void **state) {
  struct rlimit limit;
  getrlimit(RLIMIT_FSIZE, &limit);
  limit.rlim_cur = limit.rlim_max;
  setrlimit(RLIMIT_FSIZE, &limit);
  return scratch_teardown(state);
}

static void a_header_that_does_not_fit_leaves_no_file(void **state) {
  scratch *s = *state;
  hd_trace *trace = NULL;
  hd_error error;
  limit_file_size(16);
  assert_int_equal(hd_trace_create(&s->host, s->path, 1, 64, &trace, &error), HD_E_IO);
  assert_non_null(strstr(error.text, "File too large"));
  assert_int_equal(access(s->path, F_OK), -1);
  assert_null(trace);
}

static void a_full_disk_is_told_once_and_leaves_whole_chunks(void **state) {
  scratch *s = *state;
  hd_trace *trace = create(s, 1, 64);
  hd_record record = mark(1, 1);
  hd_error error;
  for (int i = 0; i < 10; i++)
    hd_trace_emit(trace, 0, &record);
  assert_int_equal(hd_trace_flush(trace), HD_OK);
  size_t whole = scratch_size(s->path);
  limit_file_size(whole + 100);
  for (int round = 0; round < 3; round++) {
    for (int i = 0; i < 10; i++)
      hd_trace_emit(trace, 0, &record);
    s->flush_in_log = trace; /* also: a flush inside a flush answers at once */
    assert_int_equal(hd_trace_flush(trace), HD_E_IO);
    assert_false(hd_trace_wants_flush(trace));
  }
  assert_int_equal(s->flush_status, HD_E_AGAIN);
  assert_int_equal(hd_trace_destroy(trace, &error), HD_E_IO);
  assert_non_null(strstr(error.text, s->path));
  assert_int_equal(s->log_lines, 1);
  assert_non_null(strstr(s->last_line, "File too large"));
  assert_int_equal(scratch_size(s->path), whole);

  hd_trace_file *file = NULL;
  assert_int_equal(hd_trace_read(&s->host, s->path, &file, &error), HD_OK);
  size_t count = 0;
  hd_trace_records(file, &count);
  assert_int_equal(count, 10);
  hd_trace_file_destroy(file);
}

static void put(const char *path, const char *text) {
  FILE *file = fopen(path, "w");
  assert_non_null(file);
  assert_true(fputs(text, file) >= 0);
  assert_int_equal(fclose(file), 0);
}

/* Longer than a header: what is left of it would show. */
static const char LETTER[] = "dear reader, this is no trace at all, and was here long before you came";

static void a_file_that_was_there_is_lost_with_the_first_flush_and_not_before(void **state) {
  scratch *s = *state;
  put(s->path, LETTER);
  hd_record record = mark(1, 1);
  hd_trace *trace = create(s, 1, 64);
  hd_trace_emit(trace, 0, &record);
  hd_trace_discard(trace);
  hd_trace_discard(NULL);
  size_t size = 0;
  uint8_t *bytes = scratch_load(s->path, &size);
  assert_int_equal(size, sizeof LETTER - 1);
  assert_memory_equal(bytes, LETTER, size);
  free(bytes);

  hd_trace_file *file = finish_and_read(s, create(s, 1, 64)); /* nothing was emitted */
  size_t count = 1;
  hd_trace_records(file, &count);
  assert_int_equal(count, 0);
  assert_false(hd_trace_is_truncated(file));
  hd_trace_file_destroy(file);
}

static void a_file_that_was_there_and_cannot_be_written_is_told_at_the_first_flush(void **state) {
  scratch *s = *state;
  hd_error error;
  put(s->path, LETTER);
  hd_trace *trace = create(s, 1, 64);
  limit_file_size(16);
  assert_int_equal(hd_trace_flush(trace), HD_E_IO);
  assert_int_equal(hd_trace_destroy(trace, &error), HD_E_IO);
  assert_non_null(strstr(error.text, "after 0 bytes"));
  assert_int_equal(scratch_size(s->path), 0);
}

static void ring_numbers_that_make_no_sense_are_refused(void **state) {
  scratch *s = *state;
  hd_trace *trace = NULL;
  hd_error error;
  assert_int_equal(hd_trace_create(&s->host, s->path, 0, 64, &trace, &error), HD_E_INVALID);
  assert_int_equal(hd_trace_create(&s->host, s->path, 1, 0, &trace, &error), HD_E_INVALID);
  assert_int_equal(hd_trace_create(&s->host, s->path, 1, 1, &trace, &error), HD_E_INVALID);
  assert_int_equal(hd_trace_create(&s->host, s->path, 1, 48, &trace, &error), HD_E_INVALID);
  assert_non_null(strstr(error.text, "48"));
  assert_int_equal(hd_trace_destroy(NULL, &error), HD_OK);
}

static void no_memory_leaves_nothing_whichever_allocation_fails(void **state) {
  scratch *s = *state;
  hd_trace *trace = NULL;
  hd_error error;
  long n = 0;
  for (;; n++) {
    s->allocations_left = n;
    hd_status status = hd_trace_create(&s->host, s->path, 2, 64, &trace, &error);
    if (status == HD_OK) break;
    assert_int_equal(status, HD_E_NO_MEMORY);
    assert_int_equal(access(s->path, F_OK), -1);
  }
  assert_true(n > 0);
  assert_int_equal(hd_trace_destroy(trace, &error), HD_OK);
}

/* ---- several threads ---- */

#define PRODUCERS 3u
#define EACH      20000u

typedef struct producer {
  hd_trace *trace;
  uint32_t ring;
  atomic_uint *running;
} producer;

static void *produce(void *arg) {
  producer *p = arg;
  for (uint32_t i = 1; i <= EACH; i++) {
    hd_record record = mark(i, i);
    record.request = p->ring;
    hd_trace_emit(p->trace, p->ring, &record);
  }
  atomic_fetch_sub(p->running, 1);
  return NULL;
}

static void nothing_is_lost_uncounted_while_others_flush(void **state) {
  scratch *s = *state;
  hd_trace *trace = create(s, PRODUCERS, 256);
  atomic_uint running = PRODUCERS;
  producer producers[PRODUCERS];
  pthread_t threads[PRODUCERS];
  for (uint32_t i = 0; i < PRODUCERS; i++) {
    producers[i] = (producer){trace, i, &running};
    assert_int_equal(pthread_create(&threads[i], NULL, produce, &producers[i]), 0);
  }
  while (atomic_load(&running) > 0)
    if (hd_trace_wants_flush(trace)) assert_int_equal(hd_trace_flush(trace), HD_OK);
  for (uint32_t i = 0; i < PRODUCERS; i++)
    pthread_join(threads[i], NULL);
  hd_trace_file *file = finish_and_read(s, trace);

  size_t count = 0;
  const hd_record *out = hd_trace_records(file, &count);
  uint64_t seen[PRODUCERS] = {0};
  uint32_t last[PRODUCERS] = {0};
  for (size_t i = 0; i < count; i++) {
    if (out[i].kind == HD_IN_DROPPED) {
      assert_true(out[i].step < PRODUCERS);
      seen[out[i].step] += out[i].a;
      continue;
    }
    uint32_t ring = out[i].request;
    assert_true(ring < PRODUCERS && out[i].step > last[ring]);
    assert_int_equal(out[i].a, ~(uint64_t)out[i].step);
    last[ring] = out[i].step;
    seen[ring]++;
  }
  for (uint32_t i = 0; i < PRODUCERS; i++)
    assert_int_equal(seen[i], EACH);
  hd_trace_file_destroy(file);
}

int main(void) {
#define TEST(name)         cmocka_unit_test_setup_teardown(name, scratch_setup, scratch_teardown)
#define TEST_LIMITED(name) cmocka_unit_test_setup_teardown(name, scratch_setup, lift_file_size)
  const struct CMUnitTest tests[] = {
      TEST(what_is_emitted_is_read_back),
      TEST(a_flush_is_wanted_when_a_ring_is_more_than_half_full),
      TEST(a_full_ring_tells_its_losses_where_they_happened),
      TEST(losses_at_the_very_end_are_told_too),
      TEST(an_unwritable_path_gives_one_line_and_leaves_nothing),
      TEST_LIMITED(a_header_that_does_not_fit_leaves_no_file),
      TEST_LIMITED(a_full_disk_is_told_once_and_leaves_whole_chunks),
      TEST(a_file_that_was_there_is_lost_with_the_first_flush_and_not_before),
      TEST_LIMITED(a_file_that_was_there_and_cannot_be_written_is_told_at_the_first_flush),
      TEST(ring_numbers_that_make_no_sense_are_refused),
      TEST(no_memory_leaves_nothing_whichever_allocation_fails),
      TEST(nothing_is_lost_uncounted_while_others_flush),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
