/* SPDX-License-Identifier: Apache-2.0 */
/* Opening models: what is told of a good one, and the one line for each way in which one can be bad. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

#include "check_host.h"
#include "engine/engine.h"
#include "tiny_model.h"

/* Opens the file that `tiny` writes, with `extra` keys, and expects this. NULL `part`: any line. */
static void expect(tiny_model *tiny, void (*extra)(gw_writer *writer), hd_status expected, const char *part) {
  check_host check;
  check_host_init(&check);
  gw_writer writer;
  gw_init(&writer);
  tiny_write_into(tiny, &writer);
  if (extra != NULL) extra(&writer);
  size_t size;
  uint8_t *file = gw_build(&writer, &size);
  he_model *model = NULL;
  hd_error error = {""};
  hd_status status = he_model_open_memory(&check.host, file, size, "dir/tiny.gguf", NULL, &model, &error);
  if (status != expected) fail_msg("status %d (%s), not %d", status, error.text, expected);
  if (status != HD_OK && part != NULL && strcmp(error.text, part) != 0)
    fail_msg("'%s', not '%s'", error.text, part);
  he_model_close(model);
  assert_int_equal(check.live_bytes, 0);
  assert_int_equal(check.wrong_frees, 0);
  free(file);
  gw_finish(&writer);
  tiny_finish(tiny);
}

static void a_model_tells_what_it_is(void **state) {
  (void)state;
  check_host check;
  check_host_init(&check);
  tiny_model tiny;
  tiny_init(&tiny, "llama");
  size_t size;
  uint8_t *file = tiny_write(&tiny, &size);
  he_model *model;
  hd_error error = {""};
  if (he_model_open_memory(&check.host, file, size, "a/b.gguf", NULL, &model, &error) != HD_OK)
    fail_msg("%s", error.text);
  he_model_info info;
  he_model_describe(model, &info);
  assert_string_equal(info.name, "tiny");
  assert_string_equal(info.architecture, "llama");
  assert_string_equal(info.format, "F32");
  assert_string_equal(info.tokenizer, "llama");
  assert_null(info.chat_family);
  assert_int_equal(info.file_bytes, size);
  uint64_t values = 0;
  for (uint32_t i = 0; i < tiny.tensor_count; i++)
    values += (uint64_t)tiny.tensors[i].rows * tiny.tensors[i].cols;
  assert_int_equal(info.parameter_count, values);
  assert_int_equal(info.weight_bytes, 4 * values);
  assert_int_equal(info.n_layers, 2);
  assert_int_equal(info.n_vocab, TINY_VOCAB);
  assert_int_equal(info.n_heads, 4);
  assert_int_equal(info.n_kv_heads, 2);
  assert_int_equal(info.head_dim, 8);
  assert_int_equal(info.n_context, 64);
  assert_int_equal(hd_graph_describe(he_model_graph(model))->n_layers, 2);
  assert_int_equal(he_token_begin(model), 1);
  assert_true(he_token_is_end(model, 2));
  assert_false(he_token_is_end(model, 3));
  size_t bytes;
  assert_null(he_token_text(model, -1, &bytes));
  assert_null(he_token_text(model, TINY_VOCAB, &bytes));
  assert_memory_equal(he_token_text(model, 2, &bytes), "</s>", 4);
  he_model_close(model);
  free(file);
  tiny_finish(&tiny);
  assert_int_equal(check.live_bytes, 0);
}

/* Every weight of the graph is bound, inside the file. */
static void weights_lie_in_the_file(void **state) {
  (void)state;
  check_host check;
  check_host_init(&check);
  tiny_model tiny;
  tiny_init(&tiny, "qwen3");
  tiny.qk_norm = tiny.rope_factors = true;
  size_t size;
  uint8_t *file = tiny_write(&tiny, &size);
  he_model *model;
  hd_error error = {""};
  if (he_model_open_memory(&check.host, file, size, "x", NULL, &model, &error) != HD_OK)
    fail_msg("%s", error.text);
  uint32_t count, weights = 0;
  const hd_value_desc *values = hd_graph_values(he_model_graph(model), &count);
  for (uint32_t i = 0; i < count; i++) {
    if (values[i].kind != HD_VALUE_WEIGHT) continue;
    const uint8_t *at = he_model_weights(model)[i];
    assert_true(at >= file &&
                at + hd_format_row_bytes(values[i].format, values[i].cols) * values[i].rows <= file + size);
    weights++;
  }
  assert_int_equal(weights, tiny.tensor_count);
  he_model_close(model);
  free(file);
  tiny_finish(&tiny);
}

static void missing_keys_are_named(void **state) {
  (void)state;
  static const struct {
    const char *key;
    hd_status status;
  } KEYS[] = {{"general.architecture", HD_E_FORMAT},
              {"llama.block_count", HD_E_FORMAT},
              {"llama.context_length", HD_E_FORMAT},
              {"llama.embedding_length", HD_E_FORMAT},
              {"llama.feed_forward_length", HD_E_FORMAT},
              {"llama.attention.head_count", HD_E_FORMAT},
              {"llama.attention.layer_norm_rms_epsilon", HD_E_FORMAT},
              {"tokenizer.ggml.model", HD_E_FORMAT},
              {"tokenizer.ggml.tokens", HD_E_FORMAT},
              {"tokenizer.ggml.token_type", HD_OK},
              {"general.name", HD_OK},
              {"llama.attention.key_length", HD_OK},
              {"llama.rope.freq_base", HD_OK},
              {"llama.rope.dimension_count", HD_OK}};
  for (size_t i = 0; i < sizeof KEYS / sizeof *KEYS; i++) {
    tiny_model tiny;
    tiny_init(&tiny, "llama");
    tiny.omit = KEYS[i].key;
    char line[128];
    (void)snprintf(line, sizeof line, "dir/tiny.gguf: key '%s' is missing", KEYS[i].key);
    expect(&tiny, NULL, KEYS[i].status, line);
  }
}

static void missing_tensors_are_named(void **state) {
  (void)state;
  static const char *const TENSORS[] = {
      "token_embd.weight",     "output_norm.weight",  "blk.0.attn_norm.weight",   "blk.1.attn_q.weight",
      "blk.0.attn_k.weight",   "blk.1.attn_v.weight", "blk.0.attn_output.weight", "blk.1.ffn_norm.weight",
      "blk.0.ffn_gate.weight", "blk.0.ffn_up.weight", "blk.1.ffn_down.weight"};
  for (size_t i = 0; i < sizeof TENSORS / sizeof *TENSORS; i++) {
    tiny_model tiny;
    tiny_init(&tiny, "llama");
    tiny.omit = TENSORS[i];
    char line[128];
    (void)snprintf(line, sizeof line, "dir/tiny.gguf: tensor '%s' is missing", TENSORS[i]);
    expect(&tiny, NULL, HD_E_FORMAT, line);
  }
  tiny_model tiny;
  tiny_init(&tiny, "qwen2"); /* has biases, or it is none */
  expect(&tiny, NULL, HD_E_FORMAT, "dir/tiny.gguf: tensor 'blk.0.attn_q.bias' is missing");
  tiny_init(&tiny, "qwen3");
  expect(&tiny, NULL, HD_E_FORMAT, "dir/tiny.gguf: tensor 'blk.0.attn_q_norm.weight' is missing");
}

static void wrong_shapes_are_named(void **state) {
  (void)state;
  static const struct {
    const char *tensor, *line;
  } SHAPES[] = {
      {"blk.1.attn_k.weight",
       "dir/tiny.gguf: tensor 'blk.1.attn_k.weight' is 32 x 15 x 1 x 1, the parameters say 32 x 16"},
      {"token_embd.weight",
       "dir/tiny.gguf: tensor 'token_embd.weight' is 32 x 271 x 1 x 1, the parameters say 32 x 272"},
      {"output_norm.weight",
       "dir/tiny.gguf: tensor 'output_norm.weight' is 31 x 1 x 1 x 1, the parameters say 32 x 1"},
      {"output.weight",
       "dir/tiny.gguf: tensor 'output.weight' is 32 x 271 x 1 x 1, the parameters say 32 x 272"}};
  for (size_t i = 0; i < sizeof SHAPES / sizeof *SHAPES; i++) {
    tiny_model tiny;
    tiny_init(&tiny, "llama");
    tiny.misshape = SHAPES[i].tensor;
    expect(&tiny, NULL, HD_E_FORMAT, SHAPES[i].line);
  }
}

static void add_stranger(gw_writer *writer) {
  static const float VALUES[8];
  gw_tensor(writer, "blk.0.attn_sinks.weight", 8, 1, GW_TENSOR_F32, VALUES, sizeof VALUES);
}

static void tensors_of_another_graph_are_not_left_out_in_silence(void **state) {
  (void)state;
  tiny_model tiny;
  tiny_init(&tiny, "llama");
  expect(&tiny, add_stranger, HD_E_UNSUPPORTED,
         "dir/tiny.gguf: tensor 'blk.0.attn_sinks.weight' has no place in a llama graph");
}

static void add_experts(gw_writer *writer) {
  gw_u32(writer, "llama.expert_count", 8);
}

static void add_yarn(gw_writer *writer) {
  gw_text(writer, "llama.rope.scaling.type", "yarn");
}

static void add_value_length(gw_writer *writer) {
  gw_u32(writer, "llama.attention.value_length", 16);
}

static void features_that_are_not_built_are_refused(void **state) {
  (void)state;
  tiny_model tiny;
  tiny_init(&tiny, "llama");
  expect(&tiny, add_experts, HD_E_UNSUPPORTED,
         "dir/tiny.gguf: key 'llama.expert_count': mixtures of experts are not supported: 8");
  tiny_init(&tiny, "llama");
  expect(&tiny, add_yarn, HD_E_UNSUPPORTED,
         "dir/tiny.gguf: key 'llama.rope.scaling.type': 'yarn' is not supported (none and linear are)");
  tiny_init(&tiny, "llama");
  expect(&tiny, add_value_length, HD_E_UNSUPPORTED, NULL);
  tiny_init(&tiny, "gemma3");
  expect(&tiny, NULL, HD_E_UNSUPPORTED,
         "dir/tiny.gguf: key 'general.architecture': 'gemma3' is not supported (llama, qwen2 and qwen3 are)");
}

static void absurd_parameters_are_refused(void **state) {
  (void)state;
  tiny_model tiny;
  tiny_init(&tiny, "llama");
  tiny.n_kv_heads = 3;
  expect(&tiny, NULL, HD_E_FORMAT,
         "dir/tiny.gguf: key 'llama.attention.head_count_kv': KV heads do not divide the heads: 3");
  tiny_init(&tiny, "llama");
  tiny.rope_dim = 7;
  expect(&tiny, NULL, HD_E_FORMAT,
         "dir/tiny.gguf: key 'llama.rope.dimension_count': odd, or longer than a head: 7");
  tiny_init(&tiny, "llama");
  tiny.n_context = 0;
  expect(&tiny, NULL, HD_E_FORMAT, "dir/tiny.gguf: key 'llama.context_length': 0 is outside 1 to 67108864");
  tiny_init(&tiny, "llama");
  tiny.norm_eps = -1.0f;
  expect(&tiny, NULL, HD_E_FORMAT, NULL);
  tiny_init(&tiny, "llama");
  tiny.rope_base = 0.0f / 0.0f;
  expect(&tiny, NULL, HD_E_FORMAT, NULL);
}

static void every_truncation_is_refused(void **state) {
  (void)state;
  tiny_model tiny;
  tiny_init(&tiny, "llama");
  tiny.n_layers = 1;
  tiny.n_embd = 8;
  tiny.n_ff = 8;
  tiny.n_heads = tiny.n_kv_heads = 1;
  size_t size;
  uint8_t *file = tiny_write(&tiny, &size);
  for (size_t cut = 0; cut < size;
       cut += cut < 12000 ? 7 : 97) { /* the directory closely, the data less so */
    check_host check;
    check_host_init(&check);
    uint8_t *part = malloc(cut > 0 ? cut : 1);
    assert_non_null(part);
    memcpy(part, file, cut);
    he_model *model;
    hd_error error = {""};
    assert_int_not_equal(he_model_open_memory(&check.host, part, cut, "cut", NULL, &model, &error), HD_OK);
    assert_int_equal(strncmp(error.text, "cut: ", 5), 0);
    assert_int_equal(check.live_bytes, 0);
    free(part);
  }
  free(file);
  tiny_finish(&tiny);
}

static void no_flipped_byte_does_harm(void **state) {
  (void)state;
  tiny_model tiny;
  tiny_init(&tiny, "llama");
  tiny.n_layers = 1;
  size_t size;
  uint8_t *file = tiny_write(&tiny, &size);
  uint64_t seed = 41;
  for (int i = 0; i < 3000; i++) {
    check_host check;
    check_host_init(&check);
    size_t at = tiny_random(&seed) % 14000; /* the directory; the rest is numbers */
    uint8_t before = file[at];
    file[at] ^= (uint8_t)(1u << (tiny_random(&seed) % 8));
    he_model *model = NULL;
    hd_error error;
    (void)he_model_open_memory(&check.host, file, size, "flipped", NULL, &model, &error);
    he_model_close(model);
    assert_int_equal(check.live_bytes, 0);
    file[at] = before;
  }
  free(file);
  tiny_finish(&tiny);
}

typedef struct file_bytes {
  uint8_t *bytes;
  size_t size;
} file_bytes;

static hd_status open_and_close(const hd_host *host, void *arg) {
  const file_bytes *file = arg;
  he_model *model = NULL;
  hd_error error = {""};
  hd_status status = he_model_open_memory(host, file->bytes, file->size, "x", NULL, &model, &error);
  assert_int_equal(error.text[0] == '\0', status == HD_OK);
  assert_int_equal(model == NULL, status != HD_OK);
  he_model_close(model);
  return status;
}

static void each_refused_allocation_is_reported(void **state) {
  (void)state;
  tiny_model tiny;
  tiny_init(&tiny, "qwen2");
  tiny.qkv_bias = true;
  file_bytes file;
  file.bytes = tiny_write(&tiny, &file.size);
  assert_true(check_every_allocation(open_and_close, &file) >= 10);
  free(file.bytes);
  tiny_finish(&tiny);
}

static void expect_path(const char *path, hd_status expected, const char *part) {
  check_host check;
  check_host_init(&check);
  he_model *model;
  hd_error error = {""};
  assert_int_equal(he_model_open(&check.host, path, NULL, &model, &error), expected);
  if (strstr(error.text, part) == NULL) fail_msg("'%s' does not say '%s'", error.text, part);
  assert_int_equal(check.live_bytes, 0);
}

static void files_that_cannot_be_read_are_named(void **state) {
  (void)state;
  char path[] = "engine_model_XXXXXX";
  int fd = mkstemp(path);
  assert_true(fd >= 0);
  expect_path("no/such.gguf", HD_E_NOT_FOUND, "no/such.gguf: cannot open the file: ");
  expect_path(".", HD_E_FORMAT, ".: not a regular file");
  expect_path(path, HD_E_FORMAT, "byte 0: the file is empty");
  assert_int_equal(write(fd, "text", 4), 4);
  expect_path(path, HD_E_FORMAT, "byte 0: not a GGUF file");
  (void)close(fd);
  (void)unlink(path);
}

static void count_progress(void *arg, uint64_t done, uint64_t total) {
  uint64_t *last = arg;
  assert_true(done > *last && done <= total);
  *last = done;
}

static void a_file_is_opened_and_its_reading_reported(void **state) {
  (void)state;
  check_host check;
  check_host_init(&check);
  tiny_model tiny;
  tiny_init(&tiny, "llama");
  size_t size;
  uint8_t *file = tiny_write(&tiny, &size);
  char path[] = "engine_model_XXXXXX";
  int fd = mkstemp(path);
  assert_true(fd >= 0);
  assert_int_equal(write(fd, file, size), size);
  (void)close(fd);
  uint64_t last = 0;
  he_model_options options;
  he_model_options_default(&options);
  options.read_ahead = true;
  options.kv_format = HD_FORMAT_F16;
  options.progress = count_progress;
  options.progress_arg = &last;
  he_model *model;
  hd_error error = {""};
  if (he_model_open(&check.host, path, &options, &model, &error) != HD_OK) fail_msg("%s", error.text);
  assert_int_equal(last, size);
  uint32_t count, kv = 0;
  const hd_value_desc *values = hd_graph_values(he_model_graph(model), &count);
  for (uint32_t i = 0; i < count; i++)
    if (values[i].kind == HD_VALUE_KV) {
      assert_int_equal(values[i].format, HD_FORMAT_F16);
      kv++;
    }
  assert_int_equal(kv, 4);
  he_model_close(model);
  assert_int_equal(check.live_bytes, 0);
  (void)unlink(path);
  free(file);
  tiny_finish(&tiny);
}

/* The tiny model's heads are no whole blocks. */
static void a_cache_that_heads_do_not_fit_is_refused(void **state) {
  (void)state;
  static const struct {
    hd_format format;
    hd_status status;
  } wrong[] = {
      {HD_FORMAT_Q8_0, HD_E_UNSUPPORTED}, {HD_FORMAT_Q4_0, HD_E_INVALID}, {HD_FORMAT_I32, HD_E_INVALID}};
  check_host check;
  check_host_init(&check);
  tiny_model tiny;
  tiny_init(&tiny, "llama");
  assert_int_not_equal(tiny.head_dim % 32, 0);
  size_t size;
  uint8_t *file = tiny_write(&tiny, &size);
  for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
    he_model_options options;
    he_model *model = NULL;
    hd_error error = {""};
    he_model_options_default(&options);
    options.kv_format = wrong[i].format;
    assert_int_equal(he_model_open_memory(&check.host, file, size, "tiny.gguf", &options, &model, &error),
                     wrong[i].status);
    assert_null(model);
    assert_non_null(strstr(error.text, "tiny.gguf: "));
    assert_non_null(strstr(error.text, "KV cache"));
  }
  assert_int_equal(check.live_bytes, 0);
  free(file);
  tiny_finish(&tiny);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(a_model_tells_what_it_is),
      cmocka_unit_test(weights_lie_in_the_file),
      cmocka_unit_test(missing_keys_are_named),
      cmocka_unit_test(missing_tensors_are_named),
      cmocka_unit_test(wrong_shapes_are_named),
      cmocka_unit_test(tensors_of_another_graph_are_not_left_out_in_silence),
      cmocka_unit_test(features_that_are_not_built_are_refused),
      cmocka_unit_test(absurd_parameters_are_refused),
      cmocka_unit_test(every_truncation_is_refused),
      cmocka_unit_test(no_flipped_byte_does_harm),
      cmocka_unit_test(each_refused_allocation_is_reported),
      cmocka_unit_test(files_that_cannot_be_read_are_named),
      cmocka_unit_test(a_file_is_opened_and_its_reading_reported),
      cmocka_unit_test(a_cache_that_heads_do_not_fit_is_refused),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
