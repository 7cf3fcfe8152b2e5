/* SPDX-License-Identifier: Apache-2.0 */
/* Traces: records on their way from rings to a file, and back.
 *
 * A file is a header (8 bytes "hdtrace\n", u32 version, u32 bytes per record, u64 wall clock ns at the start,
 * u64 0) and then chunks (u32 ring, u32 count, count records), all little-endian. A file cut short is read up
 * to its last whole chunk, and the reader says so. */
#ifndef HEDDLE_TRACE_H
#define HEDDLE_TRACE_H

#include <stdbool.h>
#include <stdio.h>
#include "heddle/control.h"
#include "heddle/host.h"
#include "heddle/record.h"

#ifdef __cplusplus
extern "C" {
#endif

#define HD_TRACE_VERSION 1u

/* ---- writing ---- */

typedef struct hd_trace hd_trace;

/* Opens `path` for writing (nothing is left behind when this fails; what an existing file holds is lost with
 * the first flush, not before) with `ring_count` rings of `ring_records` (a power of two) each. Ring 0
 * belongs to the control plane's turn; the others to one thread each. Errors: IO (the error names path and
 * reason), INVALID, NO_MEMORY. Threads: any. Ownership: the caller. */
hd_status hd_trace_create(const hd_host *host, const char *path, uint32_t ring_count, uint32_t ring_records,
                          hd_trace **out_trace, hd_error *out_error);

/* Appends one record to a ring: no lock, no allocation, no system call. A full ring counts the loss and
 * writes HD_IN_DROPPED when there is room again. Threads: one at a time for each ring. */
void hd_trace_emit(hd_trace *trace, uint32_t ring, const hd_record *record);

/* True when a ring is more than half full: somebody should flush soon. Threads: any. */
bool hd_trace_wants_flush(const hd_trace *trace);

/* Moves all rings to the file. Threads: any; a second one returns HD_E_AGAIN at once. Errors: AGAIN, IO. */
hd_status hd_trace_flush(hd_trace *trace);

/* Flushes and closes; takes NULL. The status is that of the first write that failed (IO). */
hd_status hd_trace_destroy(hd_trace *trace, hd_error *out_error);

/* Closes without writing what the rings hold, for a set-up that failed: a file that was there before, and was
 * not flushed to, is as it was. Takes NULL. */
void hd_trace_discard(hd_trace *trace);

/* Writes a name as HD_IN_NAME records into ring 0. Threads: as ring 0. */
void hd_trace_name(hd_trace *trace, uint64_t t_ns, hd_name_kind kind, uint32_t id, const char *name);

/* ---- reading ---- */

typedef struct hd_trace_file hd_trace_file;

/* Reads a whole trace: ring 0 in file order (which is seq order), others merged in by time. Bounds-checked; a
 * hostile file costs at most a few times its own size. Errors: IO, FORMAT (bad magic, version, chunk),
 * NO_MEMORY, with the byte offset. */
hd_status hd_trace_read(const hd_host *host, const char *path, hd_trace_file **out_file, hd_error *out_error);
/* The same from memory. */
hd_status hd_trace_parse(const hd_host *host, const void *bytes, size_t size, const char *name,
                         hd_trace_file **out_file, hd_error *out_error);
void hd_trace_file_destroy(hd_trace_file *file);

const hd_record *hd_trace_records(const hd_trace_file *file, size_t *out_count);
bool hd_trace_is_truncated(const hd_trace_file *file); /* cut short, or records were dropped */
/* NULL when the trace does not name it. */
const char *hd_trace_find_name(const hd_trace_file *file, hd_name_kind kind, uint32_t id);

/* One line of text without newline for one record, names resolved (`file` may be NULL). Returns what snprintf
 * would. The text form is stable: time in ms, seq ("-": none) and kind, then one `key=value` word a field.
 * Ranges are half-open; fields may be appended. */
int hd_trace_format(const hd_trace_file *file, const hd_record *record, char *out_text, size_t bytes);

/* ---- replay ---- */

typedef struct hd_replay_result {
  uint64_t events;    /* fed */
  uint64_t decisions; /* recorded decisions compared */
  bool identical;
  uint64_t first_difference;    /* index among records, when not identical; nothing after it is fed */
  hd_record recorded, replayed; /* the first that differ; kind 0: that side has none */
} hd_replay_result;

/* Feeds a trace's events to a control plane made as the trace says (HD_IN_CONFIG, HD_NAME_POLICY; `policies`
 * is where the policy's name is looked up) and compares the decisions byte by byte. When `out_decisions` is
 * not NULL, each replayed decision is written there as text, a line each. Errors: FORMAT (the trace is
 * truncated or lacks its configuration), NOT_FOUND (unknown policy), NO_MEMORY. Differences are a result, not
 * an error. */
hd_status hd_trace_replay(const hd_host *host, const hd_trace_file *file,
                          const struct hd_policy_ops *const *policies, FILE *out_decisions,
                          hd_replay_result *out_result, hd_error *out_error);

#ifdef __cplusplus
}
#endif
#endif
