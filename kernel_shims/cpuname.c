/* SPDX-License-Identifier: Apache-2.0 */
/* Finding a name in proc/cpuinfo. */
#include "cpuname.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* The first processor's paragraph is in the first few KiB; the file may have hundreds. */
#define HEAD_BYTES 8192

/* The value of the first line "key\t: value". */
static bool find_value(const char *text, const char *key, char *out_value, size_t cap) {
  size_t key_bytes = strlen(key);
  for (const char *line = text; line != NULL && *line != '\0';) {
    const char *next = strchr(line, '\n');
    const char *colon = strchr(line, ':');
    bool in_line = colon != NULL && (next == NULL || colon < next);
    if (in_line && strncmp(line, key, key_bytes) == 0 &&
        strspn(line + key_bytes, " \t") == (size_t)(colon - line) - key_bytes) {
      const char *value = colon + 1 + strspn(colon + 1, " \t");
      size_t length = strcspn(value, "\n");
      if (length >= cap) length = cap - 1;
      if (length > 0) {
        memcpy(out_value, value, length);
        out_value[length] = '\0';
        return true;
      }
    }
    line = next == NULL ? NULL : next + 1;
  }
  return false;
}

static hd_status read_head(int root_fd, char *text) {
  int fd = openat(root_fd, "proc/cpuinfo", O_RDONLY | O_CLOEXEC);
  if (fd < 0) return errno == ENOENT || errno == ENOTDIR ? HD_E_NOT_FOUND : HD_E_IO;
  size_t length = 0;
  ssize_t got;
  while (length < HEAD_BYTES - 1 && (got = read(fd, text + length, HEAD_BYTES - 1 - length)) > 0) {
    length += (size_t)got;
  }
  (void)close(fd);
  text[length] = '\0';
  return HD_OK;
}

hd_status hdk_cpu_name(int root_fd, char *out_name, size_t cap) {
  char text[HEAD_BYTES];
  if (cap == 0) return HD_E_INVALID;
  hd_status status = read_head(root_fd, text);
  if (status != HD_OK) return status;
  static const char *const keys[] = {"model name", "Hardware", "Model"};
  for (size_t i = 0; i < sizeof keys / sizeof *keys; i++) {
    if (find_value(text, keys[i], out_name, cap)) return HD_OK;
  }
  char maker[32], part[32];
  if (!find_value(text, "CPU implementer", maker, sizeof maker)) return HD_E_NOT_FOUND;
  if (!find_value(text, "CPU part", part, sizeof part)) return HD_E_NOT_FOUND;
  (void)snprintf(out_name, cap, "Arm %s %s", maker, part);
  return HD_OK;
}
