/* SPDX-License-Identifier: Apache-2.0 */
/* The reader: order, names, and files that are not what they claim to be. */
#include "scratch.h"
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static hd_record at_time(uint64_t t_ns, uint32_t number) {
  return (hd_record){.t_ns = t_ns, .kind = HD_IN_MARK, .device = HD_RECORD_NO_DEVICE, .step = number};
}

static hd_trace_file *parse(scratch *s, const builder *b) {
  hd_trace_file *file = NULL;
  hd_error error = {""};
  hd_status status = hd_trace_parse(&s->host, b->bytes, b->size, "test", &file, &error);
  if (status != HD_OK) print_error("%s\n", error.text);
  assert_int_equal(status, HD_OK);
  return file;
}

static void expect_refusal(scratch *s, const builder *b, const char *place) {
  hd_trace_file *file = NULL;
  hd_error error = {""};
  assert_int_equal(hd_trace_parse(&s->host, b->bytes, b->size, "some.trace", &file, &error), HD_E_FORMAT);
  assert_null(file);
  assert_non_null(strstr(error.text, "some.trace"));
  if (!strstr(error.text, place)) fail_msg("\"%s\" does not say \"%s\"", error.text, place);
}

static void an_empty_trace_has_no_records(void **state) {
  builder b;
  size_t count = 1;
  builder_begin(&b);
  hd_trace_file *file = parse(*state, &b);
  hd_trace_records(file, &count);
  assert_int_equal(count, 0);
  assert_false(hd_trace_is_truncated(file));
  assert_null(hd_trace_find_name(file, HD_NAME_POLICY, 0));
  hd_trace_file_destroy(file);
}

static void wrong_headers_are_refused_with_their_place(void **state) {
  builder b;
  builder_begin(&b);
  b.bytes[3] ^= 1;
  expect_refusal(*state, &b, "byte 0");
  builder_begin(&b);
  hdi_put_u32(b.bytes + 8, 2);
  expect_refusal(*state, &b, "byte 8: trace version 2");
  builder_begin(&b);
  hdi_put_u32(b.bytes + 12, 48);
  expect_refusal(*state, &b, "byte 12: records of 48 bytes");
  b.size = 0;
  expect_refusal(*state, &b, "byte 0: the file ends");
}

static void wrong_chunks_are_refused_with_their_place(void **state) {
  builder b;
  hd_record record = at_time(1, 1);
  builder_begin(&b);
  builder_chunk(&b, 0, &record, 1);
  builder_chunk(&b, 0, &record, 0);
  expect_refusal(*state, &b, "byte 80");
  builder_begin(&b);
  builder_chunk(&b, UINT32_MAX, &record, 1);
  expect_refusal(*state, &b, "byte 32");
  builder_begin(&b);
  builder_chunk(&b, 0, &record, 1);
  hdi_put_u32(b.bytes + 36, UINT32_MAX);
  expect_refusal(*state, &b, "byte 32");
}

/* The cut file's own size bounds what is read, so a sanitizer sees a read beyond it. */
static void a_trace_cut_at_any_byte_is_read_up_to_its_last_whole_chunk(void **state) {
  scratch *s = *state;
  builder b;
  size_t ends[8], records_until[8], chunks = 0;
  builder_begin(&b);
  hd_record records[4];
  for (uint32_t i = 0; i < 4; i++)
    records[i] = at_time(i, i);
  for (uint32_t i = 0; i < 8; i++) {
    uint32_t count = 1 + i % 4;
    builder_chunk(&b, i % 3, records, count);
    ends[chunks] = b.size;
    records_until[chunks] = count + (chunks > 0 ? records_until[chunks - 1] : 0);
    chunks++;
  }
  for (size_t cut = 0; cut <= b.size; cut++) {
    uint8_t *bytes = malloc(cut > 0 ? cut : 1);
    memcpy(bytes, b.bytes, cut);
    hd_trace_file *file = NULL;
    hd_error error;
    hd_status status = hd_trace_parse(&s->host, bytes, cut, "cut", &file, &error);
    assert_int_equal(status, cut < HDI_TRACE_HEADER_BYTES ? HD_E_FORMAT : HD_OK);
    if (status == HD_OK) {
      size_t count = 0, expected = 0;
      bool at_border = cut == HDI_TRACE_HEADER_BYTES;
      for (size_t i = 0; i < chunks; i++) {
        if (ends[i] <= cut) expected = records_until[i];
        at_border |= ends[i] == cut;
      }
      hd_trace_records(file, &count);
      assert_int_equal(count, expected);
      assert_int_equal(hd_trace_is_truncated(file), !at_border);
    }
    hd_trace_file_destroy(file);
    free(bytes);
  }
}

/* Brute force: put each record of another ring before the first record of ring 0 that is later. */
static void other_rings_are_merged_by_time_and_ring_0_keeps_its_order(void **state) {
  scratch *s = *state;
  for (uint64_t seed = 1; seed <= 50; seed++) {
    uint64_t random = seed;
    builder b;
    hd_record main_ring[120], others[120];
    uint32_t mains = 0, other_count = 0, number = 0;
    uint64_t clock[4] = {0};
    builder_begin(&b);
    for (int c = 0; c < 12; c++) {
      uint32_t ring = (uint32_t)(next_random(&random) % 4);
      uint32_t count = 1 + (uint32_t)(next_random(&random) % 9);
      hd_record chunk[10];
      for (uint32_t i = 0; i < count; i++) {
        clock[ring] += next_random(&random) % 5;
        chunk[i] = at_time(clock[ring], number++);
        if (ring == 0)
          main_ring[mains++] = chunk[i];
        else
          others[other_count++] = chunk[i];
      }
      builder_chunk(&b, ring, chunk, count);
    }
    hd_trace_file *file = parse(s, &b);
    size_t total = 0;
    const hd_record *out = hd_trace_records(file, &total);
    assert_int_equal(total, mains + other_count);
    uint32_t m = 0;
    bool used[120] = {false};
    for (size_t i = 0; i < total; i++) {
      int64_t earliest = -1; /* the first of the least time, in file order */
      for (uint32_t k = 0; k < other_count; k++)
        if (!used[k] && (earliest < 0 || others[k].t_ns < others[earliest].t_ns)) earliest = k;
      if (m < mains && (earliest < 0 || others[earliest].t_ns >= main_ring[m].t_ns)) {
        assert_memory_equal(&out[i], &main_ring[m], sizeof out[i]);
        m++;
      } else {
        assert_memory_equal(&out[i], &others[earliest], sizeof out[i]);
        used[earliest] = true;
      }
    }
    hd_trace_file_destroy(file);
  }
}

static hd_trace_file *written_names(scratch *s, const char *const *names, uint32_t count) {
  hd_trace *trace = NULL;
  hd_trace_file *file = NULL;
  assert_int_equal(hd_trace_create(&s->host, s->path, 1, 256, &trace, NULL), HD_OK);
  for (uint32_t i = 0; i < count; i++)
    hd_trace_name(trace, 5, HD_NAME_GRAPH, i, names[i]);
  assert_int_equal(hd_trace_destroy(trace, NULL), HD_OK);
  assert_int_equal(hd_trace_read(&s->host, s->path, &file, NULL), HD_OK);
  return file;
}

static void names_of_any_length_come_back_cut_to_what_fits(void **state) {
  char names[64][65];
  const char *pointers[64];
  for (uint32_t i = 0; i < 64; i++) {
    for (uint32_t k = 0; k < i; k++)
      names[i][k] = (char)('a' + (i + k) % 26);
    names[i][i] = '\0';
    pointers[i] = names[i];
  }
  hd_trace_file *file = written_names(*state, pointers, 64);
  for (uint32_t i = 0; i < 64; i++) {
    names[i][HD_NAME_BYTES - 1] = '\0';
    assert_string_equal(hd_trace_find_name(file, HD_NAME_GRAPH, i), names[i]);
  }
  assert_null(hd_trace_find_name(file, HD_NAME_GRAPH, 64));
  assert_null(hd_trace_find_name(file, HD_NAME_DEVICE, 0));
  hd_trace_file_destroy(file);
}

static void a_name_is_not_cut_inside_a_character(void **state) {
  const char *name =
      "0123456789012345678901234567890123456789012345\xc3\xa9z"; /* e acute is bytes 46 and 47 */
  hd_trace_file *file = written_names(*state, &name, 1);
  assert_string_equal(hd_trace_find_name(file, HD_NAME_GRAPH, 0),
                      "0123456789012345678901234567890123456789012345");
  hd_trace_file_destroy(file);
}

static hd_record name_piece(uint32_t id, uint16_t piece, char fill) {
  uint64_t text = (uint64_t)(uint8_t)fill * UINT64_C(0x0101010101010101);
  return (hd_record){
      .kind = HD_IN_NAME, .step = HD_NAME_DEVICE, .request = id, .device = piece, .a = text, .b = text};
}

static void names_that_are_not_terminated_or_lack_pieces_end_where_they_end(void **state) {
  hd_record records[] = {name_piece(0, 0, 'a'), name_piece(0, 1, 'b'), name_piece(0, 2, 'c'),
                         name_piece(0, 3, 'd'), name_piece(1, 0, 'e'), name_piece(1, 2, 'f'),
                         name_piece(2, 7, 'g'), name_piece(3, 0, 'h')};
  builder b;
  builder_begin(&b);
  builder_chunk(&b, 0, records, 8);
  hd_trace_file *file = parse(*state, &b);
  assert_string_equal(hd_trace_find_name(file, HD_NAME_DEVICE, 0),
                      "aaaaaaaaaaaaaaaabbbbbbbbbbbbbbbbccccccccccccccc");
  assert_string_equal(hd_trace_find_name(file, HD_NAME_DEVICE, 1), "eeeeeeeeeeeeeeee");
  assert_null(hd_trace_find_name(file, HD_NAME_DEVICE, 2));
  assert_string_equal(hd_trace_find_name(file, HD_NAME_DEVICE, 3), "hhhhhhhhhhhhhhhh");
  hd_trace_file_destroy(file);
}

static void the_largest_kind_and_id_have_a_name_too(void **state) {
  hd_record records[] = {name_piece(0, 0, 'a'), name_piece(UINT32_MAX, 0, 'z')};
  records[1].step = UINT32_MAX;
  builder b;
  builder_begin(&b);
  builder_chunk(&b, 0, records, 2);
  hd_trace_file *file = parse(*state, &b);
  assert_string_equal(hd_trace_find_name(file, (hd_name_kind)UINT32_MAX, UINT32_MAX), "zzzzzzzzzzzzzzzz");
  assert_null(hd_trace_find_name(file, (hd_name_kind)UINT32_MAX, UINT32_MAX - 1));
  hd_trace_file_destroy(file);
}

static void no_memory_is_an_answer_whichever_allocation_fails(void **state) {
  scratch *s = *state;
  hd_record records[] = {name_piece(0, 0, 'a'), name_piece(1, 0, 'b')};
  hd_record others[] = {at_time(3, 1), at_time(4, 2)};
  builder b;
  builder_begin(&b);
  builder_chunk(&b, 0, records, 2);
  builder_chunk(&b, 1, others, 2);
  hd_trace_file *file = NULL;
  hd_error error;
  long n = 0;
  for (;; n++) {
    s->allocations_left = n;
    hd_status status = hd_trace_parse(&s->host, b.bytes, b.size, "test", &file, &error);
    if (status == HD_OK) break;
    assert_int_equal(status, HD_E_NO_MEMORY);
    assert_null(file);
  }
  assert_int_equal(n, 5); /* file, records, keys, names, keys of names */
  hd_trace_file_destroy(file);
}

static void files_that_cannot_be_read_are_named(void **state) {
  scratch *s = *state;
  hd_trace_file *file = NULL;
  hd_error error;
  assert_int_equal(hd_trace_read(&s->host, s->path, &file, &error), HD_E_IO);
  assert_non_null(strstr(error.text, s->path));
  assert_non_null(strstr(error.text, "No such file"));
  assert_int_equal(hd_trace_read(&s->host, s->folder, &file, &error), HD_E_IO);
  assert_non_null(strstr(error.text, "not a regular file"));
  hd_trace_file_destroy(NULL);
}

/* Any bytes behind a right header: an answer, and whatever is read can be printed. */
static void flipped_bytes_never_do_more_than_fail(void **state) {
  scratch *s = *state;
  uint64_t random = 99;
  unsigned read = 0, refused = 0;
  for (int round = 0; round < 2000; round++) {
    builder b;
    hd_record records[] = {name_piece(0, 0, 'a'), at_time(3, 1), name_piece(0, 1, 'b')};
    builder_begin(&b);
    builder_chunk(&b, 0, records, 3);
    builder_chunk(&b, 1, records, 2);
    for (int flips = 0; flips < 4; flips++)
      b.bytes[8 + next_random(&random) % (b.size - 8)] ^= (uint8_t)(1u << next_random(&random) % 8);
    hd_trace_file *file = NULL;
    hd_error error;
    hd_status status = hd_trace_parse(&s->host, b.bytes, b.size, "test", &file, &error);
    if (status == HD_OK) {
      size_t count = 0;
      hd_trace_records(file, &count);
      assert_in_range(count, 0, 5);
      read++;
    } else {
      assert_int_equal(status, HD_E_FORMAT);
      refused++;
    }
    hd_trace_file_destroy(file);
  }
  assert_true(read > 100 && refused > 100);
}

int main(void) {
#define TEST(name) cmocka_unit_test_setup_teardown(name, scratch_setup, scratch_teardown)
  const struct CMUnitTest tests[] = {
      TEST(an_empty_trace_has_no_records),
      TEST(wrong_headers_are_refused_with_their_place),
      TEST(wrong_chunks_are_refused_with_their_place),
      TEST(a_trace_cut_at_any_byte_is_read_up_to_its_last_whole_chunk),
      TEST(other_rings_are_merged_by_time_and_ring_0_keeps_its_order),
      TEST(names_of_any_length_come_back_cut_to_what_fits),
      TEST(a_name_is_not_cut_inside_a_character),
      TEST(names_that_are_not_terminated_or_lack_pieces_end_where_they_end),
      TEST(the_largest_kind_and_id_have_a_name_too),
      TEST(no_memory_is_an_answer_whichever_allocation_fails),
      TEST(files_that_cannot_be_read_are_named),
      TEST(flipped_bytes_never_do_more_than_fail),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
