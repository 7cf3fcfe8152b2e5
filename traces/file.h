/* SPDX-License-Identifier: Apache-2.0 */
/* A trace in memory, between the reader that makes it and the names, text and replay that use it. */
#ifndef TRACES_FILE_H
#define TRACES_FILE_H

#include "heddle/trace.h"

/* A pair to sort by and to find by. */
typedef struct hdi_key {
  uint64_t major, minor;
} hdi_key;

typedef struct hdi_name {
  size_t at; /* index of the record that began it */
  char text[HD_NAME_BYTES];
} hdi_name;

struct hd_trace_file {
  hd_host host;
  char source[96]; /* for messages; cut when longer */
  hd_record *records;
  size_t count;
  uint64_t lost; /* records that the writer had to drop */
  bool cut_short;
  size_t cut_at;    /* byte offset of the chunk that is not whole */
  hdi_name *names;  /* in record order */
  hdi_key *by_name; /* kind and id, index of the name: sorted */
  size_t name_count;
};

/* Sorts in place, without memory, in n log n whatever the input is. */
void hdi_sort_keys(hdi_key *keys, size_t count);

/* Collects the names of file->records. Errors: NO_MEMORY. */
hd_status hdi_names_collect(hd_trace_file *file);
void hdi_names_free(hd_trace_file *file);

/* The name that (kind, id) had when record number `at` was written: the last one given before it, or else the
 * first after it. NULL when there is none. */
const char *hdi_name_at(const hd_trace_file *file, hd_name_kind kind, uint32_t id, size_t at);

#endif
