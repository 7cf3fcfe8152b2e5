/* SPDX-License-Identifier: Apache-2.0 */
/* A random transformer of two layers with every kind of op in it, sessions on it, and what the portable ops
 * make of them. */
#ifndef TESTS_BACKENDS_MODEL_H
#define TESTS_BACKENDS_MODEL_H

#include <stdarg.h>
#include <setjmp.h>
#include <stddef.h>
#include <cmocka.h>
#include "common/float16.h"
#include "common/ops.h"
#include "kernels/samples.h"

#define MODEL_VOCAB   48u
#define MODEL_TOKENS  6u /* of the longest run */
#define MODEL_CONTEXT 12u
#define MODEL_VALUES  96u

typedef struct model {
  hd_host host;
  hd_graph *graph;
  uint32_t op_count, value_count;
  hd_value tokens, logits;
  void *weights[MODEL_VALUES]; /* by value; NULL: not a weight */
} model;

/* Weights of `format`, norms and biases in F32, the KV cache in `kv_format` (F32 or F16). */
void model_make(model *m, hd_format format, hd_format kv_format, uint64_t seed);
void model_free(model *m);

/* The memory of one conversation, each value in exactly as much as it takes. */
typedef struct session {
  const model *model;
  uint8_t *arena;
  size_t arena_bytes;
  void *values[MODEL_VALUES];
  atomic_uint stop;
  hd_launch launch;
} session;

/* Tokens are random, the same for the same seed; KV and arena begin as garbage that is the same for all. */
void session_make(session *s, const model *m, uint64_t seed);
void session_free(session *s);
/* Sets up the launch of ops [begin, end) over n_tokens at kv_pos. */
const hd_launch *session_launch(session *s, hd_program *program, uint32_t id, uint32_t begin, uint32_t end,
                                uint32_t n_tokens, uint32_t n_outputs, uint32_t kv_pos);
/* Runs the launch with the portable ops. */
void session_run_portable(session *s);
/* Makes garbage of every activation that ops from `begin` to `end` do not read from before. */
void session_poison(session *s, uint32_t begin, uint32_t end);

/* How far off a is: of logits and of KV rows up to the launch's last token, root mean square of the
 * difference over that of b; the worst value counts. */
double session_difference(const session *a, const session *b);
/* Says that all of it is the same, byte for byte. */
void session_expect_same(const session *a, const session *b);

#endif
