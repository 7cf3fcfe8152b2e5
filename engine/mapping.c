/* SPDX-License-Identifier: Apache-2.0 */
/* Knows how a file becomes memory. */
#include "mapping.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#define LABEL_BYTES_MAX 120u

static hd_status fail(const char *path, int error, const char *what, hd_error *out_error) {
  char reason[96];
  /* The GNU form of strerror_r may answer with a text of its own. */
  const char *text = strerror_r(error, reason, sizeof reason);
  return hd_fail(out_error, error == ENOENT || error == ENOTDIR ? HD_E_NOT_FOUND : HD_E_IO,
                 "%s: cannot %s: %s", path, what, text);
}

static hd_status map(const char *path, int fd, hei_mapping *out_mapping, hd_error *out_error) {
  struct stat info;
  if (fstat(fd, &info) != 0) return fail(path, errno, "look at the file", out_error);
  if (!S_ISREG(info.st_mode)) return hd_fail(out_error, HD_E_FORMAT, "%s: not a regular file", path);
  if (info.st_size <= 0) return hd_fail(out_error, HD_E_FORMAT, "%s: byte 0: the file is empty", path);
  void *bytes = mmap(NULL, (size_t)info.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
  if (bytes == MAP_FAILED) return fail(path, errno, "map the file", out_error);
  *out_mapping = (hei_mapping){bytes, (size_t)info.st_size};
  return HD_OK;
}

hd_status hei_mapping_open(const char *path, hei_mapping *out_mapping, hd_error *out_error) {
  /* O_NONBLOCK: a named pipe must not make the open wait. */
  int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  if (fd < 0) return fail(path, errno, "open the file", out_error);
  hd_status status = map(path, fd, out_mapping, out_error);
  (void)close(fd);
  return status;
}

void hei_mapping_close(hei_mapping *mapping) {
  if (mapping->bytes != NULL) (void)munmap(mapping->bytes, mapping->size);
  *mapping = (hei_mapping){0};
}

const char *hei_file_label(const char *path) {
  const char *slash = strrchr(path, '/');
  return strlen(path) <= LABEL_BYTES_MAX || slash == NULL ? path : slash + 1;
}

void hei_forget_pages(const void *bytes, uint64_t size) {
  uintptr_t page = (uintptr_t)sysconf(_SC_PAGESIZE);
  uintptr_t begin = ((uintptr_t)bytes + page - 1) & ~(page - 1),
            end = ((uintptr_t)bytes + size) & ~(page - 1);
  if (begin < end) (void)madvise((void *)begin, end - begin, MADV_DONTNEED);
}

/* Source: madvise(2); since Linux 5.14, and not in every C library's headers. */
#ifndef MADV_POPULATE_READ
#define MADV_POPULATE_READ 22
#endif

/* One byte of each page; 4 KiB is the smallest page of the machines meant here. */
static void touch(const volatile uint8_t *at, size_t size) {
  uint8_t sum = 0;
  for (size_t i = 0; i < size; i += 4096)
    sum = (uint8_t)(sum + at[i]);
  (void)sum;
}

void hei_touch_pages(const void *bytes, size_t size,
                     void (*progress)(void *arg, uint64_t done, uint64_t total), void *progress_arg) {
  /* Between reports, some milliseconds. The kernel fills page tables for so much at once in half of the time
   * that a fault for every sixteen pages takes. */
  const size_t piece = (size_t)8 << 20;
  uintptr_t page = (uintptr_t)sysconf(_SC_PAGESIZE), begin = (uintptr_t)bytes & ~(page - 1);
  for (size_t done = 0; done < size; done += piece) {
    size_t count = size - done < piece ? size - done : piece;
    if (done > 0 && progress != NULL) progress(progress_arg, done, size);
    if (madvise((void *)(begin + done), count + ((uintptr_t)bytes - begin), MADV_POPULATE_READ) != 0)
      touch((const uint8_t *)bytes + done, count);
  }
}
