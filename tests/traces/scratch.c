/* SPDX-License-Identifier: Apache-2.0 */
/* See scratch.h. Files live in the folder that the test runs in. */
#include "scratch.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static uint64_t now(void *ctx) {
  (void)ctx;
  return 0;
}

static void *take(void *ctx, size_t bytes, size_t align) {
  scratch *s = ctx;
  if (s->allocations_left == 0) return NULL;
  if (s->allocations_left > 0) s->allocations_left--;
  void *memory = NULL;
  return posix_memalign(&memory, align < sizeof(void *) ? sizeof(void *) : align, bytes) == 0 ? memory : NULL;
}

static void give(void *ctx, void *memory, size_t bytes) {
  (void)ctx;
  /* A size that is too large gives itself away: the sanitizer finds the write beyond the end. */
  memset(memory, 0xdd, bytes);
  free(memory);
}

static void note(void *ctx, hd_log_level level, const char *line) {
  scratch *s = ctx;
  (void)level;
  s->log_lines++;
  snprintf(s->last_line, sizeof s->last_line, "%s", line);
  if (s->flush_in_log) s->flush_status = hd_trace_flush(s->flush_in_log);
}

int scratch_setup(void **state) {
  scratch *s = calloc(1, sizeof *s);
  if (!s) return -1;
  snprintf(s->folder, sizeof s->folder, "trace-test-XXXXXX");
  if (!mkdtemp(s->folder)) return -1;
  snprintf(s->path, sizeof s->path, "%s/a.trace", s->folder);
  s->host = (hd_host){sizeof(hd_host), s, now, take, give, note};
  s->allocations_left = -1;
  *state = s;
  return 0;
}

int scratch_teardown(void **state) {
  scratch *s = *state;
  unlink(s->path);
  int left = rmdir(s->folder); /* fails when a test left something behind */
  free(s);
  return left;
}

size_t scratch_size(const char *path) {
  struct stat info;
  return stat(path, &info) == 0 ? (size_t)info.st_size : 0;
}

uint8_t *scratch_load(const char *path, size_t *out_size) {
  size_t size = scratch_size(path);
  uint8_t *bytes = malloc(size > 0 ? size : 1);
  FILE *f = fopen(path, "rb");
  assert_non_null(f);
  assert_int_equal(fread(bytes, 1, size, f), size);
  fclose(f);
  *out_size = size;
  return bytes;
}

void builder_begin(builder *b) {
  memset(b->bytes, 0, HDI_TRACE_HEADER_BYTES);
  memcpy(b->bytes, HDI_TRACE_MAGIC, HDI_TRACE_MAGIC_BYTES);
  hdi_put_u32(b->bytes + 8, HD_TRACE_VERSION);
  hdi_put_u32(b->bytes + 12, HDI_TRACE_RECORD_BYTES);
  b->size = HDI_TRACE_HEADER_BYTES;
}

void builder_chunk(builder *b, uint32_t ring, const hd_record *records, uint32_t count) {
  size_t bytes = HDI_TRACE_CHUNK_BYTES + (size_t)count * HDI_TRACE_RECORD_BYTES;
  assert_true(b->size + bytes <= sizeof b->bytes);
  hdi_put_u32(b->bytes + b->size, ring);
  hdi_put_u32(b->bytes + b->size + 4, count);
  for (uint32_t i = 0; i < count; i++)
    hdi_put_record(b->bytes + b->size + HDI_TRACE_CHUNK_BYTES + (size_t)i * HDI_TRACE_RECORD_BYTES,
                   &records[i]);
  b->size += bytes;
}

uint64_t next_random(uint64_t *state) {
  uint64_t x = *state += UINT64_C(0x9e3779b97f4a7c15);
  x = (x ^ x >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
  x = (x ^ x >> 27) * UINT64_C(0x94d049bb133111eb);
  return x ^ x >> 31;
}
