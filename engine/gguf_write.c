/* SPDX-License-Identifier: Apache-2.0 */
/* Knows how a GGUF's directory is written. */
#include "gguf_write.h"

#include <string.h>

/* Where the next bytes go; a first pass without memory only counts them. */
typedef struct cursor {
  uint8_t *bytes; /* NULL: count */
  size_t at;
} cursor;

static void put(cursor *c, const void *data, size_t size) {
  if (c->bytes != NULL) memcpy(c->bytes + c->at, data, size);
  c->at += size;
}

static void put_u32(cursor *c, uint32_t value) {
  put(c, &value, sizeof value);
}

static void put_u64(cursor *c, uint64_t value) {
  put(c, &value, sizeof value);
}

static void put_text(cursor *c, hei_text text) {
  put_u64(c, text.bytes);
  put(c, text.data, text.bytes);
}

static void put_number(cursor *c, const hei_gguf_number *number) {
  put_text(c, (hei_text){number->key, strlen(number->key)});
  put_u32(c, HEI_GGUF_U32);
  put_u32(c, number->value);
}

static const hei_gguf_number *find_number(const hei_gguf_number *numbers, size_t count, hei_text key) {
  for (size_t i = 0; i < count; i++)
    if (hei_text_is(key, numbers[i].key)) return &numbers[i];
  return NULL;
}

/* Records stand one after another, so one ends where the next begins. */
static const char *record_of(hei_text name) {
  return name.data - sizeof(uint64_t); /* its length word */
}

static const char *entry_end(const hei_gguf *gguf, size_t index) {
  if (index + 1 < gguf->entry_count) return record_of(gguf->entries[index + 1].key);
  return (const char *)gguf->bytes + gguf->entries_end;
}

static void put_entries(cursor *c, const hei_gguf *gguf, const hei_gguf_number *numbers, size_t count) {
  for (size_t i = 0; i < gguf->entry_count; i++) {
    const hei_gguf_number *number = find_number(numbers, count, gguf->entries[i].key);
    const char *begin = record_of(gguf->entries[i].key);
    if (number != NULL)
      put_number(c, number);
    else
      put(c, begin, (size_t)(entry_end(gguf, i) - begin));
  }
  for (size_t i = 0; i < count; i++)
    if (hei_gguf_find(gguf, numbers[i].key) == NULL) put_number(c, &numbers[i]);
}

static uint64_t align_up(uint64_t value, uint64_t alignment) {
  return (value + alignment - 1) & ~(alignment - 1);
}

/* Offsets count from the end of the directory. */
static void put_tensors(cursor *c, const hei_gguf *gguf, const hei_gguf_tensor *tensors) {
  uint64_t offset = 0;
  for (size_t i = 0; i < gguf->tensor_count; i++) {
    const hei_gguf_tensor *tensor = &tensors[i];
    put_text(c, tensor->name);
    put_u32(c, tensor->n_dims);
    for (uint32_t d = 0; d < tensor->n_dims; d++)
      put_u64(c, tensor->dims[d]);
    put_u32(c, hei_gguf_tensor_type(tensor->format));
    put_u64(c, offset);
    offset = align_up(offset + tensor->bytes, gguf->alignment);
  }
}

static void put_directory(cursor *c, const hei_gguf *gguf, const hei_gguf_number *numbers, size_t count,
                          const hei_gguf_tensor *tensors) {
  size_t added = 0;
  for (size_t i = 0; i < count; i++)
    added += hei_gguf_find(gguf, numbers[i].key) == NULL;
  put(c, "GGUF", 4);
  put_u32(c, 3);
  put_u64(c, gguf->tensor_count);
  put_u64(c, gguf->entry_count + added);
  put_entries(c, gguf, numbers, count);
  put_tensors(c, gguf, tensors);
}

/* No sum overflows: each tensor is at most as large as it was, where all fitted into one file. */
static void place_tensors(const hei_gguf *gguf, uint64_t begin, hei_gguf_tensor *tensors) {
  uint64_t offset = begin;
  for (size_t i = 0; i < gguf->tensor_count; i++) {
    tensors[i].offset = offset;
    offset = align_up(offset + tensors[i].bytes, gguf->alignment);
  }
}

hd_status hei_gguf_directory_make(const hei_gguf *source, const hei_gguf_number *numbers, size_t number_count,
                                  hei_gguf_tensor *tensors, hei_gguf_directory *out_directory,
                                  hd_error *out_error) {
  cursor counted = {0};
  for (size_t i = 0; i < source->tensor_count; i++) {
    hei_gguf_tensor *tensor = &tensors[i];
    tensor->bytes = tensor->dims[1] * tensor->dims[2] * tensor->dims[3] *
                    hd_format_row_bytes(tensor->format, tensor->dims[0]);
  }
  put_directory(&counted, source, numbers, number_count, tensors);
  hei_gguf_directory made = {.host = source->host, .size = (size_t)align_up(counted.at, source->alignment)};
  made.bytes = hd_host_zalloc(&made.host, made.size, 1, 1);
  if (made.bytes == NULL)
    return hd_fail(out_error, HD_E_NO_MEMORY, "%s: no memory for a directory of %zu bytes", source->name,
                   made.size);
  cursor written = {made.bytes, 0};
  put_directory(&written, source, numbers, number_count, tensors);
  place_tensors(source, made.size, tensors);
  *out_directory = made;
  return HD_OK;
}

void hei_gguf_directory_finish(hei_gguf_directory *directory) {
  hd_host_free(&directory->host, directory->bytes, directory->size, 1);
  directory->bytes = NULL;
}
