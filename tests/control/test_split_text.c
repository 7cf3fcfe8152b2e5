/* SPDX-License-Identifier: Apache-2.0 */
/* Pins as text: what is read, and what is said about what is not. */
#include "heddle/split.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <cmocka.h>

static const char names[][HD_NAME_BYTES] = {"cpu", "sim", "sim1"};
enum { LAYERS = 12, CAP = 4 };

static hd_status parse(const char *text, hd_split_pin *pins, uint32_t *count, hd_error *error) {
  *count = 99;
  return hd_split_parse(text, names, 3, LAYERS, pins, CAP, count, error);
}

static void ranges_open_ends_and_single_layers_are_read(void **state) {
  (void)state;
  hd_split_pin pins[CAP];
  uint32_t count;
  assert_int_equal(parse("cpu:0-3,sim1:7-,sim:5", pins, &count, NULL), HD_OK);
  assert_int_equal(count, 3);
  const hd_split_pin expected[] = {{0, 0, 4}, {2, 7, 12}, {1, 5, 6}};
  for (uint32_t i = 0; i < 3; i++) {
    assert_int_equal(pins[i].device, expected[i].device);
    assert_int_equal(pins[i].layer_begin, expected[i].layer_begin);
    assert_int_equal(pins[i].layer_end, expected[i].layer_end);
  }
  assert_int_equal(parse("cpu:0-11", pins, &count, NULL), HD_OK);
  assert_int_equal(pins[0].layer_end, 12);
}

static void wrong_text_is_reported_with_its_place(void **state) {
  (void)state;
  static const struct {
    const char *text, *place, *reason;
    hd_status status;
  } cases[] = {
      {"", "character 1", "NAME:FIRST-LAST", HD_E_FORMAT},
      {"cpu", "character 1", "NAME:FIRST-LAST", HD_E_FORMAT},
      {":0-3", "character 1", "NAME:FIRST-LAST", HD_E_FORMAT},
      {"cpu,sim:1", "character 1", "NAME:FIRST-LAST", HD_E_FORMAT},
      {"cpu:", "character 5", "number", HD_E_FORMAT},
      {"cpu:-3", "character 5", "number", HD_E_FORMAT},
      {"cpu:1-x", "character 7", "number", HD_E_FORMAT},
      {"cpu:1x", "character 6", "','", HD_E_FORMAT},
      {"cpu:3-1", "character 5", "before the first", HD_E_FORMAT},
      {"cpu:12", "character 5", "layers 0 to 11", HD_E_FORMAT},
      {"cpu:0-99999999999999999999", "character 7", "layers 0 to 11", HD_E_FORMAT},
      {"cpu:0-3,", "character 9", "NAME:FIRST-LAST", HD_E_FORMAT},
      {"cpu:0-3,sim:3-4", "character 9", "twice", HD_E_FORMAT},
      {"cpu:0,npu:1", "character 7", "no device is named \"npu\"", HD_E_NOT_FOUND},
      {"cp:0", "character 1", "\"cp\"", HD_E_NOT_FOUND},
      {"cpu:0,sim:1,cpu:2,sim:3,cpu:4", "more than 4", "parts", HD_E_LIMIT},
  };
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    hd_split_pin pins[CAP];
    hd_error error;
    uint32_t count;
    assert_int_equal(parse(cases[i].text, pins, &count, &error), cases[i].status);
    assert_int_equal(count, 99); /* outputs are written on success alone */
    assert_non_null(strstr(error.text, cases[i].text));
    assert_non_null(strstr(error.text, cases[i].place));
    assert_non_null(strstr(error.text, cases[i].reason));
  }
}

static void a_model_without_layers_has_nothing_to_pin(void **state) {
  (void)state;
  hd_split_pin pins[CAP];
  uint32_t count;
  assert_int_equal(hd_split_parse("cpu:0", names, 3, 0, pins, CAP, &count, NULL), HD_E_FORMAT);
}

static void random_text_is_read_or_refused_but_never_out_of_bounds(void **state) {
  (void)state;
  static const char letters[] = "cpusim1:,-0123456789";
  uint64_t random = 1;
  uint32_t good = 0;
  for (uint32_t round = 0; round < 200000; round++) {
    char text[24];
    uint32_t length = 0, limit = (uint32_t)((random = random * 6364136223846793005u + 1u) >> 60);
    hd_split_pin pins[CAP];
    hd_error error;
    uint32_t count;
    if ((random >> 32 & 1) != 0) memcpy(text, "cpu:", length = 4);
    for (uint32_t i = 0; i < limit && length < sizeof text - 1; i++)
      text[length++] = letters[((random = random * 6364136223846793005u + 1u) >> 33) % (sizeof letters - 1)];
    text[length] = '\0';
    if (parse(text, pins, &count, &error) != HD_OK) continue;
    good++;
    assert_in_range(count, 1, CAP);
    for (uint32_t i = 0; i < count; i++)
      assert_true(pins[i].device < 3 && pins[i].layer_begin < pins[i].layer_end &&
                  pins[i].layer_end <= LAYERS);
  }
  assert_in_range(good, 100, UINT32_MAX);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(ranges_open_ends_and_single_layers_are_read),
      cmocka_unit_test(wrong_text_is_reported_with_its_place),
      cmocka_unit_test(a_model_without_layers_has_nothing_to_pin),
      cmocka_unit_test(random_text_is_read_or_refused_but_never_out_of_bounds),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
