/* SPDX-License-Identifier: Apache-2.0 */
/* The inner functions of attention, for one block of positions of one key head. attend_c.c says in plain C
 * what each computes and in which order; attend.inc.h is the one text of all vector tiers. Whatever the tier,
 * the bits are the same: every sum goes over one index in its order, with one rounding for each product, and
 * a tier only takes many sums side by side. */
#ifndef HEDDLE_BACKENDS_COMMON_ATTEND_H
#define HEDDLE_BACKENDS_COMMON_ATTEND_H

#include "heddle/format.h"

/* Positions of a block, and columns of every packed panel: 64 floats are four AVX-512 registers, and a panel
 * of 64 x 64 takes 16 KiB, a third of a first cache. Results depend on it. */
#define HDB_ATTEND_BLOCK 64u
/* Columns of a result are taken in so many: the widest register. Results do not depend on it. */
#define HDB_ATTEND_STRIP 16u

/* c[r][n] += a[r][0] * b[0][n], then a[r][1] * b[1][n] ..., for n in 0 .. cols-1. */
typedef struct hdb_mul_add {
  uint32_t rows, cols, depth; /* cols <= HDB_ATTEND_BLOCK */
  const float *const *a;      /* `rows` rows ... */
  size_t a_from;              /* ... of which the values from this one on are taken */
  const void *b;   /* `depth` rows of the format that the function is for; aligned to its numbers */
  size_t b_stride; /* bytes */
  size_t b_ahead;  /* bytes from a number to what is needed next, to ask for it; 0: nothing */
  float *c;
  size_t c_stride; /* floats */
  /* Of rows of b, as of c, cols rounded up to HDB_ATTEND_STRIP are there; those of c may be written. */
} hdb_mul_add;

/* Up to HDB_ATTEND_BLOCK rows of a cache as floats. */
typedef struct hdb_kv_rows {
  const uint8_t *first; /* the head's values in the block's first position */
  size_t stride;        /* bytes from position to position */
  uint32_t count;       /* positions; no others are read */
  uint32_t from, cols;  /* values of the head: `from` is a multiple of HDB_ATTEND_BLOCK, cols <= that */
} hdb_kv_rows;

/* The softmax of a row so far. */
typedef struct hdb_softmax {
  float max, sum; /* -INFINITY and 0 at the beginning */
} hdb_softmax;

typedef void (*hdb_mul_add_fn)(const hdb_mul_add *m);
typedef void (*hdb_pack_fn)(const hdb_kv_rows *rows, float *out);

/* Threads: all from any. Shapes: pointers do not overlap. Errors: none. */
typedef struct hdb_attention_kernels {
  hdb_mul_add_fn mul_add[HD_FORMAT_COUNT]; /* by the format of b; NULL: a cache cannot have it */
  /* out[c * HDB_ATTEND_BLOCK + p] = value from + c of position p; 0 where there is no such position. NULL: a
   * cache cannot have the format. */
  hdb_pack_fn pack_keys[HD_FORMAT_COUNT];
  /* out[p * HDB_ATTEND_BLOCK + c] likewise, for the positions that there are; columns up to the next multiple
   * of HDB_ATTEND_STRIP are some number. */
  hdb_pack_fn pack_values[HD_FORMAT_COUNT];
  /* Turns the first `count` of HDB_ATTEND_BLOCK scores (64-byte aligned) into exp(score * scale - max), the
   * others into 0, where max is the largest so far; counts them into *softmax. Returns what all sums that
   * were weighted with the max before are to be multiplied with: 1 when it stays. */
  float (*soften)(float *scores, uint32_t count, float scale, hdb_softmax *softmax);
  /* x *= factor */
  void (*scale)(float *x, uint32_t count, float factor);
  /* sum = sum * keep + x * take, x * take rounded first */
  void (*merge)(float *sum, const float *x, uint32_t count, float keep, float take);
} hdb_attention_kernels;

/* The portable ones. */
extern const hdb_attention_kernels hdb_attention_c;

#endif
