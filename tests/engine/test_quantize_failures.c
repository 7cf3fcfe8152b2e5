/* SPDX-License-Identifier: Apache-2.0 */
/* Quantizing that goes wrong: one line that names the place, and the world as it was. */
#include <math.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>
#include <cmocka.h>

#include "check_host.h"
#include "quantize_fixture.h"

static const char OLD[] = "what was there before";

/* Quantizing fails like this, the output is what it was before, and no other file is left. */
static void expect_failure(const folder *f, const char *out, const he_quantize_desc *desc, hd_status status,
                           const char *part) {
  hd_error error = {""};
  he_quantize_result result;
  check_host check;
  check_host_init(&check);
  unsigned files = folder_files(f, false);
  hd_status got = he_quantize(&check.host, f->in, out, desc, &result, &error);
  if (got != status || strstr(error.text, part) == NULL)
    fail_msg("status %d, '%s', not %d, '%s'", got, error.text, status, part);
  assert_int_equal(folder_files(f, false), files);
  assert_int_equal(check.live_bytes, 0);
  assert_int_equal(check.wrong_frees, 0);
}

static void a_failure_leaves_what_was_there(void **state) {
  (void)state;
  folder f;
  tiny_model tiny;
  struct stat info;
  char path[512], link[128], old[sizeof OLD];
  folder_make(&f);
  tiny_256(&tiny, 1);
  write_tiny(&tiny, f.in, NULL);
  tiny_finish(&tiny);
  write_file(f.out, OLD, sizeof OLD);
  he_quantize_desc desc = describe_quantizing(HD_FORMAT_Q4_K, false);
  expect_failure(&f, f.in, &desc, HD_E_INVALID, "in.gguf: it is the input itself");
  (void)snprintf(link, sizeof link, "%s/link.gguf", f.path);
  assert_int_equal(symlink(f.in, link), 0);
  expect_failure(&f, link, &desc, HD_E_INVALID, "link.gguf: it is the input itself");
  expect_failure(&f, f.path, &desc, HD_E_INVALID, ": is there already, and is not a regular file");
  expect_failure(&f, "/dev/null", &desc, HD_E_INVALID, "/dev/null: is there already, and is not a regular");
  (void)snprintf(path, sizeof path, "%s/no/such/out.gguf", f.path);
  expect_failure(&f, path, &desc, HD_E_NOT_FOUND, "out.gguf: cannot write the file: No such file");
  desc.format = HD_FORMAT_Q5_0;
  expect_failure(&f, f.out, &desc, HD_E_INVALID, "in.gguf: no file is quantized to that format");
  desc.format = HD_FORMAT_COUNT;
  expect_failure(&f, f.out, &desc, HD_E_INVALID, "in.gguf: no file is quantized to that format");
  desc.format = HD_FORMAT_Q8_0;
  /* The disk is full, half way. */
  struct rlimit limit, small;
  assert_int_equal(getrlimit(RLIMIT_FSIZE, &limit), 0);
  small = (struct rlimit){100000, limit.rlim_max};
  (void)signal(SIGXFSZ, SIG_IGN);
  assert_int_equal(setrlimit(RLIMIT_FSIZE, &small), 0);
  expect_failure(&f, f.out, &desc, HD_E_IO, "out.gguf: cannot write the file: File too large");
  assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
  (void)signal(SIGXFSZ, SIG_DFL);
  assert_int_equal(stat(f.out, &info), 0);
  assert_int_equal(info.st_size, sizeof OLD);
  FILE *file = fopen(f.out, "rb");
  assert_non_null(file);
  assert_int_equal(fread(old, 1, sizeof old, file), sizeof old);
  (void)fclose(file);
  assert_string_equal(old, OLD);
  folder_remove(&f);
}

static void bad_input_is_named_with_its_place(void **state) {
  (void)state;
  folder f;
  tiny_model tiny;
  he_quantize_desc desc = describe_quantizing(HD_FORMAT_Q8_0, false);
  folder_make(&f);
  expect_failure(&f, f.out, &desc, HD_E_NOT_FOUND, "in.gguf: cannot open the file: No such file");
  write_file(f.in, "GGUX", 4);
  expect_failure(&f, f.out, &desc, HD_E_FORMAT, "in.gguf: byte 0: not a GGUF file");
  tiny_256(&tiny, 1);
  tiny.omit = "llama.block_count";
  write_tiny(&tiny, f.in, NULL);
  tiny_finish(&tiny);
  expect_failure(&f, f.out, &desc, HD_E_FORMAT, "in.gguf: key 'llama.block_count' is missing");
  tiny_256(&tiny, 1);
  tiny.arch = "falcon";
  write_tiny(&tiny, f.in, NULL);
  tiny_finish(&tiny);
  expect_failure(&f, f.out, &desc, HD_E_UNSUPPORTED,
                 "'falcon' is not supported (llama, qwen2 and qwen3 are)");
  tiny_256(&tiny, 1);
  write_tiny(&tiny, f.in, NULL);
  tiny_finish(&tiny);
  struct stat info;
  assert_int_equal(stat(f.in, &info), 0);
  assert_int_equal(truncate(f.in, info.st_size - 1000), 0);
  expect_failure(&f, f.out, &desc, HD_E_FORMAT, "in.gguf: tensor 'output.weight': its 278528 bytes");
  folder_remove(&f);
}

/* A model whose last matrix holds `value` at an index. */
static void write_with_value(const folder *f, float value, size_t index) {
  tiny_model tiny;
  gw_writer writer;
  size_t size;
  tiny_256(&tiny, 1);
  gw_init(&writer);
  tiny_write_into(&tiny, &writer);
  memcpy(writer.data.data + writer.data.bytes - (size_t)TINY_VOCAB * 256 * 4 + index * 4, &value,
         sizeof value);
  uint8_t *file = gw_build(&writer, &size);
  write_file(f->in, file, size);
  free(file);
  gw_finish(&writer);
  tiny_finish(&tiny);
}

static void a_weight_that_no_format_holds_is_named(void **state) {
  (void)state;
  folder f;
  he_quantize_desc desc = describe_quantizing(HD_FORMAT_Q4_K, false);
  folder_make(&f);
  write_with_value(&f, NAN, 1000);
  expect_failure(&f, f.out, &desc, HD_E_FORMAT,
                 "in.gguf: tensor 'output.weight': value 1000 is not finite, or above 65504");
  write_with_value(&f, -1e6f, 69631);
  expect_failure(&f, f.out, &desc, HD_E_FORMAT, "tensor 'output.weight': value 69631 is not finite");
  folder_remove(&f);
}

static void what_is_quantized_already_is_refused(void **state) {
  (void)state;
  folder f;
  tiny_model tiny;
  he_quantize_result result;
  folder_make(&f);
  tiny_256(&tiny, 1);
  write_tiny(&tiny, f.in, NULL);
  tiny_finish(&tiny);
  quantize(&f, HD_FORMAT_Q8_0, false, &result);
  assert_int_equal(rename(f.out, f.in), 0);
  he_quantize_desc desc = describe_quantizing(HD_FORMAT_Q4_0, false);
  expect_failure(&f, f.out, &desc, HD_E_INVALID,
                 "in.gguf: tensor 'token_embd.weight': it is Q8_0 already; quantize from F32, F16 or BF16");
  folder_remove(&f);
}

static bool stop_at_once(void *arg, uint64_t done, uint64_t total) {
  (void)arg;
  assert_true(done <= total);
  return false;
}

static void who_is_told_to_stop_leaves_nothing(void **state) {
  (void)state;
  folder f;
  tiny_model tiny;
  folder_make(&f);
  tiny_256(&tiny, 1);
  write_tiny(&tiny, f.in, NULL);
  tiny_finish(&tiny);
  he_quantize_desc desc = describe_quantizing(HD_FORMAT_Q4_0, false);
  desc.progress = stop_at_once;
  expect_failure(&f, f.out, &desc, HD_E_CANCELLED, "out.gguf: stopped");
  folder_remove(&f);
}

static hd_status attempt(const hd_host *host, void *arg) {
  const folder *f = arg;
  he_quantize_desc desc = describe_quantizing(HD_FORMAT_Q8_0, false);
  he_quantize_result result;
  hd_error error = {""};
  hd_status status = he_quantize(host, f->in, f->out, &desc, &result, &error);
  if (status != HD_OK) assert_true(error.text[0] != '\0');
  assert_int_equal(folder_files(f, false), status == HD_OK || access(f->out, F_OK) == 0 ? 2 : 1);
  return status;
}

static void memory_may_be_out_anywhere(void **state) {
  (void)state;
  folder f;
  tiny_model tiny;
  folder_make(&f);
  tiny_init(&tiny, "llama");
  write_tiny(&tiny, f.in, NULL);
  tiny_finish(&tiny);
  assert_true(check_every_allocation(attempt, &f) > 5);
  folder_remove(&f);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(a_failure_leaves_what_was_there),
      cmocka_unit_test(bad_input_is_named_with_its_place),
      cmocka_unit_test(a_weight_that_no_format_holds_is_named),
      cmocka_unit_test(what_is_quantized_already_is_refused),
      cmocka_unit_test(who_is_told_to_stop_leaves_nothing),
      cmocka_unit_test(memory_may_be_out_anywhere),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
