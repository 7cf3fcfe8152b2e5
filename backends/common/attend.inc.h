/* SPDX-License-Identifier: Apache-2.0 */
/* attend.h in vectors: one text for all tiers, because nothing but the registers differs. Everything is
 * static; take attend_table.
 *
 * A tier includes it after it has said what its registers are. The type vec holds VEC floats; vec_load and
 * vec_store move one from and to floats at any address, vec_all(x) has x everywhere, vec_fma(a, b, c) is a *
 * b + c rounded once, vec_mul(a, b) the product. vec_f16(bytes) and vec_i8(bytes) are VEC halves and VEC
 * signed bytes as floats, vec_all_f16(bytes) has one half everywhere, each from any address.
 * vec_transpose(rows) turns a square of VEC registers in place.
 *
 * It also says how many registers a product keeps: STRIP_VECS of each row of results, a divisor of
 * HDB_ATTEND_BLOCK / VEC, and of TILE_ROWS rows at once, 6 at most. That takes TILE_ROWS * STRIP_VECS of them
 * for the results, STRIP_VECS for what is multiplied and one for the factor. */
#include <string.h>
#include "common/attend_rows.inc.h"
#include "common/tile.h"

#define BLOCK HDB_ATTEND_BLOCK

/* ---- numbers of a cache ---- */

/* `count` <= VEC values from value c on, then zeros. */
typedef vec (*kv_load_fn)(const uint8_t *row, uint32_t c, uint32_t count);

HDB_INLINE vec kv_f32(const uint8_t *row, uint32_t c, uint32_t count) {
  float some[VEC] = {0};
  if (count == VEC) return vec_load((const float *)(const void *)row + c);
  memcpy(some, row + c * sizeof(float), count * sizeof(float));
  return vec_load(some);
}

HDB_INLINE vec kv_f16(const uint8_t *row, uint32_t c, uint32_t count) {
  uint16_t some[VEC] = {0};
  if (count == VEC) return vec_f16(row + c * sizeof(uint16_t));
  memcpy(some, row + c * sizeof(uint16_t), count * sizeof(uint16_t));
  return vec_f16(some);
}

/* Blocks of 32 with a scale in front; VEC divides 32, so that there are never fewer. */
HDB_INLINE vec kv_q8_0(const uint8_t *row, uint32_t c, uint32_t count) {
  const uint8_t *block = row + c / 32 * 34;
  (void)count;
  return vec_mul(vec_i8(block + 2 + c % 32), vec_all_f16(block));
}

/* Asks for the same place of what is needed next: the hardware does not foresee the step from a head's part
 * of a row to the next position's, and what is asked for all at once is dropped. The address may be beyond
 * the cache. */
HDB_INLINE void ask(const uint8_t *at, size_t ahead) {
  __builtin_prefetch((const void *)((uintptr_t)at + ahead), 0, 2);
}

/* ---- the product ---- */

/* Up to TILE_ROWS rows by `vecs` registers. All but m, row and col are constants where this is inlined; a
 * block of b's format is `whole` values in so many bytes. The first rows ask ahead for all, about once a line
 * of the cache. */
HDB_INLINE void product(const hdb_mul_add *m, uint32_t row, uint32_t col, uint32_t rows, uint32_t vecs,
                        kv_load_fn load, uint32_t whole, size_t whole_bytes) {
  vec sum[TILE_ROWS][STRIP_VECS];
  const float *a[TILE_ROWS];
  const uint8_t *b = (const uint8_t *)m->b + col / whole * whole_bytes;
  size_t bytes = whole_bytes / whole, ahead = row == 0 && col * bytes % 64 == 0 ? m->b_ahead : 0;
#pragma GCC unroll 6
  for (uint32_t r = 0; r < rows; r++) {
    a[r] = m->a[row + r] + m->a_from;
#pragma GCC unroll 4
    for (uint32_t v = 0; v < vecs; v++)
      sum[r][v] = vec_load(m->c + (row + r) * m->c_stride + col + v * VEC);
  }
  for (uint32_t k = 0; k < m->depth; k++, b += m->b_stride) {
    vec column[STRIP_VECS];
#pragma GCC unroll 4
    for (uint32_t v = 0; v < vecs; v++) {
      column[v] = load(b, col % whole + v * VEC, VEC);
      if (ahead != 0 && v * VEC * bytes % 64 == 0) ask(b + v * VEC * bytes, ahead);
    }
#pragma GCC unroll 6
    for (uint32_t r = 0; r < rows; r++) {
      vec factor = vec_all(a[r][k]);
#pragma GCC unroll 4
      for (uint32_t v = 0; v < vecs; v++)
        sum[r][v] = vec_fma(factor, column[v], sum[r][v]);
    }
  }
#pragma GCC unroll 6
  for (uint32_t r = 0; r < rows; r++)
#pragma GCC unroll 4
    for (uint32_t v = 0; v < vecs; v++)
      vec_store(m->c + (row + r) * m->c_stride + col + v * VEC, sum[r][v]);
}

typedef void (*product_fn)(const hdb_mul_add *m, uint32_t row, uint32_t col);

/* Rows in as few tiles as there must be, of as equal a size as can be: eight rows go as four and four. By
 * rows less one: `wide` takes STRIP_VECS registers of each, `narrow` a strip. */
static void in_tiles(const hdb_mul_add *m, const product_fn wide[TILE_ROWS],
                     const product_fn narrow[TILE_ROWS]) {
  uint32_t tiles = (m->rows + TILE_ROWS - 1) / TILE_ROWS;
  for (uint32_t row = 0; tiles > 0; tiles--) {
    uint32_t rows = (m->rows - row + tiles - 1) / tiles, col = 0;
    for (; col + STRIP_VECS * VEC <= m->cols; col += STRIP_VECS * VEC)
      wide[rows - 1](m, row, col);
    for (; col < m->cols; col += HDB_ATTEND_STRIP)
      narrow[rows - 1](m, row, col);
    row += rows;
  }
}

#define PRODUCT(FORMAT, WHOLE, BYTES, ROWS)                                                                  \
  static void wide_##FORMAT##_##ROWS(const hdb_mul_add *m, uint32_t row, uint32_t col) {                     \
    product(m, row, col, ROWS, STRIP_VECS, kv_##FORMAT, WHOLE, BYTES);                                       \
  }                                                                                                          \
  static void narrow_##FORMAT##_##ROWS(const hdb_mul_add *m, uint32_t row, uint32_t col) {                   \
    product(m, row, col, ROWS, HDB_ATTEND_STRIP / VEC, kv_##FORMAT, WHOLE, BYTES);                           \
  }
#define MUL_ADD(FORMAT, WHOLE, BYTES)                                                                        \
  PRODUCT(FORMAT, WHOLE, BYTES, 1)                                                                           \
  PRODUCT(FORMAT, WHOLE, BYTES, 2)                                                                           \
  PRODUCT(FORMAT, WHOLE, BYTES, 3)                                                                           \
  PRODUCT(FORMAT, WHOLE, BYTES, 4)                                                                           \
  PRODUCT(FORMAT, WHOLE, BYTES, 5)                                                                           \
  PRODUCT(FORMAT, WHOLE, BYTES, 6)                                                                           \
  static void mul_add_##FORMAT(const hdb_mul_add *m) {                                                       \
    static const product_fn wide[TILE_ROWS] = {wide_##FORMAT##_1, wide_##FORMAT##_2, wide_##FORMAT##_3,      \
                                               wide_##FORMAT##_4, wide_##FORMAT##_5, wide_##FORMAT##_6};     \
    static const product_fn narrow[TILE_ROWS] = {narrow_##FORMAT##_1, narrow_##FORMAT##_2,                   \
                                                 narrow_##FORMAT##_3, narrow_##FORMAT##_4,                   \
                                                 narrow_##FORMAT##_5, narrow_##FORMAT##_6};                  \
    in_tiles(m, wide, narrow);                                                                               \
  }
MUL_ADD(f32, 1, sizeof(float))
MUL_ADD(f16, 1, sizeof(uint16_t))
MUL_ADD(q8_0, 32, 34)

/* ---- rows of a cache ---- */

/* The ragged end of a block or of a head. */
HDB_INLINE void load_some(const hdb_kv_rows *rows, size_t skip, kv_load_fn load, uint32_t p, uint32_t c,
                          vec square[VEC]) {
  uint32_t count = rows->cols - c < VEC ? rows->cols - c : VEC;
  for (uint32_t i = 0; i < VEC; i++)
    square[i] =
        p + i < rows->count ? load(rows->first + (p + i) * rows->stride + skip, c, count) : vec_all(0.0f);
}

/* `bytes`: of a value, about; to ask ahead. */
HDB_INLINE void pack_keys(const hdb_kv_rows *rows, size_t skip, kv_load_fn load, size_t bytes, float *out) {
  for (uint32_t p = 0; p < BLOCK; p += VEC)
    for (uint32_t c = 0; c < rows->cols; c += VEC) {
      const uint8_t *first = rows->first + p * rows->stride + skip;
      vec square[VEC];
      if (p + VEC <= rows->count && c + VEC <= rows->cols)
        for (uint32_t i = 0; i < VEC; i++) {
          square[i] = load(first + i * rows->stride, c, VEC);
          if (c * bytes % 64 == 0) ask(first + i * rows->stride + c * bytes, BLOCK * rows->stride);
        }
      else
        load_some(rows, skip, load, p, c, square);
      vec_transpose(square);
      for (uint32_t i = 0; i < VEC && c + i < rows->cols; i++)
        vec_store(out + (c + i) * BLOCK + p, square[i]);
    }
}

HDB_INLINE void pack_values(const hdb_kv_rows *rows, size_t skip, kv_load_fn load, size_t bytes, float *out) {
  for (uint32_t p = 0; p < rows->count; p++, out += BLOCK) {
    const uint8_t *row = rows->first + p * rows->stride + skip;
    uint32_t c = 0;
    for (; c + VEC <= rows->cols; c += VEC) {
      vec_store(out + c, load(row, c, VEC));
      if (c * bytes % 64 == 0) ask(row + c * bytes, BLOCK * rows->stride);
    }
    if (c < rows->cols) vec_store(out + c, load(row, c, rows->cols - c));
  }
}

#define PACK(FORMAT, LOAD, BYTES, BYTES_64)                                                                  \
  static void pack_keys_##FORMAT(const hdb_kv_rows *rows, float *out) {                                      \
    pack_keys(rows, rows->from / BLOCK * BYTES_64, LOAD, BYTES, out);                                        \
  }                                                                                                          \
  static void pack_values_##FORMAT(const hdb_kv_rows *rows, float *out) {                                    \
    pack_values(rows, rows->from / BLOCK * BYTES_64, LOAD, BYTES, out);                                      \
  }
PACK(f32, kv_f32, sizeof(float), (BLOCK * sizeof(float)))
PACK(f16, kv_f16, sizeof(uint16_t), (BLOCK * sizeof(uint16_t)))
PACK(q8_0, kv_q8_0, 1, ((size_t)BLOCK / 32 * 34))

static const hdb_attention_kernels attend_table = {
    .mul_add =
        {[HD_FORMAT_F32] = mul_add_f32, [HD_FORMAT_F16] = mul_add_f16, [HD_FORMAT_Q8_0] = mul_add_q8_0},
    .pack_keys =
        {[HD_FORMAT_F32] = pack_keys_f32, [HD_FORMAT_F16] = pack_keys_f16, [HD_FORMAT_Q8_0] = pack_keys_q8_0},
    .pack_values = {[HD_FORMAT_F32] = pack_values_f32,
                    [HD_FORMAT_F16] = pack_values_f16,
                    [HD_FORMAT_Q8_0] = pack_values_q8_0},
    .soften = attend_soften,
    .scale = attend_scale,
    .merge = attend_merge,
};
