/* SPDX-License-Identifier: Apache-2.0 */
/* Lines of proc/meminfo. */
#include "meminfo.h"

#include "root_file.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define FILE_BYTES   8192
#define BYTES_PER_KB UINT64_C(1024) /* the file says kB and means KiB */

/* The value of a line "Key:   123 kB", where `key` is "Key:". */
static hd_status find_kb(const char *text, const char *key, uint64_t *out_bytes) {
  const char *line = text;
  size_t key_bytes = strlen(key);
  while (strncmp(line, key, key_bytes) != 0) {
    line = strchr(line, '\n');
    if (line == NULL) return HD_E_NOT_FOUND;
    line++;
  }
  const char *digits = line + key_bytes + strspn(line + key_bytes, " \t");
  if (*digits < '0' || *digits > '9') return HD_E_FORMAT;
  char *end;
  errno = 0;
  unsigned long long kb = strtoull(digits, &end, 10);
  if (errno != 0 || kb > UINT64_MAX / BYTES_PER_KB || strncmp(end, " kB", 3) != 0) return HD_E_FORMAT;
  *out_bytes = kb * BYTES_PER_KB;
  return HD_OK;
}

hd_status hdk_meminfo_read(int root_fd, hdk_meminfo *out_info) {
  char text[FILE_BYTES];
  hdk_meminfo info;
  hd_status status = hdk_read_text(root_fd, "proc/meminfo", text, sizeof text);
  if (status == HD_OK) status = find_kb(text, "MemTotal:", &info.total_bytes);
  if (status == HD_OK) status = find_kb(text, "MemAvailable:", &info.available_bytes);
  if (status == HD_OK) *out_info = info;
  return status;
}
