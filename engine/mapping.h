/* SPDX-License-Identifier: Apache-2.0 */
/* Files in memory: mapped, read-only. */
#ifndef ENGINE_MAPPING_H
#define ENGINE_MAPPING_H

#include <stddef.h>
#include <stdint.h>
#include "heddle/status.h"

typedef struct hei_mapping {
  void *bytes; /* NULL: nothing is mapped */
  size_t size;
} hei_mapping;

/* Maps a whole regular file. Errors: NOT_FOUND, IO (the line has the system's reason), FORMAT (empty, no
 * regular file). Source: open(2), mmap(2). Threads: any. Ownership: the caller's, until hei_mapping_close. */
hd_status hei_mapping_open(const char *path, hei_mapping *out_mapping, hd_error *out_error);
/* Takes a zeroed one too. */
void hei_mapping_close(hei_mapping *mapping);

/* What error lines call a file: its path, or the last part of a long one, because a line must keep room for
 * its reason. */
const char *hei_file_label(const char *path);

/* Gives a mapped file's pages back: they come again from the file when they are read again. For what is read
 * once, so that a large file does not fill the memory. Source: madvise(2), MADV_DONTNEED. */
void hei_forget_pages(const void *bytes, uint64_t size);

/* Reads every page once, so that the first run does not wait for the disk; `progress` as in he_model_options.
 */
void hei_touch_pages(const void *bytes, size_t size,
                     void (*progress)(void *arg, uint64_t done, uint64_t total), void *progress_arg);

#endif
