/* SPDX-License-Identifier: Apache-2.0 */
/* Small files below a root handle. */
#include "root_file.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define NUMBER_BYTES 64

static hd_status from_errno(void) {
  return errno == ENOENT || errno == ENOTDIR ? HD_E_NOT_FOUND : HD_E_IO;
}

hd_status hdk_root_open(const char *path, int *out_root_fd) {
  int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (fd < 0) return from_errno();
  *out_root_fd = fd;
  return HD_OK;
}

/* Reads up to `cap` bytes; the files of /proc may come in several pieces. -1: errno says why. */
static ssize_t read_all(int fd, char *bytes, size_t cap) {
  size_t length = 0;
  while (length < cap) {
    ssize_t got = read(fd, bytes + length, cap - length);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return -1;
    if (got == 0) break;
    length += (size_t)got;
  }
  return (ssize_t)length;
}

hd_status hdk_read_text(int root_fd, const char *path, char *out_text, size_t cap) {
  int fd = openat(root_fd, path, O_RDONLY | O_CLOEXEC);
  if (fd < 0) return from_errno();
  ssize_t got = read_all(fd, out_text, cap);
  hd_status status = got < 0 ? from_errno() : HD_OK;
  (void)close(fd);
  if (status != HD_OK) return status;
  size_t length = (size_t)got;
  if (length >= cap || memchr(out_text, 0, length) != NULL) return HD_E_FORMAT;
  if (length > 0 && out_text[length - 1] == '\n') length--;
  out_text[length] = '\0';
  return HD_OK;
}

static bool is_end(const char *text) {
  while (isspace((unsigned char)*text)) {
    text++;
  }
  return *text == '\0';
}

hd_status hdk_read_u64(int root_fd, const char *path, uint64_t *out_value) {
  char text[NUMBER_BYTES];
  hd_status status = hdk_read_text(root_fd, path, text, sizeof text);
  if (status != HD_OK) return status;
  if (strchr(text, '-') != NULL) return HD_E_FORMAT; /* strtoull would wrap it */
  char *end = text;
  errno = 0;
  unsigned long long value = strtoull(text, &end, 10);
  if (end == text || errno != 0 || !is_end(end)) return HD_E_FORMAT;
  *out_value = value;
  return HD_OK;
}

hd_status hdk_read_i64(int root_fd, const char *path, int64_t *out_value) {
  char text[NUMBER_BYTES];
  hd_status status = hdk_read_text(root_fd, path, text, sizeof text);
  if (status != HD_OK) return status;
  char *end = text;
  errno = 0;
  long long value = strtoll(text, &end, 10);
  if (end == text || errno != 0 || !is_end(end)) return HD_E_FORMAT;
  *out_value = value;
  return HD_OK;
}
