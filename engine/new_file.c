/* SPDX-License-Identifier: Apache-2.0 */
/* Knows how a file comes into being whole or not at all: it grows under another name and is renamed. */
#include "new_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* Names tried before giving up: each is in the way only when a process of the same number was killed. */
#define PART_NAMES 16

static hd_status fail(const char *path, int error, const char *what, hd_error *out_error) {
  char reason[96];
  /* The GNU form of strerror_r may answer with a text of its own. */
  const char *text = strerror_r(error, reason, sizeof reason);
  return hd_fail(out_error, error == ENOENT || error == ENOTDIR ? HD_E_NOT_FOUND : HD_E_IO,
                 "%s: cannot %s: %s", path, what, text);
}

static hd_status open_part(hei_new_file *file, hd_error *out_error) {
  int error = EEXIST;
  for (int i = 0; i < PART_NAMES && error == EEXIST; i++) {
    (void)snprintf(file->part, file->part_bytes, "%s.%ld-%d.part", file->path, (long)getpid(), i);
    file->fd = open(file->part, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
    if (file->fd >= 0) return HD_OK;
    error = errno;
  }
  return fail(file->path, error, "write the file", out_error);
}

hd_status hei_new_file_begin(const hd_host *host, const char *path, hei_new_file *out_file,
                             hd_error *out_error) {
  struct stat info;
  if (stat(path, &info) == 0 && !S_ISREG(info.st_mode))
    return hd_fail(out_error, HD_E_INVALID, "%s: is there already, and is not a regular file", path);
  hei_new_file file = {.host = *host, .path = path, .part_bytes = strlen(path) + 40, .fd = -1};
  file.part = hd_host_zalloc(host, file.part_bytes, 1, 1);
  if (file.part == NULL) return hd_fail(out_error, HD_E_NO_MEMORY, "%s: no memory for its name", path);
  hd_status status = open_part(&file, out_error);
  if (status != HD_OK) {
    hd_host_free(host, file.part, file.part_bytes, 1);
    return status;
  }
  *out_file = file;
  return HD_OK;
}

hd_status hei_new_file_write(hei_new_file *file, const void *data, size_t size, hd_error *out_error) {
  const char *at = data;
  while (size > 0) {
    ssize_t written = write(file->fd, at, size);
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) return fail(file->path, errno, "write the file", out_error);
    at += written;
    size -= (size_t)written;
  }
  return HD_OK;
}

static void finish(hei_new_file *file) {
  if (file->fd >= 0) (void)close(file->fd);
  file->fd = -1;
  hd_host_free(&file->host, file->part, file->part_bytes, 1);
  file->part = NULL;
}

hd_status hei_new_file_keep(hei_new_file *file, hd_error *out_error) {
  int error = fsync(file->fd) != 0 ? errno : 0;
  if (error == 0 && rename(file->part, file->path) != 0) error = errno;
  if (error != 0) {
    hei_new_file_drop(file);
    return fail(file->path, error, "write the file", out_error);
  }
  finish(file);
  return HD_OK;
}

void hei_new_file_drop(hei_new_file *file) {
  if (file->part == NULL) return;
  (void)unlink(file->part);
  finish(file);
}
