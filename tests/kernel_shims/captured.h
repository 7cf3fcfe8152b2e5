/* SPDX-License-Identifier: Apache-2.0 */
/* A machine as a folder: files written into a fresh temporary root, opened as the shims open a root. */
#ifndef HDT_CAPTURED_H
#define HDT_CAPTURED_H

#include "kernel_shims/root_file.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <fcntl.h>
#include <ftw.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

typedef struct captured {
  char path[PATH_MAX];
  int fd;
} captured;

static inline captured captured_open(void) {
  captured root;
  const char *folder = getenv("TMPDIR");
  (void)snprintf(root.path, sizeof root.path, "%s/heddle-root-XXXXXX", folder != NULL ? folder : P_tmpdir);
  assert_non_null(mkdtemp(root.path));
  assert_int_equal(hdk_root_open(root.path, &root.fd), HD_OK);
  return root;
}

/* Writes `bytes` of `text` to `path` below the root, making its folders. */
static inline void captured_put_bytes(const captured *root, const char *path, const char *text,
                                      size_t bytes) {
  char folder[PATH_MAX];
  for (const char *slash = strchr(path, '/'); slash != NULL; slash = strchr(slash + 1, '/')) {
    (void)snprintf(folder, sizeof folder, "%.*s", (int)(slash - path), path);
    (void)mkdirat(root->fd, folder, 0755);
  }
  int fd = openat(root->fd, path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
  assert_true(fd >= 0);
  assert_int_equal(write(fd, text, bytes), bytes);
  (void)close(fd);
}

static inline void captured_put(const captured *root, const char *path, const char *text) {
  captured_put_bytes(root, path, text, strlen(text));
}

static inline int captured_remove_one(const char *path, const struct stat *about, int kind,
                                      struct FTW *place) {
  (void)about;
  (void)kind;
  (void)place;
  return remove(path);
}

static inline void captured_close(captured *root) {
  (void)close(root->fd);
  (void)nftw(root->path, captured_remove_one, 8, FTW_DEPTH | FTW_PHYS);
}

/* The machine that the test runs on. */
static inline int real_root(void) {
  int fd = -1;
  assert_int_equal(hdk_root_open("/", &fd), HD_OK);
  return fd;
}

#endif
