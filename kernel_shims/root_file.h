/* SPDX-License-Identifier: Apache-2.0 */
/* Reading the small text files of /sys and /proc below a root that is a directory handle, so that a folder of
 * captured files can stand in for a machine. Paths are relative: "sys/class/thermal/...". */
#ifndef HDK_ROOT_FILE_H
#define HDK_ROOT_FILE_H

#include "heddle/status.h"

#include <stddef.h>
#include <stdint.h>

/* Opens a root; `path` "/" is the machine itself. The caller closes it with close(2). Errors: NOT_FOUND, IO.
 */
hd_status hdk_root_open(const char *path, int *out_root_fd);

/* Reads the whole file into `out_text`, terminated, without a final newline. Threads: any.
 * Errors: NOT_FOUND, IO, FORMAT (it does not fit, or contains a zero byte). */
hd_status hdk_read_text(int root_fd, const char *path, char *out_text, size_t cap);

/* Reads a file that holds one decimal number and nothing else but white space around it.
 * Errors: as hdk_read_text; FORMAT (not such a number, or out of range). */
hd_status hdk_read_u64(int root_fd, const char *path, uint64_t *out_value);
hd_status hdk_read_i64(int root_fd, const char *path, int64_t *out_value);

#endif
