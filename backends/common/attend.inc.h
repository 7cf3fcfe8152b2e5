/* SPDX-License-Identifier: Apache-2.0 */
/* attend.h in vectors: one text for all tiers, because nothing but the registers differs. Before including it
 * define vec, VEC                  a register of VEC floats STRIP_VECS                registers of a result
 * row that are kept at once; divides HDB_ATTEND_BLOCK / VEC TILE_ROWS                 rows whose results are
 * kept at once; TILE_ROWS * STRIP_VECS + STRIP_VECS + 1 registers vec_load, vec_store, vec_all(x), vec_fma(a,
 * b, c), vec_mul_all(v, x) vec_f16(bytes), vec_i8(bytes)       VEC halves, or signed bytes, as floats
 *   vec_all_f16(bytes)                  one half everywhere
 *   vec_transpose(rows)                 VEC registers in place
 * Everything is static; take attend_table. */
#include <string.h>
#include "common/attend_rows.inc.h"
#include "common/tile.h"

#define BLOCK HDB_ATTEND_BLOCK

/* ---- the product ---- */

/* Up to TILE_ROWS rows by `vecs` registers. `rows` and `vecs` are constants where this is inlined. */
HDB_INLINE void product(const hdb_mul_add *m, uint32_t row, uint32_t col, uint32_t rows, uint32_t vecs) {
  vec sum[TILE_ROWS][STRIP_VECS];
  const float *a[TILE_ROWS], *b = m->b + col;
  for (uint32_t r = 0; r < rows; r++) {
    a[r] = m->a[row + r] + m->a_from;
    for (uint32_t v = 0; v < vecs; v++)
      sum[r][v] = vec_load(m->c + (row + r) * m->c_stride + col + v * VEC);
  }
  for (uint32_t k = 0; k < m->depth; k++, b += BLOCK) {
    vec column[STRIP_VECS];
    for (uint32_t v = 0; v < vecs; v++)
      column[v] = vec_load(b + v * VEC);
    for (uint32_t r = 0; r < rows; r++) {
      vec factor = vec_all(a[r][k]);
      for (uint32_t v = 0; v < vecs; v++)
        sum[r][v] = vec_fma(factor, column[v], sum[r][v]);
    }
  }
  for (uint32_t r = 0; r < rows; r++)
    for (uint32_t v = 0; v < vecs; v++)
      vec_store(m->c + (row + r) * m->c_stride + col + v * VEC, sum[r][v]);
}

typedef void (*product_fn)(const hdb_mul_add *m, uint32_t row, uint32_t col);

#define PRODUCT(ROWS)                                                                                        \
  static void product_##ROWS(const hdb_mul_add *m, uint32_t row, uint32_t col) {                             \
    product(m, row, col, ROWS, STRIP_VECS);                                                                  \
  }                                                                                                          \
  static void narrow_##ROWS(const hdb_mul_add *m, uint32_t row, uint32_t col) {                              \
    product(m, row, col, ROWS, HDB_ATTEND_STRIP / VEC);                                                      \
  }
PRODUCT(1)
PRODUCT(2)
PRODUCT(3)
PRODUCT(4)
PRODUCT(5)
PRODUCT(6)

/* Rows in as few tiles as there must be, of as equal a size as can be: eight rows go as four and four. */
static void mul_add(const hdb_mul_add *m) {
  static const product_fn wide[TILE_ROWS] = {product_1, product_2, product_3,
                                             product_4, product_5, product_6};
  static const product_fn narrow[TILE_ROWS] = {narrow_1, narrow_2, narrow_3, narrow_4, narrow_5, narrow_6};
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

/* ---- rows of a cache ---- */

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

/* Asks for the same place one block later: the hardware does not foresee the step from a head's part of a row
 * to the next position's, and what is asked for all at once is dropped. The address may be beyond the cache.
 */
HDB_INLINE void ask_ahead(const uint8_t *at, size_t stride) {
  __builtin_prefetch((const void *)((uintptr_t)at + BLOCK * stride), 0, 2);
}

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
          if (c * bytes % 64 == 0) ask_ahead(first + i * rows->stride + c * bytes, rows->stride);
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
      if (c * bytes % 64 == 0) ask_ahead(row + c * bytes, rows->stride);
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
    .mul_add = mul_add,
    .pack_keys =
        {[HD_FORMAT_F32] = pack_keys_f32, [HD_FORMAT_F16] = pack_keys_f16, [HD_FORMAT_Q8_0] = pack_keys_q8_0},
    .pack_values = {[HD_FORMAT_F32] = pack_values_f32,
                    [HD_FORMAT_F16] = pack_values_f16,
                    [HD_FORMAT_Q8_0] = pack_values_q8_0},
    .soften = attend_soften,
    .scale = attend_scale,
    .merge = attend_merge,
};
