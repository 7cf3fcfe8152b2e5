/* SPDX-License-Identifier: Apache-2.0 */
/* Programs: a run of ops with its weights, made ready for the device. */
#include <stdalign.h>
#include "null/null.h"

struct hd_program {
  uint32_t op_begin, op_end;
};

/* Slow things belong here, none of them into submit: compiling shaders, repacking weights (`values` has their
 * host addresses), allocating whatever launches will need. A launch may later run any ops inside [op_begin,
 * op_end). */
hd_status hdb_null_prepare(void *backend, uint32_t index, const hd_graph *graph, uint32_t op_begin,
                           uint32_t op_end, void *const *values, hd_program **out_program) {
  null_backend *null = backend;
  (void)index;
  (void)graph;
  (void)values;
  hd_program *program = hd_host_zalloc(null->lent->host, 1, sizeof *program, alignof(hd_program));
  if (!program) return HD_E_NO_MEMORY;
  program->op_begin = op_begin;
  program->op_end = op_end;
  *out_program = program;
  return HD_OK;
}

/* No launch of it is in flight. */
void hdb_null_release(void *backend, uint32_t index, hd_program *program) {
  null_backend *null = backend;
  (void)index;
  if (program) hd_host_free(null->lent->host, program, 1, sizeof *program);
}

/* A backend that can use host memory in place pins it here and returns the driver's handle for it. */
hd_status hdb_null_import(void *backend, uint32_t index, hd_buffer *buffer, void **out_handle) {
  (void)backend;
  (void)index;
  (void)buffer;
  (void)out_handle;
  return HD_E_UNSUPPORTED;
}

void hdb_null_unimport(void *backend, uint32_t index, void *handle) {
  (void)backend;
  (void)index;
  (void)handle;
}
