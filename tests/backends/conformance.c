/* SPDX-License-Identifier: Apache-2.0 */
/* See conformance.h. */
#include "conformance.h"
#include <string.h>

const hd_backend_ops *conformance_find(const char *name) {
  for (const hd_backend_ops *const *ops = hd_backends_builtin(); *ops; ops++)
    if (strcmp((*ops)->name, name) == 0) return *ops;
  return NULL;
}

void conformance_open(fixture *f, const char *options) {
  hd_error error = {""};
  hd_status status = f->ops->open(&f->lender.lent, options, &f->backend, &error);
  if (status != HD_OK) fail_msg("open: %s", error.text);
  assert_int_equal(f->ops->probe(f->backend, 0, &f->props), HD_OK);
}

hd_program *conformance_prepare(fixture *f, uint32_t index, const model *m, uint32_t begin, uint32_t end) {
  hd_program *program = NULL;
  void *values[MODEL_VALUES];
  memcpy(values, m->weights, sizeof values);
  for (uint32_t i = begin; i < end; i++)
    assert_int_equal(f->ops->test(f->backend, index, m->graph, i), HD_OK);
  assert_int_equal(f->ops->prepare(f->backend, index, m->graph, begin, end, values, &program), HD_OK);
  assert_non_null(program);
  return program;
}

hd_completion conformance_run(fixture *f, uint32_t index, const hd_launch *launch) {
  assert_int_equal(f->ops->submit(f->backend, index, launch), HD_OK);
  hd_completion c = lender_await(&f->lender, f->ops, f->backend, index);
  assert_int_equal(c.launch_id, launch->id);
  return c;
}

void conformance_run_whole(fixture *f, uint32_t index, const hd_launch *launch) {
  hd_completion c = conformance_run(f, index, launch);
  assert_int_equal(c.status, HD_OK);
  assert_int_equal(c.op_reached, launch->op_end);
}

void conformance_expect_nothing_ready(fixture *f, uint32_t index) {
  hd_completion c;
  uint32_t count = 1;
  uint64_t next_ns = 0;
  f->ops->poll(f->backend, index, atomic_load(&f->lender.now_ns), &c, 1, &count, &next_ns);
  assert_int_equal(count, 0);
}

void conformance_expect_alike(const fixture *f, const session *got, const session *expected) {
  if (!f->row->computes) return;
  if (f->row->tolerance == 0) {
    session_expect_same(got, expected);
    return;
  }
  double difference = session_difference(got, expected);
  if (!(difference <= f->row->tolerance)) fail_msg("differs by %g", difference);
}
