/* SPDX-License-Identifier: Apache-2.0 */
/* Files that come into being whole or not at all. */
#ifndef ENGINE_NEW_FILE_H
#define ENGINE_NEW_FILE_H

#include "heddle/host.h"

typedef struct hei_new_file {
  hd_host host;
  const char *path; /* the caller's */
  char *part;       /* where it grows */
  size_t part_bytes;
  int fd;
} hei_new_file;

/* Begins a file beside `path`, under a name of its own: path.N.part. Errors: INVALID (something that is no
 * regular file has that name already), NOT_FOUND, IO (the line has the system's reason), NO_MEMORY. Threads:
 * one. Ownership: the caller's, until hei_new_file_keep or hei_new_file_drop. Source: open(2). */
hd_status hei_new_file_begin(const hd_host *host, const char *path, hei_new_file *out_file,
                             hd_error *out_error);
/* Appends. Errors: IO. */
hd_status hei_new_file_write(hei_new_file *file, const void *data, size_t size, hd_error *out_error);
/* Gives it its name, in place of what had it before, once its bytes are on the disk: at every moment there is
 * the old file or the new one. Finished either way. Errors: IO; what had the name is then as it was. Source:
 * fsync(2), rename(2). */
hd_status hei_new_file_keep(hei_new_file *file, hd_error *out_error);
/* Takes it away. */
void hei_new_file_drop(hei_new_file *file);

#endif
