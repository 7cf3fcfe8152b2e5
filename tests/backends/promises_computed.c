/* SPDX-License-Identifier: Apache-2.0 */
/* Promises: launches give what the portable ops give, wherever they are cut. */
#include "conformance.h"
#include <string.h>

/* A prompt of 5 tokens, then two tokens one by one, as the portable ops do it. */
static void expect_portable_results(fixture *f, uint32_t index, const model *m) {
  session got, expected;
  session_make(&got, m, 5);
  session_make(&expected, m, 5);
  hd_program *program = conformance_prepare(f, index, m, 0, m->op_count);
  const struct {
    uint32_t n_tokens, n_outputs, kv_pos;
  } runs[] = {{5, 2, 0}, {1, 1, 5}, {1, 0, 6}, {3, 3, 7}};
  for (uint32_t i = 0; i < 4; i++) {
    session_launch(&expected, NULL, 0, 0, m->op_count, runs[i].n_tokens, runs[i].n_outputs, runs[i].kv_pos);
    session_run_portable(&expected);
    conformance_run_whole(f, index,
                          session_launch(&got, program, i + 1, 0, m->op_count, runs[i].n_tokens,
                                         runs[i].n_outputs, runs[i].kv_pos));
    conformance_expect_alike(f, &got, &expected);
  }
  f->ops->release(f->backend, index, program);
  session_free(&got);
  session_free(&expected);
}

static void all_formats_give_the_portable_results_on_all_devices(void **state) {
  fixture *f = *state;
  hd_device_props props;
  for (uint32_t i = 0; i < SAMPLE_FORMATS; i++) {
    model m;
    model_make(&m, sample_format(i), i % 2 ? HD_FORMAT_F16 : HD_FORMAT_F32, 100 + i);
    for (uint32_t index = 0; f->ops->probe(f->backend, index, &props) == HD_OK; index++)
      expect_portable_results(f, index, &m);
    model_free(&m);
  }
}

/* Before the second part everything but its borders is made garbage: borders are what crosses, and all of it.
 */
static void run_in_two(fixture *f, session *s, hd_program *program, uint32_t cut, bool first_here,
                       bool second_here) {
  const uint32_t n = s->model->op_count;
  if (cut > 0) {
    const hd_launch *launch = session_launch(s, program, 1, 0, cut, 4, 2, 0);
    if (first_here)
      conformance_run_whole(f, 0, launch);
    else
      session_run_portable(s);
  }
  if (cut == n) return;
  session_poison(s, cut, n);
  const hd_launch *launch = session_launch(s, program, 2, cut, n, 4, 2, 0);
  if (second_here)
    conformance_run_whole(f, 0, launch);
  else
    session_run_portable(s);
}

static void cuts_at_any_op_give_the_bytes_of_the_uncut_run(void **state) {
  fixture *f = *state;
  model m;
  session whole, portable;
  model_make(&m, HD_FORMAT_Q4_K, HD_FORMAT_F16, 3);
  session_make(&whole, &m, 5);
  session_make(&portable, &m, 5);
  hd_program *program = conformance_prepare(f, 0, &m, 0, m.op_count);
  conformance_run_whole(f, 0, session_launch(&whole, program, 1, 0, m.op_count, 4, 2, 0));
  session_launch(&portable, NULL, 1, 0, m.op_count, 4, 2, 0);
  session_run_portable(&portable);
  for (uint32_t cut = 0; cut <= m.op_count; cut++) {
    for (int way = 0; way < 3; way++) { /* both here; first elsewhere; second elsewhere */
      session parts;
      session_make(&parts, &m, 5);
      run_in_two(f, &parts, program, cut, way != 1, way != 2);
      parts.launch.n_tokens = 4;
      if (way == 0 && f->row->computes) session_expect_same(&parts, &whole);
      conformance_expect_alike(f, &parts, &portable);
      session_free(&parts);
    }
  }
  f->ops->release(f->backend, 0, program);
  session_free(&whole);
  session_free(&portable);
  model_free(&m);
}

static void a_program_of_some_ops_runs_those(void **state) {
  fixture *f = *state;
  model m;
  session got, expected;
  model_make(&m, HD_FORMAT_F32, HD_FORMAT_F32, 3);
  session_make(&got, &m, 5);
  session_make(&expected, &m, 5);
  uint32_t begin = m.op_count / 3, end = 2 * m.op_count / 3;
  hd_program *program = conformance_prepare(f, 0, &m, begin, end);
  session_launch(&expected, NULL, 1, 0, m.op_count, 2, 1, 0);
  session_run_portable(&expected);
  session_launch(&got, NULL, 1, 0, begin, 2, 1, 0);
  session_run_portable(&got);
  for (uint32_t i = begin; i < end; i++) /* one by one */
    conformance_run_whole(f, 0, session_launch(&got, program, i + 1, i, i + 1, 2, 1, 0));
  session_launch(&got, NULL, 1, end, m.op_count, 2, 1, 0);
  session_run_portable(&got);
  got.launch.op_begin = 0;
  conformance_expect_alike(f, &got, &expected);
  f->ops->release(f->backend, 0, program);
  session_free(&got);
  session_free(&expected);
  model_free(&m);
}

static void nothing_is_allocated_between_submit_and_completion(void **state) {
  fixture *f = *state;
  model m;
  session s;
  model_make(&m, HD_FORMAT_Q4_0, HD_FORMAT_F16, 3);
  session_make(&s, &m, 5);
  hd_program *program = conformance_prepare(f, 0, &m, 0, m.op_count);
  long before = atomic_load(&f->lender.allocations);
  for (uint32_t i = 0; i < 4; i++)
    conformance_run_whole(f, 0, session_launch(&s, program, i + 1, 0, m.op_count, i < 1 ? 6 : 1, 1, i));
  assert_int_equal(atomic_load(&f->lender.allocations), before);
  f->ops->release(f->backend, 0, program);
  session_free(&s);
  model_free(&m);
}

const promise promises_computed[] = {
    PROMISE(all_formats_give_the_portable_results_on_all_devices),
    PROMISE(cuts_at_any_op_give_the_bytes_of_the_uncut_run),
    PROMISE(a_program_of_some_ops_runs_those),
    PROMISE(nothing_is_allocated_between_submit_and_completion),
    {NULL, NULL},
};
