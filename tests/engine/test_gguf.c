/* SPDX-License-Identifier: Apache-2.0 */
/* Malformed GGUF files: each wrong field gives one line that names the place and the reason; nothing crashes
 * or leaks. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "check_host.h"
#include "engine/gguf.h"
#include "gguf_writer.h"

#define HUGE_COUNT (UINT64_C(1) << 60)

/* A small right file to begin with: three keys, two tensors. */
static void write_good(gw_writer *w) {
  static const float VALUES[64];
  static const char *const TEXTS[] = {"one", "", "three"};
  gw_init(w);
  gw_u32(w, "general.alignment", 32);
  gw_text(w, "general.name", "good");
  gw_texts(w, "texts", TEXTS, 3);
  gw_tensor(w, "a", 32, 2, GW_TENSOR_F32, VALUES, 256);
  gw_tensor(w, "b", 8, 1, GW_TENSOR_F32, VALUES, 32);
}

/* Reads and expects this status; `part` must stand in the line. Checks that nothing stays allocated. */
static void expect_bytes(const uint8_t *bytes, size_t size, hd_status expected, const char *part) {
  check_host check;
  check_host_init(&check);
  hei_gguf *gguf = NULL;
  hd_error error = {""};
  hd_status status = hei_gguf_read(&check.host, bytes, size, "bad.gguf", &gguf, &error);
  if (status != expected) fail_msg("status %d (%s), not %d", status, error.text, expected);
  if (status == HD_OK) {
    hei_gguf_destroy(gguf);
  } else {
    assert_non_null(strstr(error.text, "bad.gguf: "));
    if (strstr(error.text, part) == NULL) fail_msg("'%s' does not say '%s'", error.text, part);
    assert_null(strchr(error.text, '\n'));
  }
  assert_int_equal(check.live_bytes, 0);
  assert_int_equal(check.wrong_frees, 0);
}

/* Builds, expects, and takes the writer apart. */
static void expect(gw_writer *w, hd_status expected, const char *part) {
  size_t size;
  uint8_t *bytes = gw_build(w, &size);
  expect_bytes(bytes, size, expected, part);
  free(bytes);
  gw_finish(w);
}

static void a_good_file_gives_its_values(void **state) {
  (void)state;
  check_host check;
  check_host_init(&check);
  gw_writer w;
  write_good(&w);
  gw_f32(&w, "f", 0.5f);
  gw_bool(&w, "yes", true);
  size_t size;
  uint8_t *bytes = gw_build(&w, &size);
  hei_gguf *gguf;
  hd_error error;
  assert_int_equal(hei_gguf_read(&check.host, bytes, size, "good.gguf", &gguf, &error), HD_OK);
  hei_text text;
  float number;
  bool yes = false;
  const hei_gguf_entry *texts;
  assert_int_equal(hei_gguf_get_text(gguf, "general.name", true, &text, &error), HD_OK);
  assert_true(hei_text_is(text, "good"));
  assert_int_equal(hei_gguf_get_float(gguf, "f", true, 0.0, 1.0, &number, &error), HD_OK);
  assert_true(number == 0.5f);
  assert_int_equal(hei_gguf_get_bool(gguf, "yes", true, &yes, &error), HD_OK);
  assert_true(yes);
  assert_int_equal(hei_gguf_get_array(gguf, "texts", true, HEI_GGUF_STRING, &texts, &error), HD_OK);
  const uint8_t *at = texts->data;
  assert_int_equal(texts->count, 3);
  assert_true(hei_text_is(hei_gguf_next_text(&at), "one"));
  assert_true(hei_text_is(hei_gguf_next_text(&at), ""));
  assert_true(hei_text_is(hei_gguf_next_text(&at), "three"));
  const hei_gguf_tensor *b = hei_gguf_find_tensor(gguf, "b");
  assert_int_equal(b->bytes, 32);
  assert_int_equal(b->dims[0], 8);
  assert_ptr_equal(hei_gguf_tensor_data(gguf, b), bytes + size - 32); /* nothing is copied */
  assert_null(hei_gguf_find_tensor(gguf, "c"));
  hei_gguf_destroy(gguf);
  assert_int_equal(check.live_bytes, 0);
  free(bytes);
  gw_finish(&w);
}

static void getters_name_key_and_reason(void **state) {
  (void)state;
  check_host check;
  check_host_init(&check);
  gw_writer w;
  write_good(&w);
  gw_f32(&w, "f", 2.0f);
  if (gw_key(&w, "minus", GW_I32)) gw_put_u32(&w.keys, (uint32_t)-5);
  size_t size;
  uint8_t *bytes = gw_build(&w, &size);
  hei_gguf *gguf;
  hd_error error;
  uint32_t number = 7;
  float fraction = 7.0f;
  bool yes = true;
  hei_text text;
  const hei_gguf_entry *entry = NULL;
  assert_int_equal(hei_gguf_read(&check.host, bytes, size, "good.gguf", &gguf, &error), HD_OK);
  assert_int_equal(hei_gguf_get_uint(gguf, "absent", false, 0, 9, &number, &error), HD_OK);
  assert_int_equal(number, 7);
  assert_int_equal(hei_gguf_get_uint(gguf, "absent", true, 0, 9, &number, &error), HD_E_FORMAT);
  assert_string_equal(error.text, "good.gguf: key 'absent' is missing");
  assert_int_equal(hei_gguf_get_uint(gguf, "general.name", true, 0, 9, &number, &error), HD_E_FORMAT);
  assert_string_equal(error.text, "good.gguf: key 'general.name' is string, not an integer");
  assert_int_equal(hei_gguf_get_uint(gguf, "general.alignment", true, 0, 31, &number, &error), HD_E_FORMAT);
  assert_string_equal(error.text, "good.gguf: key 'general.alignment': 32 is outside 0 to 31");
  assert_int_equal(hei_gguf_get_uint(gguf, "minus", true, 0, UINT32_MAX, &number, &error), HD_E_FORMAT);
  assert_string_equal(error.text, "good.gguf: key 'minus': -5 is outside 0 to 4294967295");
  assert_int_equal(hei_gguf_get_float(gguf, "f", true, 0.0, 1.0, &fraction, &error), HD_E_FORMAT);
  assert_int_equal(hei_gguf_get_bool(gguf, "f", true, &yes, &error), HD_E_FORMAT);
  assert_int_equal(hei_gguf_get_text(gguf, "f", true, &text, &error), HD_E_FORMAT);
  assert_int_equal(hei_gguf_get_array(gguf, "texts", true, HEI_GGUF_F32, &entry, &error), HD_E_FORMAT);
  assert_string_equal(error.text, "good.gguf: key 'texts' is an array of string, not an array of f32");
  hei_gguf_destroy(gguf);
  free(bytes);
  gw_finish(&w);
}

static void a_wrong_frame_is_refused(void **state) {
  (void)state;
  gw_writer w;
  write_good(&w);
  w.magic[0] = 'g';
  expect(&w, HD_E_FORMAT, "byte 0: not a GGUF file");
  write_good(&w);
  w.version = 1;
  expect(&w, HD_E_UNSUPPORTED, "byte 4: GGUF version 1");
  write_good(&w);
  w.version = 0x03000000u;
  expect(&w, HD_E_UNSUPPORTED, "big-endian");
  write_good(&w);
  w.version = 2;
  expect(&w, HD_OK, "");
  expect_bytes((const uint8_t *)"", 0, HD_E_FORMAT, "byte 0");
}

static void counts_of_2_to_the_60_cost_nothing(void **state) {
  (void)state;
  gw_writer w;
  write_good(&w);
  w.more_keys = HUGE_COUNT;
  expect(&w, HD_E_FORMAT, "keys cannot stand in");
  write_good(&w);
  w.more_tensors = HUGE_COUNT;
  expect(&w, HD_E_FORMAT, "tensors cannot stand in");
  write_good(&w);
  w.more_keys = UINT64_MAX - 3;
  expect(&w, HD_E_FORMAT, "keys cannot stand in");
  write_good(&w);
  if (gw_key(&w, "array", GW_ARRAY)) {
    gw_put_u32(&w.keys, GW_U8);
    gw_put_u64(&w.keys, HUGE_COUNT);
  }
  expect(&w, HD_E_FORMAT, "key 'array': the array runs past the end of the file");
  write_good(&w);
  if (gw_key(&w, "array", GW_ARRAY)) {
    gw_put_u32(&w.keys, GW_F64);
    gw_put_u64(&w.keys, HUGE_COUNT * 2 + 1); /* times 8 is 8 again */
  }
  expect(&w, HD_E_FORMAT, "key 'array': the array runs past the end of the file");
  write_good(&w);
  if (gw_key(&w, "text", GW_STRING)) gw_put_u64(&w.keys, HUGE_COUNT);
  expect(&w, HD_E_FORMAT, "a string value claims 1152921504606846976 bytes");
}

static void values_must_be_what_they_claim(void **state) {
  (void)state;
  gw_writer w;
  write_good(&w);
  (void)gw_key(&w, "odd", 13);
  expect(&w, HD_E_FORMAT, "key 'odd': unknown value type 13");
  write_good(&w);
  if (gw_key(&w, "odd", GW_ARRAY)) {
    gw_put_u32(&w.keys, 77);
    gw_put_u64(&w.keys, 1);
  }
  expect(&w, HD_E_FORMAT, "key 'odd': unknown element type 77");
  write_good(&w);
  if (gw_key(&w, "nested", GW_ARRAY)) { /* what a cyclic file would need: values inside of values */
    gw_put_u32(&w.keys, GW_ARRAY);
    gw_put_u64(&w.keys, 1);
  }
  expect(&w, HD_E_FORMAT, "key 'nested': an array of arrays is not read");
  write_good(&w);
  if (gw_key(&w, "maybe", GW_BOOL)) gw_put(&w.keys, "\x02", 1);
  expect(&w, HD_E_FORMAT, "key 'maybe': a boolean is neither 0 nor 1: 2");
  write_good(&w);
  gw_u32(&w, "general.name", 1);
  expect(&w, HD_E_FORMAT, "key 'general.name' stands twice");
  write_good(&w);
  gw_u32(&w, "", 1);
  expect(&w, HD_E_FORMAT, "a key without a name");
}

static void the_alignment_is_a_power_of_two(void **state) {
  (void)state;
  static const uint32_t BAD[] = {0, 1, 4, 24, 48, 1u << 21, UINT32_MAX};
  for (size_t i = 0; i < sizeof BAD / sizeof *BAD; i++) {
    gw_writer w;
    gw_init(&w);
    gw_u32(&w, "general.alignment", BAD[i]);
    expect(&w, HD_E_FORMAT, "key 'general.alignment'");
  }
  gw_writer w;
  gw_init(&w);
  gw_text(&w, "general.alignment", "32");
  expect(&w, HD_E_FORMAT, "key 'general.alignment' is string, not an integer");
}

static void add_line(gw_writer *w, const char *name, uint32_t n_dims, uint64_t d0, uint64_t d1, uint32_t type,
                     uint64_t offset) {
  uint64_t dims[5] = {d0, d1, 1, 1, 1};
  gw_tensor_line(w, name, n_dims, dims, type, offset);
}

static void a_tensors_shape_and_type_are_checked(void **state) {
  (void)state;
  gw_writer w;
  write_good(&w);
  add_line(&w, "t", 0, 0, 0, GW_TENSOR_F32, 0);
  expect(&w, HD_E_FORMAT, "tensor 't': 1 to 4 dimensions are possible, it claims 0");
  write_good(&w);
  add_line(&w, "t", 5, 1, 1, GW_TENSOR_F32, 0);
  expect(&w, HD_E_FORMAT, "tensor 't': 1 to 4 dimensions are possible, it claims 5");
  write_good(&w);
  add_line(&w, "t", 2, 0, 4, GW_TENSOR_F32, 0);
  expect(&w, HD_E_FORMAT, "tensor 't': no values along dimension 0");
  write_good(&w);
  uint64_t dims[4] = {1, UINT64_C(1) << 32, UINT64_C(1) << 32, 2};
  gw_tensor_line(&w, "t", 4, dims, GW_TENSOR_F32, 0);
  expect(&w, HD_E_FORMAT, "tensor 't': the dimensions' product overflows");
  write_good(&w);
  add_line(&w, "t", 2, 4, UINT64_C(1) << 62, GW_TENSOR_F32, 0);
  expect(&w, HD_E_FORMAT, "tensor 't': its size overflows");
  write_good(&w);
  add_line(&w, "t", 1, UINT64_MAX, 1, GW_TENSOR_F32, 0);
  expect(&w, HD_E_FORMAT, "tensor 't'");
  write_good(&w);
  add_line(&w, "t", 1, 33, 1, GW_TENSOR_Q8_0, 0);
  expect(&w, HD_E_FORMAT, "tensor 't': a row of 33 values is no whole number of Q8_0 blocks");
  write_good(&w);
  add_line(&w, "t", 1, 32, 1, 12345, 0);
  expect(&w, HD_E_FORMAT, "tensor 't': unknown tensor type 12345");
  write_good(&w);
  add_line(&w, "t", 1, 32, 1, 4, 0); /* a number that was taken back */
  expect(&w, HD_E_FORMAT, "tensor 't': unknown tensor type 4");
  write_good(&w);
  add_line(&w, "t", 1, 256, 1, 10, 0);
  expect(&w, HD_E_UNSUPPORTED, "tensor 't': type Q2_K is not supported");
  write_good(&w);
  add_line(&w, "a", 1, 8, 1, GW_TENSOR_F32, 0);
  expect(&w, HD_E_FORMAT, "tensor 'a' stands twice");
  write_good(&w);
  add_line(&w, "", 1, 8, 1, GW_TENSOR_F32, 0);
  expect(&w, HD_E_FORMAT, "a tensor without a name");
}

static void a_tensors_place_is_checked(void **state) {
  (void)state;
  gw_writer w;
  write_good(&w);
  add_line(&w, "t", 1, 1, 1, GW_TENSOR_F32, 8);
  expect(&w, HD_E_FORMAT, "tensor 't': its offset is misaligned: 8");
  write_good(&w);
  add_line(&w, "t", 1, 8, 1, GW_TENSOR_F32, 32);
  expect(&w, HD_E_FORMAT, "tensors 'a' and 't' overlap");
  write_good(&w);
  add_line(&w, "t", 1, 8, 1, GW_TENSOR_F32, 256); /* where b is */
  expect(&w, HD_E_FORMAT, "overlap");
  write_good(&w);
  add_line(&w, "t", 1, 8, 1, GW_TENSOR_F32, 288);
  expect(&w, HD_E_FORMAT,
         "tensor 't': its 32 bytes at data offset 288 run past the end of the file (288 bytes of data)");
  write_good(&w);
  add_line(&w, "t", 1, 8, 1, GW_TENSOR_F32, UINT64_MAX - 31);
  expect(&w, HD_E_FORMAT, "tensor 't'");
}

static void an_odd_name_is_shown_harmlessly(void **state) {
  (void)state;
  gw_writer w;
  write_good(&w);
  (void)gw_key(&w, "evil\x1b[2J\nname", 99);
  expect(&w, HD_E_FORMAT, "key 'evil?[2J?name'");
}

static void every_truncation_is_refused(void **state) {
  (void)state;
  gw_writer w;
  write_good(&w);
  size_t size;
  uint8_t *bytes = gw_build(&w, &size);
  for (size_t cut = 0; cut < size; cut++) {
    uint8_t *part = malloc(cut > 0 ? cut : 1); /* exactly as long, so that reading past it is seen */
    assert_non_null(part);
    memcpy(part, bytes, cut);
    expect_bytes(part, cut, HD_E_FORMAT, "");
    free(part);
  }
  expect_bytes(bytes, size, HD_OK, "");
  free(bytes);
  gw_finish(&w);
}

static void no_flipped_bit_does_harm(void **state) {
  (void)state;
  gw_writer w;
  write_good(&w);
  size_t size, refused = 0;
  uint8_t *bytes = gw_build(&w, &size);
  check_host check;
  check_host_init(&check);
  for (size_t bit = 0; bit < 8 * size; bit++) {
    bytes[bit / 8] ^= (uint8_t)(1u << (bit % 8));
    hei_gguf *gguf;
    hd_error error;
    hd_status status = hei_gguf_read(&check.host, bytes, size, "flipped", &gguf, &error);
    if (status == HD_OK) {
      /* What was accepted can be used: every tensor lies inside the file. */
      for (size_t i = 0; i < gguf->tensor_count; i++)
        assert_true(gguf->tensors[i].offset + gguf->tensors[i].bytes <= size);
      hei_gguf_destroy(gguf);
    } else {
      refused++;
    }
    assert_int_equal(check.live_bytes, 0);
    bytes[bit / 8] ^= (uint8_t)(1u << (bit % 8));
  }
  assert_true(refused > 100);
  free(bytes);
  gw_finish(&w);
}

static void each_refused_allocation_is_reported(void **state) {
  (void)state;
  gw_writer w;
  write_good(&w);
  size_t size;
  uint8_t *bytes = gw_build(&w, &size);
  hd_status status = HD_E_NO_MEMORY;
  for (unsigned long long n = 1; status != HD_OK; n++) {
    check_host check;
    check_host_init(&check);
    check.fail_at = n;
    hei_gguf *gguf = NULL;
    hd_error error;
    status = hei_gguf_read(&check.host, bytes, size, "file", &gguf, &error);
    if (status == HD_OK)
      hei_gguf_destroy(gguf);
    else
      assert_int_equal(status, HD_E_NO_MEMORY);
    assert_int_equal(check.live_bytes, 0);
    assert_true(n < 100);
  }
  free(bytes);
  gw_finish(&w);
}

/* 200,000 keys take a fraction of a second; a quadratic search for doubles would take hours. */
static void many_keys_are_read_in_linear_time(void **state) {
  (void)state;
  gw_writer w;
  gw_init(&w);
  for (uint32_t i = 0; i < 200000; i++) {
    char key[16];
    memcpy(key, "key-00000000", 13);
    for (uint32_t digit = 0, left = i; digit < 8; digit++, left /= 10)
      key[11 - digit] = (char)('0' + left % 10);
    gw_u32(&w, key, i);
  }
  expect(&w, HD_OK, "");
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(a_good_file_gives_its_values),
      cmocka_unit_test(getters_name_key_and_reason),
      cmocka_unit_test(a_wrong_frame_is_refused),
      cmocka_unit_test(counts_of_2_to_the_60_cost_nothing),
      cmocka_unit_test(values_must_be_what_they_claim),
      cmocka_unit_test(the_alignment_is_a_power_of_two),
      cmocka_unit_test(a_tensors_shape_and_type_are_checked),
      cmocka_unit_test(a_tensors_place_is_checked),
      cmocka_unit_test(an_odd_name_is_shown_harmlessly),
      cmocka_unit_test(every_truncation_is_refused),
      cmocka_unit_test(no_flipped_bit_does_harm),
      cmocka_unit_test(each_refused_allocation_is_reported),
      cmocka_unit_test(many_keys_are_read_in_linear_time),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
