/* SPDX-License-Identifier: Apache-2.0 */
/* The table of hot inner functions that the ops are made of. The C table is complete and is the documentation
 * of what each function computes; a tier (AVX2, NEON ...) copies it and replaces what it does faster. */
#ifndef HEDDLE_BACKENDS_COMMON_KERNELS_H
#define HEDDLE_BACKENDS_COMMON_KERNELS_H

#include <stddef.h>
#include <stdint.h>
#include "heddle/format.h"

/* How a dot wants the activation row that meets a weight row. Source: the pairing is ggml's. */
typedef enum hdb_activation {
  HDB_ACTIVATION_F32,        /* as it is */
  HDB_ACTIVATION_Q8,         /* blocks of 32, activation.h */
  HDB_ACTIVATION_Q8K,        /* blocks of 256 with sums, activation.h */
  HDB_ACTIVATION_BF16,       /* rounded to BF16, in floats; zeros fill the last 32 */
  HDB_ACTIVATION_BF16_PAIRS, /* the same numbers as VDPBF16PS wants them, activation.h */
  HDB_ACTIVATION_COUNT
} hdb_activation;

/* What a dot may use while it runs, at 64-byte alignment: a first cache's worth of unpacked weights. */
#define HDB_TILE_SCRATCH (40u * 1024)

/* A block of dot products: every one of `weight_rows` rows with every one of `x_rows` activation rows. */
typedef struct hdb_tile {
  uint32_t cols; /* a multiple of the weight format's block */
  uint32_t weight_rows;
  uint32_t x_rows;
  const uint8_t *weights; /* aligned to the format's numbers (2 bytes; F32: 4) */
  size_t weight_stride;   /* bytes from row to row */
  const uint8_t *x;       /* rows in the layout that the table names for the format; 4-byte aligned */
  size_t x_stride;        /* bytes from row to row */
  float *out;             /* out[x * out_stride + w] */
  size_t out_stride;      /* floats */
  uint8_t *scratch;       /* HDB_TILE_SCRATCH bytes */
  const uint8_t *next;    /* what is likely to be read after the weights; NULL: what lies behind them */
} hdb_tile;

/* Each result depends on its two rows alone, not on how many others share the call: that is what makes an op
 * bit-identical whatever parts it is cut into. */
typedef void (*hdb_dot_fn)(const hdb_tile *tile);

/* out[0 .. cols) = the row's values. */
typedef void (*hdb_dequantise_fn)(const void *row, uint32_t cols, float *out);

/* Quantises one activation row; cols is a multiple of the block. */
typedef void (*hdb_quantise_fn)(const float *x, uint32_t cols, void *out_row);

/* Kernels over plain float rows. rows.inc.h is the one text of all tiers. */
typedef struct hdb_row_kernels {
  /* Sum of squares, in double as ggml does: a row of 4096 loses nothing. */
  double (*sum_squares)(const float *x, uint32_t count);
  /* out = x * scale * weight, rounded after each product. out may be x. */
  void (*scale_mul)(const float *x, const float *weight, float scale, uint32_t count, float *out);
  /* out = gate / (1 + exp(-gate)) * up */
  void (*swiglu)(const float *gate, const float *up, uint32_t count, float *out);
  void (*add)(const float *a, const float *b, uint32_t count, float *out);
  /* Rounds to nearest, ties to even. */
  void (*to_f16)(const float *x, uint32_t count, uint16_t *out);
} hdb_row_kernels;

/* Threads: all functions from any thread. Shapes: pointers do not overlap unless said. Errors: none. */
typedef struct hdb_kernels {
  const char *name;                              /* of the tier: "c", "avx2" ... */
  hdb_dot_fn dot[HD_FORMAT_COUNT];               /* NULL: the format cannot be a weight (I32) */
  hdb_dequantise_fn dequantise[HD_FORMAT_COUNT]; /* NULL likewise */
  hdb_activation activation[HD_FORMAT_COUNT];    /* what the dot wants */
  hdb_quantise_fn quantise_q8;
  hdb_quantise_fn quantise_q8k;
  hdb_quantise_fn quantise_bf16; /* any cols */
  hdb_quantise_fn quantise_bf16_pairs;
  const hdb_row_kernels *rows;
  const struct hdb_attention_kernels *attention; /* attend.h */
} hdb_kernels;

/* The portable table. Ownership: static. */
const hdb_kernels *hdb_kernels_c(void);

/* What makes rows of a layout out of floats; NULL: rows stay floats. */
hdb_quantise_fn hdb_quantise_of(const hdb_kernels *kernels, hdb_activation layout);

/* Bytes of an activation row. */
size_t hdb_activation_bytes(hdb_activation layout, uint32_t cols);

#endif
