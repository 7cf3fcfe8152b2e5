/* SPDX-License-Identifier: Apache-2.0 */
/* Graphs: the ops of a transformer, described once, parametric in token count and KV position.
 *
 * A graph is a list of ops in execution order over values. An activation is a matrix of `cols` values a row
 * and one row per token of the run (or per wanted output, or fixed); rows are tight. Nothing in a graph knows
 * a token count, a position or a device: those come with each run. */
#ifndef HEDDLE_GRAPH_H
#define HEDDLE_GRAPH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "heddle/format.h"
#include "heddle/host.h"
#include "heddle/limits.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef uint16_t hd_value;
#define HD_VALUE_NONE ((hd_value)0xffffu)

typedef enum hd_value_kind {
  HD_VALUE_WEIGHT,     /* constant, `rows` x `cols`, any format; bound when the model is loaded */
  HD_VALUE_ACTIVATION, /* F32; lives in the session's arena */
  HD_VALUE_KV,         /* F32, F16 or Q8_0; one row per context position, in the value's layout; lives as long
                          as the session */
  HD_VALUE_TOKENS,     /* I32, one column: token ids of the run */
  HD_VALUE_LOGITS      /* F32; what the caller gets, one row per wanted output */
} hd_value_kind;

typedef enum hd_rows {
  HD_ROWS_FIXED,   /* `rows` of them */
  HD_ROWS_TOKENS,  /* one per token of the run */
  HD_ROWS_OUTPUTS, /* one per wanted output: the last n_outputs tokens of the run */
  HD_ROWS_CONTEXT  /* one per position of the session's context */
} hd_rows;

/* How the rows of a KV value lie in memory; for whoever stores or reads them, on any device. */
typedef enum hd_kv_layout {
  HD_KV_ROWS,  /* row after row, as the format has them */
  HD_KV_TURNED /* F32 or F16, for the K of attention alone: by groups of HD_KV_GROUP positions, and in a group
                  column by column (hd_kv_turned_at). A score is a sum along the columns, so that neighbouring
                  positions are neighbouring sums. What was never stored, in a group that was begun, is any
                  bits, NaN as well; the memory holds whole groups (hd_rows_of). */
} hd_kv_layout;

/* Of a vector's width a multiple everywhere; in F16 two lines of a cache, or one transaction of a GPU. */
#define HD_KV_GROUP 64u

typedef struct hd_value_desc {
  hd_value_kind kind;
  hd_format format;
  hd_rows rows_kind;
  uint32_t rows; /* for HD_ROWS_FIXED, else 0 */
  uint32_t cols;
  int16_t layer;       /* the layer it belongs to; -1: none */
  hd_kv_layout layout; /* of HD_VALUE_KV, else 0 */
} hd_value_desc;

typedef enum hd_op_kind {
  HD_OP_EMBED,     /* in: tokens, table[vocab x d];        out[t] = table[tokens[t]] */
  HD_OP_SELECT,    /* in: x[tokens x d];                   out = the last n_outputs rows */
  HD_OP_RMS_NORM,  /* in: x, weight[1 x group];            each group of a row: x / sqrt(mean(x^2)+eps) *
                      weight */
  HD_OP_MATMUL,    /* in: x[. x k], W[m x k], bias[1 x m] or NONE;  out[. x m] = x W^T + bias */
  HD_OP_ADD,       /* in: a, b;                            out = a + b */
  HD_OP_ROPE,      /* in: x, frequency factors[1 x rope_dim/2] or NONE;  rotates each head by position */
  HD_OP_KV_STORE,  /* in: x[tokens x c];                   out: KV; row kv_pos + t = x[t] */
  HD_OP_ATTENTION, /* in: q, K (KV), V (KV);               causal softmax(q K^T scale) V, grouped-query */
  HD_OP_SWIGLU,    /* in: gate, up;                        out = gate * sigmoid(gate) * up */
  HD_OP_COUNT
} hd_op_kind;

/* How RoPE pairs the elements of a head. */
typedef enum hd_rope_style {
  HD_ROPE_ADJACENT, /* (0,1) (2,3) ...: llama-family GGUFs */
  HD_ROPE_HALVES    /* (0,n/2) (1,n/2+1) ...: qwen-family (GPT-NeoX style) */
} hd_rope_style;

typedef struct hd_op {
  hd_op_kind kind;
  int16_t layer; /* 0 .. n_layers-1; -1: before the first layer; n_layers: after the last */
  hd_value in[HD_OP_INPUTS_MAX];
  hd_value out;
  union {
    struct {
      float eps;
      uint32_t group; /* values normalised together: cols (row norm) or head_dim (q/k norm) */
    } rms_norm;
    struct {
      uint32_t head_dim;
      uint32_t rope_dim; /* leading elements of a head that rotate; even */
      hd_rope_style style;
      float freq_base;
      float freq_scale; /* positions are multiplied by it; 1 for none (linear scaling: 1/factor) */
    } rope;
    struct {
      uint32_t n_heads;
      uint32_t n_kv_heads; /* divides n_heads */
      uint32_t head_dim;
      float scale;
    } attention;
  } u;
} hd_op;

/* What one run of an op costs, apart from the machine. Integer, so that planning is the same everywhere. */
typedef struct hd_op_cost {
  uint64_t weight_bytes;          /* streamed once per launch */
  uint64_t flops_per_row;         /* per row of output */
  uint64_t context_bytes_per_row; /* attention: per context position read (once per launch) */
  uint64_t context_flops_per_row; /* attention: per output row and context position */
  bool per_output;                /* rows are outputs, not tokens */
} hd_op_cost;

typedef struct hd_graph hd_graph;

typedef struct hd_graph_desc {
  uint32_t size;
  char name[HD_NAME_BYTES];
  uint32_t n_layers;
  uint32_t n_vocab;
  uint32_t max_context; /* positions that the model was trained for; a session may ask for another number */
} hd_graph_desc;

/* Builder. Threads: one at a time until hd_graph_seal; a sealed graph is immutable and may be read from any.
 * Ownership: the caller's until hd_graph_destroy; models made of it must be gone before. */
hd_status hd_graph_create(const hd_host *host, const hd_graph_desc *desc, hd_graph **out_graph);
/* Errors: INVALID (kind, format and rows do not fit each other), LIMIT, NO_MEMORY. */
hd_status hd_graph_add_value(hd_graph *graph, const hd_value_desc *desc, hd_value *out_value);
/* Appends; layers must not decrease. Unused inputs are HD_VALUE_NONE. Errors: INVALID, LIMIT, NO_MEMORY. */
hd_status hd_graph_add_op(hd_graph *graph, const hd_op *op);
/* Checks shapes, that every value is written before it is read and written once (KV: any number of times),
 * and lays out the arena by liveness: an op's output never shares memory with its inputs. `out_error` names
 * the op. Errors: INVALID, NO_MEMORY. */
hd_status hd_graph_seal(hd_graph *graph, hd_error *out_error);
void hd_graph_destroy(hd_graph *graph);

/* Readers; for a sealed graph. Ownership of what they return: the graph's. */
const hd_graph_desc *hd_graph_describe(const hd_graph *graph);
const hd_op *hd_graph_ops(const hd_graph *graph, uint32_t *out_count);
const hd_value_desc *hd_graph_values(const hd_graph *graph, uint32_t *out_count);
void hd_graph_op_cost(const hd_graph *graph, uint32_t op_index, hd_op_cost *out_cost);

/* Arena: bytes for runs of up to `max_tokens` tokens and `max_outputs` outputs, and where an activation lies
 * in it. Both are multiples of HD_BUFFER_ALIGN. */
size_t hd_graph_arena_bytes(const hd_graph *graph, uint32_t max_tokens, uint32_t max_outputs);
size_t hd_graph_arena_offset(const hd_graph *graph, hd_value value, uint32_t max_tokens,
                             uint32_t max_outputs);

/* The activations that cross the borders of ops [op_begin, op_end): `out_in` are produced before and read
 * inside, `out_out` are produced inside and read after. Up to `cap` of each are written; counts may exceed
 * cap. A device with memory of its own copies exactly these. */
void hd_graph_borders(const hd_graph *graph, uint32_t op_begin, uint32_t op_end, hd_value *out_in,
                      uint32_t *out_in_count, hd_value *out_out, uint32_t *out_out_count, uint32_t cap);

/* Rows of a value in a run, and so, times the bytes of a row, its memory. Turned KV: those that fill the last
 * group counted. */
uint32_t hd_rows_of(const hd_value_desc *value, uint32_t n_tokens, uint32_t n_outputs, uint32_t n_context);

/* Where turned KV of `cols` columns holds a column of a position; in numbers of its format. */
static inline size_t hd_kv_turned_at(uint32_t cols, uint32_t position, uint32_t col) {
  return ((size_t)(position / HD_KV_GROUP) * cols + col) * HD_KV_GROUP + position % HD_KV_GROUP;
}

#ifdef __cplusplus
}
#endif
#endif
