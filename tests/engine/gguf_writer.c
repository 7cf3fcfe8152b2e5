/* SPDX-License-Identifier: Apache-2.0 */
/* Knows how a GGUF is written. Source: the GGUF specification (ggml, docs/gguf.md). */
#include "gguf_writer.h"

#include <stdlib.h>
#include <string.h>

void gw_put(gw_buffer *buffer, const void *data, size_t bytes) {
  if (buffer->bytes + bytes > buffer->capacity) {
    buffer->capacity = 2 * (buffer->bytes + bytes);
    buffer->data = realloc(buffer->data, buffer->capacity);
    if (buffer->data == NULL) abort();
  }
  if (bytes > 0) memcpy(buffer->data + buffer->bytes, data, bytes);
  buffer->bytes += bytes;
}

void gw_put_u32(gw_buffer *buffer, uint32_t value) {
  gw_put(buffer, &value, sizeof value);
}

void gw_put_u64(gw_buffer *buffer, uint64_t value) {
  gw_put(buffer, &value, sizeof value);
}

void gw_put_text(gw_buffer *buffer, const char *text) {
  gw_put_u64(buffer, strlen(text));
  gw_put(buffer, text, strlen(text));
}

void gw_init(gw_writer *writer) {
  *writer = (gw_writer){.magic = {'G', 'G', 'U', 'F'}, .version = 3, .alignment = 32};
}

void gw_finish(gw_writer *writer) {
  free(writer->keys.data);
  free(writer->tensors.data);
  free(writer->data.data);
  gw_init(writer);
}

static bool is_omitted(const gw_writer *writer, const char *name) {
  return writer->omit != NULL && strcmp(writer->omit, name) == 0;
}

bool gw_key(gw_writer *writer, const char *key, uint32_t type) {
  if (is_omitted(writer, key)) return false;
  writer->key_count++;
  gw_put_text(&writer->keys, key);
  gw_put_u32(&writer->keys, type);
  return true;
}

void gw_u32(gw_writer *writer, const char *key, uint32_t value) {
  if (gw_key(writer, key, GW_U32)) gw_put_u32(&writer->keys, value);
}

void gw_f32(gw_writer *writer, const char *key, float value) {
  if (gw_key(writer, key, GW_F32)) gw_put(&writer->keys, &value, sizeof value);
}

void gw_bool(gw_writer *writer, const char *key, bool value) {
  uint8_t byte = value;
  if (gw_key(writer, key, GW_BOOL)) gw_put(&writer->keys, &byte, 1);
}

void gw_text(gw_writer *writer, const char *key, const char *value) {
  if (gw_key(writer, key, GW_STRING)) gw_put_text(&writer->keys, value);
}

void gw_texts(gw_writer *writer, const char *key, const char *const *values, uint64_t count) {
  if (!gw_key(writer, key, GW_ARRAY)) return;
  gw_put_u32(&writer->keys, GW_STRING);
  gw_put_u64(&writer->keys, count);
  for (uint64_t i = 0; i < count; i++)
    gw_put_text(&writer->keys, values[i]);
}

void gw_words(gw_writer *writer, const char *key, uint32_t type, const void *values, uint64_t count) {
  if (!gw_key(writer, key, GW_ARRAY)) return;
  gw_put_u32(&writer->keys, type);
  gw_put_u64(&writer->keys, count);
  gw_put(&writer->keys, values, (size_t)count * 4);
}

void gw_tensor_line(gw_writer *writer, const char *name, uint32_t n_dims, const uint64_t *dims, uint32_t type,
                    uint64_t offset) {
  writer->tensor_count++;
  gw_put_text(&writer->tensors, name);
  gw_put_u32(&writer->tensors, n_dims);
  for (uint32_t i = 0; i < n_dims; i++)
    gw_put_u64(&writer->tensors, dims[i]);
  gw_put_u32(&writer->tensors, type);
  gw_put_u64(&writer->tensors, offset);
}

static void pad(gw_buffer *buffer, uint64_t alignment) {
  static const uint8_t zero = 0;
  while (buffer->bytes % alignment != 0)
    gw_put(buffer, &zero, 1);
}

void gw_tensor(gw_writer *writer, const char *name, uint64_t cols, uint64_t rows, uint32_t type,
               const void *data, size_t bytes) {
  if (is_omitted(writer, name)) return;
  uint64_t dims[2] = {cols, rows};
  pad(&writer->data, writer->alignment);
  gw_tensor_line(writer, name, rows > 1 ? 2 : 1, dims, type, writer->data.bytes);
  gw_put(&writer->data, data, bytes);
}

uint8_t *gw_build(const gw_writer *writer, size_t *out_bytes) {
  gw_buffer file = {0};
  gw_put(&file, writer->magic, sizeof writer->magic);
  gw_put_u32(&file, writer->version);
  gw_put_u64(&file, writer->tensor_count + writer->more_tensors);
  gw_put_u64(&file, writer->key_count + writer->more_keys);
  gw_put(&file, writer->keys.data, writer->keys.bytes);
  gw_put(&file, writer->tensors.data, writer->tensors.bytes);
  pad(&file, writer->alignment);
  gw_put(&file, writer->data.data, writer->data.bytes);
  *out_bytes = file.bytes;
  /* Exactly as large as it says, so that an address sanitizer sees the first byte read past the end. */
  uint8_t *exact = malloc(file.bytes > 0 ? file.bytes : 1);
  if (exact == NULL) abort();
  memcpy(exact, file.data, file.bytes);
  free(file.data);
  return exact;
}
