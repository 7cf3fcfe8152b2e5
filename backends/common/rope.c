/* SPDX-License-Identifier: Apache-2.0 */
/* ROPE: pairs of a head's elements rotate by angles that grow with the position.
 * Source: Su et al., RoFormer, 2021; frequency factors as in Llama 3. Angles of a position are a running
 * product in float, as in ggml: at position 500 its rounding is as large as the tolerance that logits are
 * compared with. */
#include <math.h>
#include <string.h>
#include "common/fma.h"
#include "common/job.h"

/* Angles computed at a time: bounds the stack for any rope_dim. */
#define PAIRS_AT_ONCE 64u

/* The angle of pair i of position `pos` before scaling is pos * step^i; carried from chunk to chunk. */
typedef struct angle_walk {
  float angle, step, scale;
  const float *factors; /* NULL: none */
} angle_walk;

static void next_angles(angle_walk *walk, uint32_t first, uint32_t count, float *out_cos, float *out_sin) {
  for (uint32_t i = 0; i < count; i++) {
    float angle = walk->angle;
    if (walk->factors) angle /= walk->factors[first + i];
    out_cos[i] = cosf(angle * walk->scale);
    out_sin[i] = sinf(angle * walk->scale);
    walk->angle *= walk->step;
  }
}

/* Element a of pair i lies at i * spread, its partner `apart` behind it. */
static void rotate(const float *x, const float *cosine, const float *sine, uint32_t count, uint32_t spread,
                   uint32_t apart, float *out) {
  for (uint32_t i = 0; i < count; i++) {
    float a = x[i * spread], b = x[i * spread + apart];
    out[i * spread] = hdb_fma(a, cosine[i], -(b * sine[i]));
    out[i * spread + apart] = hdb_fma(a, sine[i], b * cosine[i]);
  }
}

static void rope_row(const hdb_job *job, const float *x, uint32_t position, float *out) {
  const hd_op *op = job->op;
  uint32_t cols = hdb_job_cols(job, op->out), head_dim = op->u.rope.head_dim, pairs = op->u.rope.rope_dim / 2;
  bool halves = op->u.rope.style == HD_ROPE_HALVES;
  uint32_t spread = halves ? 1 : 2, apart = halves ? pairs : 1;
  float cosine[PAIRS_AT_ONCE], sine[PAIRS_AT_ONCE];
  angle_walk walk = {(float)position, powf(op->u.rope.freq_base, -2.0f / (float)op->u.rope.rope_dim),
                     op->u.rope.freq_scale, op->in[1] == HD_VALUE_NONE ? NULL : hdb_job_at(job, op->in[1])};
  for (uint32_t first = 0; first < pairs; first += PAIRS_AT_ONCE) {
    uint32_t count = pairs - first < PAIRS_AT_ONCE ? pairs - first : PAIRS_AT_ONCE;
    next_angles(&walk, first, count, cosine, sine);
    for (uint32_t c = first * spread; c < cols; c += head_dim)
      rotate(x + c, cosine, sine, count, spread, apart, out + c);
  }
  for (uint32_t c = 2 * pairs; c < cols && 2 * pairs < head_dim; c += head_dim)
    memcpy(out + c, x + c, (head_dim - 2 * pairs) * sizeof(float));
}

static void rope_run(const hdb_job *job) {
  hdb_range range = hdb_job_range(job, hdb_items_out_rows(job), 1);
  for (uint32_t t = range.begin; t < range.end; t++)
    rope_row(job, hdb_job_row(job, job->op->in[0], t), job->launch->kv_pos + t,
             hdb_job_row(job, job->op->out, t));
}

static uint64_t rope_work(const hdb_job *job) {
  return 4 * hdb_work_out_row(job);
}

static hd_status rope_test(const hd_op *op, const hd_value_desc *values) {
  uint32_t head_dim = op->u.rope.head_dim, rope_dim = op->u.rope.rope_dim;
  if (head_dim == 0 || values[op->out].cols % head_dim != 0) return HD_E_UNSUPPORTED;
  if (rope_dim % 2 != 0 || rope_dim > head_dim) return HD_E_UNSUPPORTED;
  if (op->in[1] != HD_VALUE_NONE && values[op->in[1]].format != HD_FORMAT_F32) return HD_E_UNSUPPORTED;
  return op->u.rope.style == HD_ROPE_ADJACENT || op->u.rope.style == HD_ROPE_HALVES ? HD_OK
                                                                                    : HD_E_UNSUPPORTED;
}

const hdb_op_family hdb_family_rope = {
    .run = rope_run,
    .items = hdb_items_out_rows,
    .item_work = rope_work,
    .test = rope_test,
};
