/* SPDX-License-Identifier: Apache-2.0 */
/* Writing a trace: one ring for each producing thread, and whoever gets the flush lock moves them to the
 * file. */
#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdalign.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>
#include "heddle/trace.h"
#include "traces/bytes.h"

/* Records of one chunk: 63.4 KiB a write, enough that the system call costs under a nanosecond a record. */
#define CHUNK_RECORDS    1622u
#define STAGING_BYTES    (HDI_TRACE_CHUNK_BYTES + CHUNK_RECORDS * HDI_TRACE_RECORD_BYTES)
#define RING_ALIGN       64u /* a cache line: producers do not disturb each other */
#define RING_RECORDS_MAX (1u << 24)

/* A single-producer, single-consumer ring. `head` and `tail` count for ever and wrap; their difference is the
 * fill. */
typedef struct ring {
  alignas(RING_ALIGN) atomic_uint head; /* written by the producer */
  hd_record *slots;
  uint64_t dropped;                     /* the producer's: records lost since the last one that fitted */
  uint64_t dropped_t_ns;                /* when the first of them happened */
  alignas(RING_ALIGN) atomic_uint tail; /* written by the holder of the flush lock */
} ring;

struct hd_trace {
  hd_host host;
  uint32_t ring_count, ring_records;
  ring *rings;
  hd_record *slots; /* of all rings */
  atomic_flag flushing;
  /* From here on: the flush lock's holder's. */
  int fd;
  bool begun;        /* the header is there; of a file that was there before, nothing is left */
  int failed_errno;  /* of the first write that failed; 0: none did */
  off_t whole_bytes; /* length of the file up to its last whole chunk */
  uint8_t *staging;
  char path[160]; /* for messages; cut when longer */
};

static int write_all(int fd, const uint8_t *bytes, size_t size) {
  while (size > 0) {
    ssize_t n = write(fd, bytes, size);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return errno;
    if (n == 0) return ENOSPC;
    bytes += n;
    size -= (size_t)n;
  }
  return 0;
}

static int write_header(int fd) {
  struct timespec now = {0, 0};
  clock_gettime(CLOCK_REALTIME, &now);
  uint8_t header[HDI_TRACE_HEADER_BYTES] = {0};
  memcpy(header, HDI_TRACE_MAGIC, HDI_TRACE_MAGIC_BYTES);
  hdi_put_u32(header + 8, HD_TRACE_VERSION);
  hdi_put_u32(header + 12, HDI_TRACE_RECORD_BYTES);
  hdi_put_u64(header + 16, (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec);
  return write_all(fd, header, sizeof header);
}

/* A file that was there before keeps what is in it until there is something to write. */
static bool keeps_content(int fd) {
  struct stat file;
  return fstat(fd, &file) == 0 && S_ISREG(file.st_mode);
}

/* Opens the file, with its header in it unless something else still is (out_begun false). A file that this
 * call created is removed again when the header does not fit; one that was there (or a device such as
 * /dev/full) is not ours to remove. Returns an errno. */
static int open_file(const char *path, int *out_fd, bool *out_begun) {
  bool created = true;
  int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
  if (fd < 0 && errno == EEXIST) {
    created = false;
    fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0666);
  }
  if (fd < 0) return errno;
  bool begun = created || !keeps_content(fd);
  int error = begun ? write_header(fd) : 0;
  if (error == 0) {
    *out_fd = fd;
    *out_begun = begun;
    return 0;
  }
  close(fd);
  if (created) unlink(path);
  return error;
}

static void free_trace(hd_trace *trace) {
  hd_host host = trace->host;
  hd_host_free(&host, trace->staging, 1, STAGING_BYTES);
  hd_host_free(&host, trace->slots, (size_t)trace->ring_count * trace->ring_records, sizeof(hd_record));
  hd_host_free(&host, trace->rings, trace->ring_count, sizeof(ring));
  hd_host_free(&host, trace, 1, sizeof *trace);
}

static hd_trace *allocate(const hd_host *host, uint32_t ring_count, uint32_t ring_records) {
  hd_trace *trace = hd_host_zalloc(host, 1, sizeof *trace, alignof(hd_trace));
  if (!trace) return NULL;
  trace->host = *host;
  trace->ring_count = ring_count;
  trace->ring_records = ring_records;
  trace->rings = hd_host_zalloc(host, ring_count, sizeof(ring), RING_ALIGN);
  trace->slots = hd_host_zalloc(host, (size_t)ring_count * ring_records, sizeof(hd_record), RING_ALIGN);
  trace->staging = hd_host_zalloc(host, 1, STAGING_BYTES, RING_ALIGN);
  if (!trace->rings || !trace->slots || !trace->staging) {
    free_trace(trace);
    return NULL;
  }
  for (uint32_t i = 0; i < ring_count; i++) {
    atomic_init(&trace->rings[i].head, 0);
    atomic_init(&trace->rings[i].tail, 0);
    trace->rings[i].slots = trace->slots + (size_t)i * ring_records;
  }
  atomic_flag_clear(&trace->flushing);
  return trace;
}

hd_status hd_trace_create(const hd_host *host, const char *path, uint32_t ring_count, uint32_t ring_records,
                          hd_trace **out_trace, hd_error *out_error) {
  assert(host && path && out_trace);
  if (ring_count == 0 || ring_count > HDI_TRACE_RINGS_MAX)
    return hd_fail(out_error, HD_E_INVALID, "trace %s: %u rings; 1 to %u are possible", path, ring_count,
                   HDI_TRACE_RINGS_MAX);
  /* Two at least, because a record that follows lost ones needs room for itself and for the word of the loss.
   */
  if (ring_records < 2 || ring_records > RING_RECORDS_MAX || (ring_records & (ring_records - 1)) != 0)
    return hd_fail(out_error, HD_E_INVALID,
                   "trace %s: rings of %u records; a power of two from 2 to %u is needed", path, ring_records,
                   RING_RECORDS_MAX);
  hd_trace *trace = allocate(host, ring_count, ring_records);
  if (!trace)
    return hd_fail(out_error, HD_E_NO_MEMORY, "trace %s: no memory for %u rings of %u records", path,
                   ring_count, ring_records);
  int error = open_file(path, &trace->fd, &trace->begun);
  if (error != 0) {
    free_trace(trace);
    return hd_fail(out_error, HD_E_IO, "trace %s: cannot be written: %s", path, strerror(error));
  }
  trace->whole_bytes = trace->begun ? HDI_TRACE_HEADER_BYTES : 0;
  snprintf(trace->path, sizeof trace->path, "%s", path);
  *out_trace = trace;
  return HD_OK;
}

static void push(const hd_trace *trace, ring *r, unsigned head, const hd_record *record) {
  r->slots[head & (trace->ring_records - 1)] = *record;
  atomic_store_explicit(&r->head, head + 1, memory_order_release);
}

/* Writes the word of a loss. There is room. */
static void push_dropped(const hd_trace *trace, uint32_t ring_index, unsigned head) {
  ring *r = &trace->rings[ring_index];
  hd_record lost = {.t_ns = r->dropped_t_ns,
                    .kind = HD_IN_DROPPED,
                    .device = HD_RECORD_NO_DEVICE,
                    .step = ring_index,
                    .a = r->dropped};
  push(trace, r, head, &lost);
  r->dropped = 0;
}

void hd_trace_emit(hd_trace *trace, uint32_t ring_index, const hd_record *record) {
  assert(ring_index < trace->ring_count);
  ring *r = &trace->rings[ring_index];
  unsigned head = atomic_load_explicit(&r->head, memory_order_relaxed);
  unsigned used = head - atomic_load_explicit(&r->tail, memory_order_acquire);
  unsigned needed = r->dropped > 0 ? 2 : 1;
  if (trace->ring_records - used < needed) {
    if (r->dropped == 0) r->dropped_t_ns = record->t_ns;
    r->dropped++;
    return;
  }
  if (r->dropped > 0) push_dropped(trace, ring_index, head++);
  push(trace, r, head, record);
}

bool hd_trace_wants_flush(const hd_trace *trace) {
  for (uint32_t i = 0; i < trace->ring_count; i++) {
    unsigned tail = atomic_load_explicit(&trace->rings[i].tail, memory_order_relaxed);
    unsigned head = atomic_load_explicit(&trace->rings[i].head, memory_order_relaxed);
    if (head - tail > trace->ring_records / 2) return true;
  }
  return false;
}

/* The first failure is remembered and logged once, and cuts the file back to its last whole chunk, so that
 * what is there stays readable. After it nothing is written: a hole in the middle would look like a whole
 * trace. */
static void fail(hd_trace *trace, int error) {
  trace->failed_errno = error;
  int cut = ftruncate(trace->fd, trace->whole_bytes); /* a pipe or device cannot be cut: the reader copes */
  (void)cut;
  if (trace->host.log) {
    char line[HD_ERROR_TEXT_BYTES];
    snprintf(line, sizeof line, "trace %s: ends after %lld bytes: %s", trace->path,
             (long long)trace->whole_bytes, strerror(error));
    trace->host.log(trace->host.ctx, HD_LOG_ERROR, line);
  }
}

/* Empties a file that was there before and writes the header. */
static void begin(hd_trace *trace) {
  trace->begun = true;
  int error = ftruncate(trace->fd, 0) == 0 ? write_header(trace->fd) : errno;
  if (error == 0)
    trace->whole_bytes = HDI_TRACE_HEADER_BYTES;
  else
    fail(trace, error);
}

static void write_chunk(hd_trace *trace, uint32_t ring_index, uint32_t count) {
  if (trace->failed_errno != 0) return;
  hdi_put_u32(trace->staging, ring_index);
  hdi_put_u32(trace->staging + 4, count);
  size_t size = HDI_TRACE_CHUNK_BYTES + (size_t)count * HDI_TRACE_RECORD_BYTES;
  int error = write_all(trace->fd, trace->staging, size);
  if (error == 0) {
    trace->whole_bytes += (off_t)size;
    return;
  }
  fail(trace, error);
}

/* Empties a ring up to where its producer was when this began: a producer that never rests must not hold the
 * lock. */
static void flush_ring(hd_trace *trace, uint32_t ring_index) {
  ring *r = &trace->rings[ring_index];
  unsigned head = atomic_load_explicit(&r->head, memory_order_acquire);
  unsigned tail = atomic_load_explicit(&r->tail, memory_order_relaxed);
  while (tail != head) {
    unsigned count = head - tail < CHUNK_RECORDS ? head - tail : CHUNK_RECORDS;
    uint8_t *at = trace->staging + HDI_TRACE_CHUNK_BYTES;
    for (unsigned i = 0; i < count; i++, at += HDI_TRACE_RECORD_BYTES)
      hdi_put_record(at, &r->slots[(tail + i) & (trace->ring_records - 1)]);
    tail += count;
    atomic_store_explicit(&r->tail, tail, memory_order_release); /* free again before the slow part */
    write_chunk(trace, ring_index, count);
  }
}

hd_status hd_trace_flush(hd_trace *trace) {
  if (atomic_flag_test_and_set_explicit(&trace->flushing, memory_order_acquire)) return HD_E_AGAIN;
  if (!trace->begun) begin(trace);
  for (uint32_t i = 0; i < trace->ring_count; i++)
    flush_ring(trace, i);
  hd_status status = trace->failed_errno != 0 ? HD_E_IO : HD_OK;
  atomic_flag_clear_explicit(&trace->flushing, memory_order_release);
  return status;
}

hd_status hd_trace_destroy(hd_trace *trace, hd_error *out_error) {
  if (!trace) return HD_OK;
  hd_trace_flush(trace);
  for (uint32_t i = 0; i < trace->ring_count;
       i++) /* empty now: room for the word of a loss at the very end */
    if (trace->rings[i].dropped > 0)
      push_dropped(trace, i, atomic_load_explicit(&trace->rings[i].head, memory_order_relaxed));
  hd_trace_flush(trace);
  int error = trace->failed_errno;
  if (close(trace->fd) != 0 && error == 0 && errno != EINTR) error = errno;
  hd_status status = HD_OK;
  if (error != 0)
    status = hd_fail(out_error, HD_E_IO, "trace %s: ends after %lld bytes: %s", trace->path,
                     (long long)trace->whole_bytes, strerror(error));
  free_trace(trace);
  return status;
}

void hd_trace_discard(hd_trace *trace) {
  if (!trace) return;
  close(trace->fd);
  free_trace(trace);
}
