/* SPDX-License-Identifier: Apache-2.0 */
/* Names on their way through a trace: cut into records of 16 bytes of text, and put together again. */
#include <assert.h>
#include <stdalign.h>
#include <string.h>
#include "traces/file.h"

#define PIECE_BYTES 16u
#define PIECES_MAX  (HD_NAME_BYTES / PIECE_BYTES)

_Static_assert(HD_NAME_BYTES % PIECE_BYTES == 0, "the last piece holds the terminator");

static uint64_t pack8(const char *text) {
  uint64_t x = 0;
  for (unsigned i = 0; i < 8; i++)
    x |= (uint64_t)(uint8_t)text[i] << (8 * i);
  return x;
}

static void unpack8(uint64_t x, char *out_text) {
  for (unsigned i = 0; i < 8; i++)
    out_text[i] = (char)(uint8_t)(x >> (8 * i) & 0xffu);
}

/* Length of the longest start of `name` that fits with its terminator and cuts no UTF-8 sequence in two. */
static size_t fitting_length(const char *name) {
  size_t length = strnlen(name, HD_NAME_BYTES);
  if (length < HD_NAME_BYTES) return length;
  length = HD_NAME_BYTES - 1;
  while (length > 0 && ((uint8_t)name[length] & 0xc0u) == 0x80u)
    length--;
  return length;
}

void hd_trace_name(hd_trace *trace, uint64_t t_ns, hd_name_kind kind, uint32_t id, const char *name) {
  assert(name);
  char text[HD_NAME_BYTES] = {0};
  size_t length = fitting_length(name);
  memcpy(text, name, length);
  for (uint16_t piece = 0; piece * PIECE_BYTES <= length; piece++) {
    const char *at = text + piece * PIECE_BYTES;
    hd_record record = {.t_ns = t_ns,
                        .kind = HD_IN_NAME,
                        .device = piece,
                        .request = id,
                        .step = (uint32_t)kind,
                        .a = pack8(at),
                        .b = pack8(at + 8)};
    hd_trace_emit(trace, 0, &record);
  }
}

static uint64_t name_key(uint32_t kind, uint32_t id) {
  return (uint64_t)kind << 32 | id;
}

static bool begins_name(const hd_record *r) {
  return r->kind == HD_IN_NAME && r->device == 0;
}

/* Puts together the name that begins at record `at`: later pieces follow at once, because ring 0 keeps its
 * order. A lost piece ends the name early. */
static void join_pieces(const hd_trace_file *file, size_t at, hdi_name *out_name) {
  const hd_record *first = &file->records[at];
  out_name->at = at;
  memset(out_name->text, 0, sizeof out_name->text);
  for (size_t piece = 0; piece < PIECES_MAX && at + piece < file->count; piece++) {
    const hd_record *r = first + piece;
    if (r->kind != HD_IN_NAME || r->step != first->step || r->request != first->request || r->device != piece)
      break;
    unpack8(r->a, out_name->text + piece * PIECE_BYTES);
    unpack8(r->b, out_name->text + piece * PIECE_BYTES + 8);
  }
  out_name->text[HD_NAME_BYTES - 1] = '\0';
}

hd_status hdi_names_collect(hd_trace_file *file) {
  size_t count = 0;
  for (size_t i = 0; i < file->count; i++)
    count += begins_name(&file->records[i]);
  if (count == 0) return HD_OK;
  file->name_count = count;
  file->names = hd_host_zalloc(&file->host, count, sizeof(hdi_name), alignof(hdi_name));
  file->by_name = hd_host_zalloc(&file->host, count, sizeof(hdi_key), alignof(hdi_key));
  if (!file->names || !file->by_name) return HD_E_NO_MEMORY;
  size_t n = 0;
  for (size_t i = 0; i < file->count; i++) {
    const hd_record *r = &file->records[i];
    if (!begins_name(r)) continue;
    join_pieces(file, i, &file->names[n]);
    file->by_name[n].major = name_key(r->step, r->request);
    file->by_name[n].minor = n;
    n++;
  }
  hdi_sort_keys(file->by_name, count);
  return HD_OK;
}

void hdi_names_free(hd_trace_file *file) {
  hd_host_free(&file->host, file->by_name, file->name_count, sizeof(hdi_key));
  hd_host_free(&file->host, file->names, file->name_count, sizeof(hdi_name));
}

/* How many keys are before `major`, or not after it. */
static size_t keys_before(const hd_trace_file *file, uint64_t major, bool or_equal) {
  size_t low = 0, high = file->name_count;
  while (low < high) {
    size_t middle = low + (high - low) / 2;
    uint64_t at = file->by_name[middle].major;
    if (at < major || (or_equal && at == major))
      low = middle + 1;
    else
      high = middle;
  }
  return low;
}

const char *hdi_name_at(const hd_trace_file *file, hd_name_kind kind, uint32_t id, size_t at) {
  uint64_t major = name_key((uint32_t)kind, id);
  size_t low = keys_before(file, major, false);
  size_t end = keys_before(file, major, true);
  if (low == end) return NULL;
  size_t high = end; /* halve: names of this id in record order; the last one that begins before `at` */
  while (high - low > 1) {
    size_t middle = low + (high - low) / 2;
    if (file->names[file->by_name[middle].minor].at <= at)
      low = middle;
    else
      high = middle;
  }
  return file->names[file->by_name[low].minor].text;
}

const char *hd_trace_find_name(const hd_trace_file *file, hd_name_kind kind, uint32_t id) {
  return hdi_name_at(file, kind, id, SIZE_MAX);
}
