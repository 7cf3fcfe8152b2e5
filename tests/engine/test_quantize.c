/* SPDX-License-Identifier: Apache-2.0 */
/* Quantizing files: what changes and what does not, and which tensor gets what. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

#include "common/encode/encode.h"
#include "engine/engine.h"
#include "quantize_fixture.h"

/* The bytes of the value, strings and arrays included; NULL: there is no such key. */
static const uint8_t *value_of(const hei_gguf *gguf, const char *key, size_t *out_bytes) {
  const hei_gguf_entry *entry = hei_gguf_find(gguf, key);
  if (entry == NULL) return NULL;
  size_t index = (size_t)(entry - gguf->entries);
  const uint8_t *end = index + 1 < gguf->entry_count ? (const uint8_t *)gguf->entries[index + 1].key.data - 8
                                                     : gguf->bytes + gguf->entries_end;
  *out_bytes = (size_t)(end - entry->data);
  return entry->data;
}

static hd_format format_in(const hei_gguf *gguf, const char *name) {
  const hei_gguf_tensor *tensor = hei_gguf_find_tensor(gguf, name);
  if (tensor == NULL) fail_msg("no tensor %s", name);
  return tensor->format;
}

static void expect_format(const hei_gguf *gguf, const char *name, hd_format format) {
  if (format_in(gguf, name) != format)
    fail_msg("%s is %s, not %s", name, hd_format_get(format_in(gguf, name))->name,
             hd_format_get(format)->name);
}

/* ---- what is written ---- */

static void add_old_numbers(gw_writer *writer) {
  gw_text(writer, "general.file_type", "a text, which is no number");
  gw_u32(writer, "general.quantization_version", 1);
  gw_text(writer, "one.more", "the last key of all");
}

static void every_key_but_two_is_kept_to_the_byte(void **state) {
  (void)state;
  for (int with_old = 0; with_old < 2; with_old++) {
    folder f;
    tiny_model tiny;
    he_quantize_result result;
    opened in, out;
    folder_make(&f);
    tiny_256(&tiny, 1);
    write_tiny(&tiny, f.in, with_old ? add_old_numbers : NULL);
    quantize(&f, HD_FORMAT_Q4_K, false, &result);
    open_gguf(f.in, &in);
    open_gguf(f.out, &out);
    assert_int_equal(out.gguf->entry_count, in.gguf->entry_count + (with_old ? 0 : 2));
    for (size_t i = 0; i < in.gguf->entry_count; i++) {
      size_t before = 0, after = 0;
      char key[128];
      (void)snprintf(key, sizeof key, "%.*s", HEI_SHOW(in.gguf->entries[i].key));
      if (strcmp(key, "general.file_type") == 0 || strcmp(key, "general.quantization_version") == 0) continue;
      const uint8_t *a = value_of(in.gguf, key, &before), *b = value_of(out.gguf, key, &after);
      if (b == NULL || before != after || memcmp(a, b, before) != 0) fail_msg("key %s differs", key);
    }
    uint32_t number = 0;
    hd_error error;
    assert_int_equal(hei_gguf_get_uint(out.gguf, "general.file_type", true, 0, 99, &number, &error), HD_OK);
    assert_int_equal(number, 15);
    assert_int_equal(
        hei_gguf_get_uint(out.gguf, "general.quantization_version", true, 0, 99, &number, &error), HD_OK);
    assert_int_equal(number, 2);
    assert_int_equal(result.in_bytes, in.mapping.size);
    assert_int_equal(result.out_bytes, out.mapping.size);
    close_gguf(&in);
    close_gguf(&out);
    tiny_finish(&tiny);
    folder_remove(&f);
  }
}

static void expect_data(const opened *in, const opened *out, size_t index) {
  const hei_gguf_tensor *from = &in->gguf->tensors[index], *to = &out->gguf->tensors[index];
  size_t from_bytes = hd_format_row_bytes(from->format, from->dims[0]);
  size_t to_bytes = hd_format_row_bytes(to->format, to->dims[0]);
  uint8_t *row = malloc(to_bytes);
  assert_non_null(row);
  assert_int_equal(from->name.bytes, to->name.bytes);
  assert_memory_equal(from->name.data, to->name.data, to->name.bytes);
  assert_memory_equal(from->dims, to->dims, sizeof to->dims);
  assert_int_equal(to->offset % out->gguf->alignment, 0);
  for (uint64_t r = 0; r < from->bytes / from_bytes; r++) {
    const uint8_t *wanted = in->gguf->bytes + from->offset + r * from_bytes;
    if (from->format != to->format) {
      (void)hdb_recode_row(from->format, wanted, to->format, (uint32_t)from->dims[0], row);
      wanted = row;
    }
    assert_memory_equal(out->gguf->bytes + to->offset + r * to_bytes, wanted, to_bytes);
  }
  free(row);
}

static void tensors_come_in_their_order_with_their_own_rows(void **state) {
  (void)state;
  static const hd_format FORMATS[] = {HD_FORMAT_Q8_0, HD_FORMAT_Q4_0, HD_FORMAT_Q4_K,
                                      HD_FORMAT_Q6_K, HD_FORMAT_F16,  HD_FORMAT_BF16};
  for (size_t i = 0; i < sizeof FORMATS / sizeof *FORMATS; i++) {
    folder f;
    tiny_model tiny;
    he_quantize_result result;
    opened in, out;
    folder_make(&f);
    tiny_256(&tiny, 2);
    write_tiny(&tiny, f.in, NULL);
    quantize(&f, FORMATS[i], false, &result);
    open_gguf(f.in, &in);
    open_gguf(f.out, &out);
    assert_int_equal(in.gguf->tensor_count, out.gguf->tensor_count);
    for (size_t t = 0; t < in.gguf->tensor_count; t++)
      expect_data(&in, &out, t);
    close_gguf(&in);
    close_gguf(&out);
    hd_host host;
    hd_error error = {""};
    he_model *model;
    hd_host_posix(&host);
    if (he_model_open(&host, f.out, NULL, &model, &error) != HD_OK) fail_msg("%s", error.text);
    he_model_close(model);
    tiny_finish(&tiny);
    folder_remove(&f);
  }
}

static void a_stretch_ends_where_it_may_and_loses_no_row(void **state) {
  (void)state;
  folder f;
  he_quantize_result result;
  opened in, out;
  tiny_model tiny;
  gw_writer writer;
  size_t size;
  /* 12 MiB of F16 out of one matrix: more than one stretch. */
  const uint32_t cols = 1024, rows = 6151;
  float *values = malloc((size_t)cols * rows * sizeof *values);
  assert_non_null(values);
  for (size_t i = 0; i < (size_t)cols * rows; i++)
    values[i] = (float)(i % 2039) - 1000.0f;
  folder_make(&f);
  tiny_256(&tiny, 1);
  gw_init(&writer);
  tiny_write_into(&tiny, &writer);
  gw_tensor(&writer, "large.weight", cols, rows, GW_TENSOR_F32, values, (size_t)cols * rows * sizeof *values);
  uint8_t *file = gw_build(&writer, &size);
  write_file(f.in, file, size);
  quantize(&f, HD_FORMAT_F16, false, &result);
  open_gguf(f.in, &in);
  open_gguf(f.out, &out);
  expect_data(&in, &out, in.gguf->tensor_count - 1);
  close_gguf(&in);
  close_gguf(&out);
  free(file);
  free(values);
  gw_finish(&writer);
  tiny_finish(&tiny);
  folder_remove(&f);
}

/* ---- which tensor gets what ---- */

/* Quantizes a tiny model and opens the result. */
static void make(tiny_model *tiny, hd_format format, bool pure, opened *out) {
  folder f;
  he_quantize_result result;
  folder_make(&f);
  write_tiny(tiny, f.in, NULL);
  quantize(&f, format, pure, &result);
  open_gguf(f.out, out); /* the mapping outlives the name */
  tiny_finish(tiny);
  folder_remove(&f);
}

static void q4_k_is_the_mixture_that_others_call_q4_k_m(void **state) {
  (void)state;
  tiny_model tiny;
  opened out;
  tiny_256(&tiny, 5); /* sensitive: 0 .. -1, from 4, and 2 */
  make(&tiny, HD_FORMAT_Q4_K, false, &out);
  expect_format(out.gguf, "output.weight", HD_FORMAT_Q6_K);
  expect_format(out.gguf, "token_embd.weight", HD_FORMAT_Q4_K);
  expect_format(out.gguf, "output_norm.weight", HD_FORMAT_F32);
  for (uint32_t layer = 0; layer < 5; layer++) {
    char name[64];
    hd_format careful = layer == 2 || layer == 4 ? HD_FORMAT_Q6_K : HD_FORMAT_Q4_K;
    static const char *const PLAIN[] = {"attn_q", "attn_k", "attn_output", "ffn_gate", "ffn_up"};
    for (size_t i = 0; i < sizeof PLAIN / sizeof *PLAIN; i++) {
      (void)snprintf(name, sizeof name, "blk.%u.%s.weight", layer, PLAIN[i]);
      expect_format(out.gguf, name, HD_FORMAT_Q4_K);
    }
    (void)snprintf(name, sizeof name, "blk.%u.attn_v.weight", layer);
    expect_format(out.gguf, name, careful);
    (void)snprintf(name, sizeof name, "blk.%u.ffn_down.weight", layer);
    expect_format(out.gguf, name, careful);
    (void)snprintf(name, sizeof name, "blk.%u.ffn_norm.weight", layer);
    expect_format(out.gguf, name, HD_FORMAT_F32);
  }
  close_gguf(&out);
}

static void the_output_matrix_gets_more_bits_unless_pure(void **state) {
  (void)state;
  static const struct {
    hd_format format, output, output_pure;
  } CASES[] = {{HD_FORMAT_Q4_0, HD_FORMAT_Q6_K, HD_FORMAT_Q4_0},
               {HD_FORMAT_Q4_K, HD_FORMAT_Q6_K, HD_FORMAT_Q4_K},
               {HD_FORMAT_Q6_K, HD_FORMAT_Q6_K, HD_FORMAT_Q6_K},
               {HD_FORMAT_Q8_0, HD_FORMAT_Q8_0, HD_FORMAT_Q8_0},
               {HD_FORMAT_F16, HD_FORMAT_F16, HD_FORMAT_F16}};
  for (size_t i = 0; i < sizeof CASES / sizeof *CASES; i++)
    for (int tied = 0; tied < 2; tied++)
      for (int pure = 0; pure < 2; pure++) {
        tiny_model tiny;
        opened out;
        tiny_256(&tiny, 3);
        tiny.tied = tied != 0;
        make(&tiny, CASES[i].format, pure != 0, &out);
        expect_format(out.gguf, tied ? "token_embd.weight" : "output.weight",
                      pure ? CASES[i].output_pure : CASES[i].output);
        if (!tied) expect_format(out.gguf, "token_embd.weight", CASES[i].format);
        if (pure) expect_format(out.gguf, "blk.2.ffn_down.weight", CASES[i].format);
        close_gguf(&out);
      }
}

static void rows_of_other_lengths_get_the_next_better_format(void **state) {
  (void)state;
  static const struct {
    hd_format format, of_32, of_48, output;
  } CASES[] = {{HD_FORMAT_Q4_0, HD_FORMAT_Q4_0, HD_FORMAT_F16, HD_FORMAT_Q8_0},
               {HD_FORMAT_Q4_K, HD_FORMAT_Q5_0, HD_FORMAT_F16, HD_FORMAT_Q8_0},
               {HD_FORMAT_Q6_K, HD_FORMAT_Q8_0, HD_FORMAT_F16, HD_FORMAT_Q8_0},
               {HD_FORMAT_Q8_0, HD_FORMAT_Q8_0, HD_FORMAT_F16, HD_FORMAT_Q8_0},
               {HD_FORMAT_BF16, HD_FORMAT_BF16, HD_FORMAT_BF16, HD_FORMAT_BF16}};
  for (size_t i = 0; i < sizeof CASES / sizeof *CASES; i++) {
    tiny_model tiny;
    opened out;
    tiny_init(&tiny, "llama"); /* rows of 32, those of the down projection 48 */
    make(&tiny, CASES[i].format, false, &out);
    expect_format(out.gguf, "blk.0.attn_q.weight", CASES[i].of_32);
    expect_format(out.gguf, "blk.0.ffn_down.weight", CASES[i].of_48);
    expect_format(out.gguf, "output.weight", CASES[i].output);
    expect_format(out.gguf, "blk.0.attn_norm.weight", HD_FORMAT_F32);
    close_gguf(&out);
  }
}

/* ---- beside another program's files ---- */

static void count_blocks(const hei_gguf *ours, const hei_gguf *theirs, const hei_gguf_tensor *tensor,
                         size_t *blocks, size_t *equal) {
  char name[64];
  (void)snprintf(name, sizeof name, "%.*s", HEI_SHOW(tensor->name));
  const hei_gguf_tensor *mine = hei_gguf_find_tensor(ours, name);
  assert_non_null(mine);
  expect_format(ours, name, tensor->format);
  assert_int_equal(mine->bytes, tensor->bytes);
  size_t block = hd_format_get(tensor->format)->block_bytes;
  for (uint64_t at = 0; at < tensor->bytes; at += block, (*blocks)++)
    *equal += memcmp(ours->bytes + mine->offset + at, theirs->bytes + tensor->offset + at, block) == 0;
}

/* What llama.cpp made of the same model: every tensor in the same format, nearly every block the same. Sums
 * are rounded in another order, which now and then tips the search between two scales that are as good. */
static void the_references_files_come_out_again(void **state) {
  (void)state;
  static const struct {
    const char *model, *name;
    hd_format format;
  } CASES[] = {{"stories260kp", "q8_0", HD_FORMAT_Q8_0},   {"stories260kp", "q4_0", HD_FORMAT_Q4_0},
               {"stories260kp", "q4_k_m", HD_FORMAT_Q4_K}, {"stories260kp", "f16", HD_FORMAT_F16},
               {"stories260k", "q8_0", HD_FORMAT_Q8_0},    {"stories260k", "q4_k_m", HD_FORMAT_Q4_K}};
  static const char MODELS[] = HD_SHARED_DIR "/reference/models";
  if (access(MODELS, R_OK) != 0) {
    print_message("skipped: %s is absent\n", MODELS);
    skip();
  }
  for (size_t i = 0; i < sizeof CASES / sizeof *CASES; i++) {
    folder f;
    he_quantize_result result;
    opened ours, theirs;
    char path[512];
    folder_make(&f);
    (void)snprintf(path, sizeof path, "%s/%s-f32.gguf", MODELS, CASES[i].model);
    assert_int_equal(symlink(path, f.in), 0);
    quantize(&f, CASES[i].format, false, &result);
    (void)snprintf(path, sizeof path, "%s/%s-%s.gguf", MODELS, CASES[i].model, CASES[i].name);
    open_gguf(f.out, &ours);
    open_gguf(path, &theirs);
    size_t blocks = 0, equal = 0;
    for (size_t t = 0; t < theirs.gguf->tensor_count; t++)
      count_blocks(ours.gguf, theirs.gguf, &theirs.gguf->tensors[t], &blocks, &equal);
    if (equal < blocks - blocks / 200)
      fail_msg("%s-%s: %zu of %zu blocks are equal", CASES[i].model, CASES[i].name, equal, blocks);
    close_gguf(&ours);
    close_gguf(&theirs);
    folder_remove(&f);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(every_key_but_two_is_kept_to_the_byte),
      cmocka_unit_test(tensors_come_in_their_order_with_their_own_rows),
      cmocka_unit_test(a_stretch_ends_where_it_may_and_loses_no_row),
      cmocka_unit_test(q4_k_is_the_mixture_that_others_call_q4_k_m),
      cmocka_unit_test(the_output_matrix_gets_more_bits_unless_pure),
      cmocka_unit_test(rows_of_other_lengths_get_the_next_better_format),
      cmocka_unit_test(the_references_files_come_out_again),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
