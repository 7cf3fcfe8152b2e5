/* SPDX-License-Identifier: Apache-2.0 */
/* What the promises of the conformance suite share: the row under test, an opened backend, ways to run
 * launches. */
#ifndef TESTS_BACKENDS_CONFORMANCE_H
#define TESTS_BACKENDS_CONFORMANCE_H

#include "lender.h"
#include "model.h"

typedef struct row {
  const char *backend, *options;
  bool computes;          /* false: results are not written, so they are not looked at */
  double tolerance;       /* session_difference to the portable ops; 0: the same bytes */
  const char *fails_once; /* options with which the first launch fails; NULL: it cannot on command */
} row;

typedef struct fixture {
  const row *row;
  const hd_backend_ops *ops;
  lender lender;
  void *backend;
  uint32_t device_count;
  hd_device_props props;
} fixture;

typedef struct promise {
  const char *name;
  CMUnitTestFunction fn;
} promise;
#define PROMISE(name)                                                                                        \
  { #name, name }

/* Each ends with a NULL name. */
extern const promise promises_said[];     /* what a backend says of itself */
extern const promise promises_computed[]; /* what its launches give */
extern const promise promises_flying[];   /* how launches come and go */

/* NULL when this build has no such backend. */
const hd_backend_ops *conformance_find(const char *name);
void conformance_open(fixture *f, const char *options);
/* A program of ops that the device said it can run. */
hd_program *conformance_prepare(fixture *f, uint32_t index, const model *m, uint32_t begin, uint32_t end);
/* Submits and waits for the one completion, which must be of this launch. */
hd_completion conformance_run(fixture *f, uint32_t index, const hd_launch *launch);
/* The same, and it must succeed. */
void conformance_run_whole(fixture *f, uint32_t index, const hd_launch *launch);
void conformance_expect_nothing_ready(fixture *f, uint32_t index);
/* As near as the row says; always, when the backend does not compute. */
void conformance_expect_alike(const fixture *f, const session *got, const session *expected);

#endif
