/* SPDX-License-Identifier: Apache-2.0 */
/* The parts of the command that compute: UTF-8, guesses at mistyped names, tables, units. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "tools/footprint.h"
#include "tools/options.h"
#include "tools/table.h"
#include "tools/units.h"
#include "tools/utf8.h"

/* The encoding of a code point, written from the bit table of RFC 3629 section 3. */
static size_t encode(uint32_t point, char *out) {
  if (point < 0x80) {
    out[0] = (char)point;
    return 1;
  }
  size_t length = point < 0x800 ? 2 : point < 0x10000 ? 3 : 4;
  for (size_t i = length; i-- > 1; point >>= 6)
    out[i] = (char)(0x80 | (point & 0x3f));
  out[0] = (char)((0xf00u >> length & 0xffu) | point);
  return length;
}

static void exactly_the_scalar_values_are_characters(void **state) {
  (void)state;
  for (uint32_t point = 0; point < 0x120000; point++) {
    char bytes[4];
    size_t length = encode(point, bytes);
    int scalar = point < 0x110000 && (point < 0xd800 || point > 0xdfff);
    size_t found = hdt_utf8_character(bytes, length);
    if (found != (scalar ? length : 0)) fail_msg("U+%04X: %zu", point, found);
    for (size_t cut = 1; cut < length; cut++) {
      assert_int_equal(hdt_utf8_character(bytes, cut), 0);
      if (scalar && hdt_utf8_unfinished(bytes, cut) != cut) fail_msg("U+%04X cut at %zu", point, cut);
    }
  }
}

/* The number of byte strings of a length that are one character is known: every character has one encoding.
 */
static void no_character_has_two_forms(void **state) {
  (void)state;
  size_t counts[4] = {0};
  for (uint32_t i = 0; i < 1u << 24; i++) {
    char bytes[3] = {(char)(i >> 16), (char)(i >> 8), (char)i};
    size_t length = hdt_utf8_character(bytes, 3);
    counts[length]++;
    if (length == 1) i |= 0xffff; /* the bytes behind it play no part */
    if (length == 2) i |= 0xff;
  }
  assert_int_equal(counts[1], 128);
  assert_int_equal(counts[2], 0x800 - 0x80);
  assert_int_equal(counts[3], 0x10000 - 0x800 - 0x800);
}

static void the_first_wrong_byte_is_found(void **state) {
  (void)state;
  static const char text[] = "a\xc3\xa4\xe2\x82\xac\xf0\x9f\x98\x80z"; /* 1, 2, 3 and 4 bytes, and 1 */
  assert_int_equal(hdt_utf8_valid(text, 11), 11);
  for (size_t at = 0; at < 11; at++) {
    char broken[11];
    memcpy(broken, text, 11);
    broken[at] = (char)0xff;
    size_t begin = at < 1 ? 0 : at < 3 ? 1 : at < 6 ? 3 : at < 10 ? 6 : 10;
    assert_int_equal(hdt_utf8_valid(broken, 11), begin);
  }
}

static void a_slip_of_the_finger_is_recognised(void **state) {
  (void)state;
  static const char *const names[] = {"run", "bench", "devices", "split", "trace", "replay", NULL};
  assert_string_equal(hdt_nearest("rnu", names), "run");
  assert_string_equal(hdt_nearest("device", names), "devices");
  assert_string_equal(hdt_nearest("bnehc", names), "bench");
  assert_string_equal(hdt_nearest("treplay", names), "replay");
  assert_null(hdt_nearest("xylophone", names));
  assert_null(hdt_nearest("", names));
  assert_null(hdt_nearest("a-very-long-word-that-is-longer-than-any-name", names));
}

static char *print_table(const hdt_table *table) {
  char *text = NULL;
  size_t size;
  FILE *stream = open_memstream(&text, &size);
  assert_non_null(stream);
  assert_true(hdt_table_print(table, stream));
  fclose(stream);
  return text;
}

static void columns_align_and_empty_ones_vanish(void **state) {
  (void)state;
  static const char *const titles[] = {"name", "n", "nothing", "time"};
  hdt_table table;
  hdt_table_init(&table, "lrlr");
  hdt_table_header(&table, titles);
  static const char *const cells[] = {"cpu", "1", "", "5 µs", "other", "1000", "", "12 ms"};
  for (size_t i = 0; i < 8; i++)
    hdt_table_cell(&table, "%s", cells[i]);
  char *text = print_table(&table);
  assert_string_equal(text, "  name      n   time\n"
                            "  cpu       1   5 µs\n"
                            "  other  1000  12 ms\n");
  free(text);
  hdt_table_finish(&table);
}

static void a_line_has_no_blanks_at_its_end(void **state) {
  (void)state;
  hdt_table table;
  hdt_table_init(&table, "ll");
  static const char *const cells[] = {"a", "long text", "b", "x", "c", ""};
  for (size_t i = 0; i < 6; i++)
    hdt_table_cell(&table, "%s", cells[i]);
  char *text = print_table(&table);
  assert_null(strstr(text, " \n"));
  free(text);
  hdt_table_finish(&table);
}

static void quantities_have_the_unit_that_fits(void **state) {
  (void)state;
  assert_string_equal(hdt_duration(0).text, "0 ns");
  assert_string_equal(hdt_duration(999).text, "999 ns");
  assert_string_equal(hdt_duration(1500).text, "1.50 µs");
  assert_string_equal(hdt_duration(12345678).text, "12.3 ms");
  assert_string_equal(hdt_duration(86400ull * 1000000000ull).text, "86400 s");
  assert_string_equal(hdt_bytes(1023).text, "1023 B");
  assert_string_equal(hdt_bytes(3u << 20).text, "3.00 MiB");
  assert_string_equal(hdt_energy(84123).text, "84.1 mJ");
  assert_string_equal(hdt_power(3500000).text, "3.50 W");
  assert_true(hdt_per_second(5, 0) == 0);
  assert_true(hdt_per_second(3, 1500000000) == 2);
}

static void memory_of_the_model_is_told_apart(void **state) {
  (void)state;
  char text[] =
      "7f00-7f10 r--p 00000000 fe:00 12     /models/a b.gguf\nSize: 64 kB\nRss:  40 kB\nAnonymous: 0 kB\n"
      "7f20-7f30 rw-p 00000000 00:00 0 \nRss: 12 kB\nAnonymous:   12 kB\n"
      "7f40-7f50 r-xp 00000000 fe:00 13     /usr/bin/heddle\nRss: 100 kB\nAnonymous: 4 kB\nAnonHugePages: 64 "
      "kB\n";
  hdt_footprint footprint;
  FILE *smaps = fmemopen(text, strlen(text), "r");
  assert_true(hdt_footprint_read(smaps, "/models/a b.gguf", &footprint));
  assert_int_equal(footprint.resident_bytes, 152 * 1024);
  assert_int_equal(footprint.model_bytes, 40 * 1024);
  assert_int_equal(footprint.anonymous_bytes, 16 * 1024);
  rewind(smaps);
  assert_true(hdt_footprint_read(smaps, NULL, &footprint));
  assert_int_equal(footprint.model_bytes, 0);
  fclose(smaps);
  char nothing[] = "no such thing\n";
  smaps = fmemopen(nothing, strlen(nothing), "r");
  assert_false(hdt_footprint_read(smaps, NULL, &footprint));
  fclose(smaps);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(exactly_the_scalar_values_are_characters),
      cmocka_unit_test(no_character_has_two_forms),
      cmocka_unit_test(the_first_wrong_byte_is_found),
      cmocka_unit_test(a_slip_of_the_finger_is_recognised),
      cmocka_unit_test(columns_align_and_empty_ones_vanish),
      cmocka_unit_test(a_line_has_no_blanks_at_its_end),
      cmocka_unit_test(quantities_have_the_unit_that_fits),
      cmocka_unit_test(memory_of_the_model_is_told_apart),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
