/* SPDX-License-Identifier: Apache-2.0 */
/* Writes GGUF files into memory for tests: right ones, and wrong ones on request. Aborts when memory runs
 * out. */
#ifndef TESTS_GGUF_WRITER_H
#define TESTS_GGUF_WRITER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct gw_buffer {
  uint8_t *data;
  size_t bytes, capacity;
} gw_buffer;

void gw_put(gw_buffer *buffer, const void *data, size_t bytes);
void gw_put_u32(gw_buffer *buffer, uint32_t value);
void gw_put_u64(gw_buffer *buffer, uint64_t value);
void gw_put_text(gw_buffer *buffer, const char *text);

/* ggml's and GGUF's numbers, written down once more: the reader's own must not vouch for themselves. */
enum {
  GW_U8,
  GW_I8,
  GW_U16,
  GW_I16,
  GW_U32,
  GW_I32,
  GW_F32,
  GW_BOOL,
  GW_STRING,
  GW_ARRAY,
  GW_U64,
  GW_I64,
  GW_F64
};
enum { GW_TENSOR_F32 = 0, GW_TENSOR_F16 = 1, GW_TENSOR_Q4_0 = 2, GW_TENSOR_Q8_0 = 8, GW_TENSOR_Q4_K = 12 };

typedef struct gw_writer {
  char magic[4];
  uint32_t version;
  uint64_t more_keys, more_tensors; /* claimed beyond what is there */
  uint64_t alignment;
  uint64_t key_count, tensor_count;
  gw_buffer keys, tensors, data;
  /* A key or tensor of this name is left out; NULL: none. */
  const char *omit;
} gw_writer;

void gw_init(gw_writer *writer);
void gw_finish(gw_writer *writer);

/* Writes key and type; the value is the caller's to put into writer->keys. False: it is omitted. */
bool gw_key(gw_writer *writer, const char *key, uint32_t type);
void gw_u32(gw_writer *writer, const char *key, uint32_t value);
void gw_f32(gw_writer *writer, const char *key, float value);
void gw_bool(gw_writer *writer, const char *key, bool value);
void gw_text(gw_writer *writer, const char *key, const char *value);
void gw_texts(gw_writer *writer, const char *key, const char *const *values, uint64_t count);
/* An array of 4-byte values. */
void gw_words(gw_writer *writer, const char *key, uint32_t type, const void *values, uint64_t count);

/* The directory line alone, its offset as given. */
void gw_tensor_line(gw_writer *writer, const char *name, uint32_t n_dims, const uint64_t *dims, uint32_t type,
                    uint64_t offset);
/* Line and data, at the next aligned offset. */
void gw_tensor(gw_writer *writer, const char *name, uint64_t cols, uint64_t rows, uint32_t type,
               const void *data, size_t bytes);

/* The whole file. Ownership: the caller's, free(). */
uint8_t *gw_build(const gw_writer *writer, size_t *out_bytes);

#endif
