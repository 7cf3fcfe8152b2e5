/* SPDX-License-Identifier: Apache-2.0 */
/* Knows the transformer once more. Sources: Vaswani et al. 2017; Su et al. 2021 (RoPE); Zhang, Sennrich 2019
 * (RMS norm); Shazeer 2020 (SwiGLU); Ainslie et al. 2023 (grouped queries); the Qwen2 and Qwen3 reports. */
#include "naive.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const tiny_tensor *weight(const tiny_model *tiny, int layer, const char *part) {
  char name[64];
  if (layer < 0)
    (void)snprintf(name, sizeof name, "%s", part);
  else
    (void)snprintf(name, sizeof name, "blk.%d.%s", layer, part);
  return tiny_find(tiny, name);
}

static double *vector(size_t count) {
  double *v = calloc(count, sizeof *v);
  if (v == NULL) abort();
  return v;
}

/* out = W x + bias (NULL: none). */
static void linear(const tiny_tensor *w, const tiny_tensor *bias, const double *x, double *out) {
  for (uint32_t r = 0; r < w->rows; r++) {
    double sum = bias != NULL ? (double)bias->values[r] : 0.0;
    for (uint32_t c = 0; c < w->cols; c++)
      sum += (double)w->values[(size_t)r * w->cols + c] * x[c];
    out[r] = sum;
  }
}

static void norm(const tiny_model *tiny, const tiny_tensor *w, double *x, uint32_t count, double *out) {
  for (uint32_t from = 0; from < count; from += w->cols) {
    double squares = 0.0;
    for (uint32_t i = 0; i < w->cols; i++)
      squares += x[from + i] * x[from + i];
    double scale = 1.0 / sqrt(squares / w->cols + (double)tiny->norm_eps);
    for (uint32_t i = 0; i < w->cols; i++)
      out[from + i] = x[from + i] * scale * (double)w->values[i];
  }
}

static void rope(const tiny_model *tiny, bool halves, double *x, uint32_t n_heads, uint32_t position) {
  const tiny_tensor *factors = weight(tiny, -1, "rope_freqs.weight");
  uint32_t pairs = tiny->rope_dim / 2;
  for (uint32_t h = 0; h < n_heads; h++)
    for (uint32_t i = 0; i < pairs; i++) {
      double frequency = pow((double)tiny->rope_base, -2.0 * i / tiny->rope_dim);
      double angle = position * (double)tiny->rope_scale * frequency;
      if (factors != NULL) angle /= (double)factors->values[i];
      double *a = x + h * tiny->head_dim + (halves ? i : 2 * i), *b = a + (halves ? pairs : 1);
      double turned = *a * cos(angle) - *b * sin(angle);
      *b = *a * sin(angle) + *b * cos(angle);
      *a = turned;
    }
}

/* Keys and values of one layer, all positions. */
typedef struct cache {
  double *k, *v;
} cache;

static void attend(const tiny_model *tiny, const double *q, const cache *kv, uint32_t position, double *out) {
  uint32_t dim = tiny->head_dim, group = tiny->n_heads / tiny->n_kv_heads, kv_cols = tiny->n_kv_heads * dim;
  double *share = vector(position + 1);
  for (uint32_t h = 0; h < tiny->n_heads; h++) {
    const double *k = kv->k + h / group * dim, *v = kv->v + h / group * dim;
    double total = 0.0;
    for (uint32_t p = 0; p <= position; p++) {
      double dot = 0.0;
      for (uint32_t i = 0; i < dim; i++)
        dot += q[h * dim + i] * k[(size_t)p * kv_cols + i];
      share[p] = exp(dot / sqrt((double)dim));
      total += share[p];
    }
    for (uint32_t i = 0; i < dim; i++) {
      double sum = 0.0;
      for (uint32_t p = 0; p <= position; p++)
        sum += share[p] / total * v[(size_t)p * kv_cols + i];
      out[h * dim + i] = sum;
    }
  }
  free(share);
}

static void attention(const tiny_model *tiny, bool halves, int layer, uint32_t position, cache *kv,
                      double *x) {
  uint32_t d = tiny->n_embd, q_cols = tiny->n_heads * tiny->head_dim,
           kv_cols = tiny->n_kv_heads * tiny->head_dim;
  double *normed = vector(d), *q = vector(q_cols), *mixed = vector(q_cols), *added = vector(d);
  double *k = kv->k + (size_t)position * kv_cols, *v = kv->v + (size_t)position * kv_cols;
  norm(tiny, weight(tiny, layer, "attn_norm.weight"), x, d, normed);
  linear(weight(tiny, layer, "attn_q.weight"), weight(tiny, layer, "attn_q.bias"), normed, q);
  linear(weight(tiny, layer, "attn_k.weight"), weight(tiny, layer, "attn_k.bias"), normed, k);
  linear(weight(tiny, layer, "attn_v.weight"), weight(tiny, layer, "attn_v.bias"), normed, v);
  if (tiny->qk_norm) {
    norm(tiny, weight(tiny, layer, "attn_q_norm.weight"), q, q_cols, q);
    norm(tiny, weight(tiny, layer, "attn_k_norm.weight"), k, kv_cols, k);
  }
  rope(tiny, halves, q, tiny->n_heads, position);
  rope(tiny, halves, k, tiny->n_kv_heads, position);
  attend(tiny, q, kv, position, mixed);
  linear(weight(tiny, layer, "attn_output.weight"), NULL, mixed, added);
  for (uint32_t i = 0; i < d; i++)
    x[i] += added[i];
  free(normed);
  free(q);
  free(mixed);
  free(added);
}

static void feed_forward(const tiny_model *tiny, int layer, double *x) {
  double *normed = vector(tiny->n_embd), *gate = vector(tiny->n_ff), *up = vector(tiny->n_ff);
  norm(tiny, weight(tiny, layer, "ffn_norm.weight"), x, tiny->n_embd, normed);
  linear(weight(tiny, layer, "ffn_gate.weight"), NULL, normed, gate);
  linear(weight(tiny, layer, "ffn_up.weight"), NULL, normed, up);
  for (uint32_t i = 0; i < tiny->n_ff; i++)
    gate[i] = gate[i] / (1.0 + exp(-gate[i])) * up[i];
  linear(weight(tiny, layer, "ffn_down.weight"), NULL, gate, normed);
  for (uint32_t i = 0; i < tiny->n_embd; i++)
    x[i] += normed[i];
  free(normed);
  free(gate);
  free(up);
}

void naive_forward(const tiny_model *tiny, bool halves, const int32_t *tokens, uint32_t n_tokens,
                   double *out_logits) {
  size_t kv_values = (size_t)n_tokens * tiny->n_kv_heads * tiny->head_dim;
  cache *caches = calloc(tiny->n_layers, sizeof *caches);
  if (caches == NULL) abort();
  for (uint32_t i = 0; i < tiny->n_layers; i++)
    caches[i] = (cache){vector(kv_values), vector(kv_values)};
  const tiny_tensor *table = weight(tiny, -1, "token_embd.weight"),
                    *output = weight(tiny, -1, "output.weight");
  double *x = vector(tiny->n_embd);
  for (uint32_t position = 0; position < n_tokens; position++) {
    for (uint32_t i = 0; i < tiny->n_embd; i++)
      x[i] = (double)table->values[(size_t)tokens[position] * tiny->n_embd + i];
    for (uint32_t i = 0; i < tiny->n_layers; i++) {
      attention(tiny, halves, (int)i, position, &caches[i], x);
      feed_forward(tiny, (int)i, x);
    }
    norm(tiny, weight(tiny, -1, "output_norm.weight"), x, tiny->n_embd, x);
    linear(output != NULL ? output : table, NULL, x, out_logits + (size_t)position * TINY_VOCAB);
  }
  for (uint32_t i = 0; i < tiny->n_layers; i++) {
    free(caches[i].k);
    free(caches[i].v);
  }
  free(caches);
  free(x);
}
