/* SPDX-License-Identifier: Apache-2.0 */
/* What every backend must do. A new backend is one row in `rows`. Each test runs for each row twice: with
 * work done inside execute(), and on threads. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "conformance.h"

static const row rows[] = {
    {"cpu", "tier=c", true, 0, NULL},
    /* Its sums have another order: 7e-5 seen, and 8e-3 where an activation then rounds to the next integer.
     * What the kernels owe exactly is held in tests/kernels; a wrong one is off by 1. */
    {"cpu", NULL, true, 3e-2, NULL},
    {"sim", NULL, true, 0, "fail_once=1"},
    {"sim", "count=2;kind=npu;capacity=3;max_in_flight=5;jitter_us=30;seed=7", true, 0,
     "fail_once=1;count=2"},
    {"null", NULL, false, 0, NULL},
};

static int setup_inline_or_threads(void **state, uint32_t threads) {
  const row *of = *state;
  fixture *f = calloc(1, sizeof *f);
  if (!f) return -1;
  f->row = of;
  f->ops = conformance_find(of->backend);
  lender_open(&f->lender, threads);
  *state = f;
  conformance_open(f, of->options);
  return 0;
}

static int setup_inline(void **state) {
  return setup_inline_or_threads(state, 0);
}

static int setup_threads(void **state) {
  return setup_inline_or_threads(state, 2);
}

static int teardown(void **state) {
  fixture *f = *state;
  f->ops->close(f->backend);
  lender_close(&f->lender);
  free(f);
  return 0;
}

static const promise *const groups[] = {promises_said, promises_computed, promises_flying};
#define ROWS      (sizeof rows / sizeof rows[0])
#define TESTS_MAX 1024u

static void every_backend_of_this_build_has_a_row(void **state) {
  (void)state;
  for (const hd_backend_ops *const *ops = hd_backends_builtin(); *ops; ops++) {
    bool found = false;
    for (size_t r = 0; r < ROWS; r++)
      found |= strcmp(rows[r].backend, (*ops)->name) == 0;
    if (!found) fail_msg("backend %s has no row", (*ops)->name);
  }
}

/* Adds a row's tests of one group, with work inline or on threads. */
static size_t add(struct CMUnitTest *tests, size_t n, const row *of, const promise *group, bool threads) {
  static char names[TESTS_MAX][192];
  for (; group->name; group++, n++) {
    assert_true(n < TESTS_MAX);
    snprintf(names[n], sizeof names[n], "%s:%s %s: %s", of->backend, of->options ? of->options : "",
             threads ? "threads" : "inline", group->name);
    tests[n] = (struct CMUnitTest){names[n], group->fn, threads ? setup_threads : setup_inline, teardown,
                                   (void *)(uintptr_t)of};
  }
  return n;
}

int main(void) {
  static struct CMUnitTest tests[TESTS_MAX + 1];
  size_t n = 0;
  for (size_t r = 0; r < ROWS; r++)
    for (size_t g = 0; g < 6 && conformance_find(rows[r].backend); g++)
      n = add(tests, n, &rows[r], groups[g % 3], g >= 3);
  tests[n++] = (struct CMUnitTest)cmocka_unit_test(every_backend_of_this_build_has_a_row);
  return _cmocka_run_group_tests("conformance", tests, n, NULL, NULL);
}
