/* SPDX-License-Identifier: Apache-2.0 */
/* Status texts, error lines, formats, buffers. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "heddle/buffer.h"
#include "heddle/format.h"
#include "heddle/limits.h"

static void every_status_has_its_own_text(void **state) {
  (void)state;
  for (hd_status a = 0; a > -HD_STATUS_COUNT; a--)
    for (hd_status b = 0; b > a; b--)
      assert_string_not_equal(hd_status_text(a), hd_status_text(b));
  assert_string_equal(hd_status_text(1), "unknown status");
  assert_string_equal(hd_status_text(-HD_STATUS_COUNT), "unknown status");
  assert_string_equal(hd_status_text(INT32_MIN), "unknown status");
}

static void an_error_line_cannot_command_a_terminal(void **state) {
  (void)state;
  hd_error error;
  assert_int_equal(hd_fail(&error, HD_E_FORMAT, "name %s", "a\x1b[2Jb\nc\x7f\xc3\xa9"), HD_E_FORMAT);
  assert_string_equal(error.text, "name a?[2Jb?c?\xc3\xa9");
  assert_int_equal(hd_fail(NULL, HD_E_IO, "nobody reads this"), HD_E_IO);
}

static void a_long_error_line_is_cut_and_terminated(void **state) {
  (void)state;
  hd_error error;
  char longer[HD_ERROR_TEXT_BYTES * 2];
  memset(longer, 'x', sizeof longer - 1);
  longer[sizeof longer - 1] = '\0';
  hd_fail(&error, HD_E_IO, "%s", longer);
  assert_int_equal(strlen(error.text), HD_ERROR_TEXT_BYTES - 1);
}

/* Bits a value as the GGUF specification gives them: 8.5, 4.5, 5.5, 4.5, 6.5625. */
static void block_formats_have_the_sizes_of_the_specification(void **state) {
  (void)state;
  assert_int_equal(hd_format_row_bytes(HD_FORMAT_F32, 7), 28);
  assert_int_equal(hd_format_row_bytes(HD_FORMAT_BF16, 7), 14);
  assert_int_equal(hd_format_row_bytes(HD_FORMAT_Q8_0, 256) * 8, 256 * 85 / 10);
  assert_int_equal(hd_format_row_bytes(HD_FORMAT_Q4_0, 256) * 8, 256 * 45 / 10);
  assert_int_equal(hd_format_row_bytes(HD_FORMAT_Q5_0, 256) * 8, 256 * 55 / 10);
  assert_int_equal(hd_format_row_bytes(HD_FORMAT_Q4_K, 256) * 8, 256 * 45 / 10);
  assert_int_equal(hd_format_row_bytes(HD_FORMAT_Q6_K, 256) * 8, 256 * 65625 / 10000);
}

static void a_row_that_is_no_whole_number_of_blocks_has_no_size(void **state) {
  (void)state;
  assert_int_equal(hd_format_row_bytes(HD_FORMAT_Q8_0, 33), 0);
  assert_int_equal(hd_format_row_bytes(HD_FORMAT_Q4_K, 128), 0);
  assert_int_equal(hd_format_row_bytes(HD_FORMAT_F32, UINT64_MAX), 0);
  assert_int_equal(hd_format_row_bytes((hd_format)99, 32), 0);
  assert_null(hd_format_get((hd_format)-1));
}

/* A host whose allocator counts, and refuses after `left` more. */
typedef struct counting {
  hd_host posix;
  int left;
  long alive_bytes;
} counting;

static void *counting_alloc(void *ctx, size_t bytes, size_t align) {
  counting *c = ctx;
  if (c->left-- <= 0) return NULL;
  c->alive_bytes += (long)bytes;
  return c->posix.alloc(c->posix.ctx, bytes, align);
}

static void counting_free(void *ctx, void *memory, size_t bytes) {
  counting *c = ctx;
  c->alive_bytes -= (long)bytes;
  c->posix.free(c->posix.ctx, memory, bytes);
}

static hd_host counting_host(counting *c, int left) {
  *c = (counting){.left = left};
  hd_host_posix(&c->posix);
  hd_host host = c->posix;
  host.ctx = c;
  host.alloc = counting_alloc;
  host.free = counting_free;
  return host;
}

static void a_buffer_is_zeroed_aligned_and_given_back(void **state) {
  (void)state;
  counting c;
  hd_host host = counting_host(&c, 100);
  hd_buffer *buffer = NULL;
  assert_int_equal(hd_buffer_create(&host, 1000, &buffer), HD_OK);
  assert_int_equal((uintptr_t)hd_buffer_data(buffer) % HD_BUFFER_ALIGN, 0);
  for (size_t i = 0; i < hd_buffer_bytes(buffer); i++)
    assert_int_equal(((char *)hd_buffer_data(buffer))[i], 0);
  hd_buffer_destroy(buffer);
  hd_buffer_destroy(NULL);
  assert_int_equal(c.alive_bytes, 0);
}

static void a_refused_allocation_leaves_nothing_behind(void **state) {
  (void)state;
  counting c;
  for (int n = 0; n < 2; n++) {
    hd_host host = counting_host(&c, n);
    hd_buffer *buffer = NULL;
    assert_int_equal(hd_buffer_create(&host, 1000, &buffer), HD_E_NO_MEMORY);
    assert_null(buffer);
    assert_int_equal(c.alive_bytes, 0);
  }
}

static void count_release(void *arg) {
  ++*(int *)arg;
}

static void wrapped_memory_is_released_once_and_never_freed(void **state) {
  (void)state;
  hd_host host;
  hd_host_posix(&host);
  char memory[8] = "mapped";
  int released = 0;
  hd_buffer *buffer = NULL;
  assert_int_equal(hd_buffer_wrap(&host, memory, sizeof memory, count_release, &released, &buffer), HD_OK);
  assert_ptr_equal(hd_buffer_data(buffer), memory);
  hd_buffer_destroy(buffer);
  assert_int_equal(released, 1);
  assert_string_equal(memory, "mapped");
}

static void an_allocation_whose_size_overflows_is_refused(void **state) {
  (void)state;
  hd_host host;
  hd_host_posix(&host);
  assert_null(hd_host_zalloc(&host, SIZE_MAX / 2, 3, 8));
  assert_null(hd_host_zalloc(&host, 0, 8, 8));
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(every_status_has_its_own_text),
      cmocka_unit_test(an_error_line_cannot_command_a_terminal),
      cmocka_unit_test(a_long_error_line_is_cut_and_terminated),
      cmocka_unit_test(block_formats_have_the_sizes_of_the_specification),
      cmocka_unit_test(a_row_that_is_no_whole_number_of_blocks_has_no_size),
      cmocka_unit_test(a_buffer_is_zeroed_aligned_and_given_back),
      cmocka_unit_test(a_refused_allocation_leaves_nothing_behind),
      cmocka_unit_test(wrapped_memory_is_released_once_and_never_freed),
      cmocka_unit_test(an_allocation_whose_size_overflows_is_refused),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
