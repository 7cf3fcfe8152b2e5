/* SPDX-License-Identifier: Apache-2.0 */
/* Reading a trace: checks every length before it is used, and puts the rings into one order. */
#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdalign.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include "traces/bytes.h"
#include "traces/file.h"

/* The bytes of a trace while they are parsed. */
typedef struct source {
  const uint8_t *bytes;
  size_t size;
  const char *name;
} source;

typedef struct chunk {
  uint32_t ring, count;
  size_t records_at; /* offset of its first record */
} chunk;

typedef enum chunk_result { CHUNK_READ, CHUNK_END, CHUNK_CUT, CHUNK_WRONG } chunk_result;

/* Reads the chunk at `offset`. */
static chunk_result read_chunk(const source *from, size_t offset, chunk *out) {
  size_t left = from->size - offset;
  if (left == 0) return CHUNK_END;
  if (left < HDI_TRACE_CHUNK_BYTES) return CHUNK_CUT;
  out->ring = hdi_get_u32(from->bytes + offset);
  out->count = hdi_get_u32(from->bytes + offset + 4);
  out->records_at = offset + HDI_TRACE_CHUNK_BYTES;
  if (out->ring >= HDI_TRACE_RINGS_MAX || out->count == 0 || out->count > HDI_TRACE_COUNT_MAX)
    return CHUNK_WRONG;
  if ((left - HDI_TRACE_CHUNK_BYTES) / HDI_TRACE_RECORD_BYTES < out->count) return CHUNK_CUT;
  return CHUNK_READ;
}

static size_t chunk_end(const chunk *c) {
  return c->records_at + (size_t)c->count * HDI_TRACE_RECORD_BYTES;
}

static hd_status check_header(const source *from, hd_error *out_error) {
  if (from->size < HDI_TRACE_HEADER_BYTES)
    return hd_fail(out_error, HD_E_FORMAT, "%s: byte %zu: the file ends inside the header of %u bytes",
                   from->name, from->size, HDI_TRACE_HEADER_BYTES);
  if (memcmp(from->bytes, HDI_TRACE_MAGIC, HDI_TRACE_MAGIC_BYTES) != 0)
    return hd_fail(out_error, HD_E_FORMAT, "%s: byte 0: not a trace (it does not begin with \"hdtrace\")",
                   from->name);
  uint32_t version = hdi_get_u32(from->bytes + 8), record_bytes = hdi_get_u32(from->bytes + 12);
  if (version != HD_TRACE_VERSION)
    return hd_fail(out_error, HD_E_FORMAT, "%s: byte 8: trace version %u; this build reads version %u",
                   from->name, version, HD_TRACE_VERSION);
  if (record_bytes != HDI_TRACE_RECORD_BYTES)
    return hd_fail(out_error, HD_E_FORMAT, "%s: byte 12: records of %u bytes; version %u has %u", from->name,
                   record_bytes, version, HDI_TRACE_RECORD_BYTES);
  return HD_OK;
}

/* Walks the chunks once: counts the records of ring 0 and of the others, and finds where a cut file ends. */
static hd_status survey(hd_trace_file *file, const source *from, size_t *out_first, size_t *out_others,
                        hd_error *out_error) {
  size_t first = 0, others = 0, offset = HDI_TRACE_HEADER_BYTES;
  chunk c;
  chunk_result result;
  while ((result = read_chunk(from, offset, &c)) == CHUNK_READ) {
    if (c.ring == 0)
      first += c.count;
    else
      others += c.count;
    offset = chunk_end(&c);
  }
  if (result == CHUNK_WRONG)
    return hd_fail(out_error, HD_E_FORMAT, "%s: byte %zu: not a chunk (ring %u, %u records)", from->name,
                   offset, c.ring, c.count);
  file->cut_short = result == CHUNK_CUT;
  file->cut_at = offset;
  *out_first = first;
  *out_others = others;
  return HD_OK;
}

/* Keys of the records of all rings but the first, in the order of time and then of the file. */
static void order_others(const source *from, size_t end, hdi_key *keys, size_t count) {
  size_t n = 0;
  chunk c;
  for (size_t offset = HDI_TRACE_HEADER_BYTES; offset < end; offset = chunk_end(&c)) {
    read_chunk(from, offset, &c);
    for (uint32_t i = 0; c.ring != 0 && i < c.count && n < count; i++, n++) {
      size_t at = c.records_at + (size_t)i * HDI_TRACE_RECORD_BYTES;
      keys[n].major = hdi_get_u64(from->bytes + at);
      keys[n].minor = at;
    }
  }
  assert(n == count);
  hdi_sort_keys(keys, count);
}

static void append(hd_trace_file *file, const source *from, size_t at) {
  hd_record *record = &file->records[file->count++];
  hdi_get_record(from->bytes + at, record);
  if (record->kind != HD_IN_DROPPED) return;
  uint64_t lost = record->a > 0 ? record->a : 1;
  file->lost = file->lost > UINT64_MAX - lost ? UINT64_MAX : file->lost + lost;
}

/* Ring 0 keeps its order; what another ring saw earlier than a record of ring 0 goes before it. Decisions
 * carry the time of their event, so nothing comes between an event and its decisions. */
static void merge(hd_trace_file *file, const source *from, const hdi_key *others, size_t count) {
  size_t n = 0;
  chunk c;
  for (size_t offset = HDI_TRACE_HEADER_BYTES; offset < file->cut_at; offset = chunk_end(&c)) {
    read_chunk(from, offset, &c);
    for (uint32_t i = 0; c.ring == 0 && i < c.count; i++) {
      size_t at = c.records_at + (size_t)i * HDI_TRACE_RECORD_BYTES;
      uint64_t t_ns = hdi_get_u64(from->bytes + at);
      while (n < count && others[n].major < t_ns)
        append(file, from, (size_t)others[n++].minor);
      append(file, from, at);
    }
  }
  while (n < count)
    append(file, from, (size_t)others[n++].minor);
}

static hd_status fill(hd_trace_file *file, const source *from, hd_error *out_error) {
  size_t first = 0, others = 0;
  hd_status status = survey(file, from, &first, &others, out_error);
  if (status != HD_OK || first + others == 0) return status;
  const hd_host *host = &file->host;
  file->records = hd_host_zalloc(host, first + others, sizeof(hd_record), alignof(hd_record));
  hdi_key *keys = others > 0 ? hd_host_zalloc(host, others, sizeof(hdi_key), alignof(hdi_key)) : NULL;
  if (file->records && (keys || others == 0)) {
    order_others(from, file->cut_at, keys, others);
    merge(file, from, keys, others);
    status = hdi_names_collect(file);
  } else {
    status = HD_E_NO_MEMORY;
    file->count = first + others; /* what hd_trace_file_destroy gives back */
  }
  hd_host_free(host, keys, others, sizeof(hdi_key));
  if (status == HD_E_NO_MEMORY)
    hd_fail(out_error, status, "%s: no memory for %zu records", from->name, first + others);
  return status;
}

hd_status hd_trace_parse(const hd_host *host, const void *bytes, size_t size, const char *name,
                         hd_trace_file **out_file, hd_error *out_error) {
  assert(host && (bytes || size == 0) && name && out_file);
  source from = {bytes, size, name};
  hd_status status = check_header(&from, out_error);
  if (status != HD_OK) return status;
  hd_trace_file *file = hd_host_zalloc(host, 1, sizeof *file, alignof(hd_trace_file));
  if (!file) return hd_fail(out_error, HD_E_NO_MEMORY, "%s: no memory", name);
  file->host = *host;
  snprintf(file->source, sizeof file->source, "%s", name);
  status = fill(file, &from, out_error);
  if (status != HD_OK) {
    hd_trace_file_destroy(file);
    return status;
  }
  *out_file = file;
  return HD_OK;
}

void hd_trace_file_destroy(hd_trace_file *file) {
  if (!file) return;
  hd_host host = file->host;
  hdi_names_free(file);
  hd_host_free(&host, file->records, file->count, sizeof(hd_record));
  hd_host_free(&host, file, 1, sizeof *file);
}

/* Reads up to `size` bytes; fewer when the file shrank meanwhile. Returns an errno. */
static int read_all(int fd, uint8_t *bytes, size_t size, size_t *out_read) {
  size_t n = 0;
  while (n < size) {
    ssize_t got = read(fd, bytes + n, size - n);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return errno;
    if (got == 0) break;
    n += (size_t)got;
  }
  *out_read = n;
  return 0;
}

/* The file is read, not mapped: a file that somebody cuts short while it is mapped ends the process. */
static hd_status read_open_file(const hd_host *host, int fd, const char *path, hd_trace_file **out_file,
                                hd_error *out_error) {
  struct stat info;
  if (fstat(fd, &info) != 0)
    return hd_fail(out_error, HD_E_IO, "%s: cannot be read: %s", path, strerror(errno));
  if (!S_ISREG(info.st_mode))
    return hd_fail(out_error, HD_E_IO, "%s: cannot be read: not a regular file", path);
  size_t size = (size_t)info.st_size, got = 0;
  uint8_t *bytes = size > 0 ? hd_host_zalloc(host, size, 1, alignof(uint64_t)) : NULL;
  if (size > 0 && !bytes)
    return hd_fail(out_error, HD_E_NO_MEMORY, "%s: no memory for %zu bytes", path, size);
  int error = read_all(fd, bytes, size, &got);
  hd_status status = error == 0
                         ? hd_trace_parse(host, bytes, got, path, out_file, out_error)
                         : hd_fail(out_error, HD_E_IO, "%s: cannot be read: %s", path, strerror(error));
  hd_host_free(host, bytes, size, 1);
  return status;
}

hd_status hd_trace_read(const hd_host *host, const char *path, hd_trace_file **out_file,
                        hd_error *out_error) {
  assert(host && path && out_file);
  int fd = open(path, O_RDONLY | O_CLOEXEC);
  if (fd < 0) return hd_fail(out_error, HD_E_IO, "%s: cannot be read: %s", path, strerror(errno));
  hd_status status = read_open_file(host, fd, path, out_file, out_error);
  close(fd);
  return status;
}

const hd_record *hd_trace_records(const hd_trace_file *file, size_t *out_count) {
  *out_count = file->count;
  return file->records;
}

bool hd_trace_is_truncated(const hd_trace_file *file) {
  return file->cut_short || file->lost > 0;
}
