/* SPDX-License-Identifier: Apache-2.0 */
/* The portable inner functions of attention; what each computes. */
#include "common/attend_rows.inc.h"
#include "common/kernels.h"

static void mul_add(const hdb_mul_add *m, hd_format format) {
  uint32_t whole = format == HD_FORMAT_Q8_0 ? 32 : 1, cols = (m->cols + whole - 1) / whole * whole;
  for (uint32_t k = 0; k < m->depth; k++) {
    float b[HDB_ATTEND_BLOCK];
    hdb_kernels_c()->dequantise[format]((const uint8_t *)m->b + k * m->b_stride, cols, b);
    for (uint32_t r = 0; r < m->rows; r++) {
      float a = m->a[r][m->a_from + k], *c = m->c + r * m->c_stride;
      for (uint32_t n = 0; n < m->cols; n++)
        c[n] = hdb_fma(a, b[n], c[n]);
    }
  }
}

static void mul_add_f32(const hdb_mul_add *m) {
  mul_add(m, HD_FORMAT_F32);
}
static void mul_add_f16(const hdb_mul_add *m) {
  mul_add(m, HD_FORMAT_F16);
}
static void mul_add_q8_0(const hdb_mul_add *m) {
  mul_add(m, HD_FORMAT_Q8_0);
}

static void one_row(const hdb_kv_rows *rows, hd_format format, uint32_t position, float *out) {
  size_t skip = hd_format_row_bytes(format, rows->from);
  hdb_kernels_c()->dequantise[format](rows->first + position * rows->stride + skip, rows->cols, out);
}

static void pack_keys(const hdb_kv_rows *rows, hd_format format, float *out) {
  float row[HDB_ATTEND_BLOCK];
  for (uint32_t p = 0; p < HDB_ATTEND_BLOCK; p++) {
    if (p < rows->count) one_row(rows, format, p, row);
    for (uint32_t c = 0; c < rows->cols; c++)
      out[c * HDB_ATTEND_BLOCK + p] = p < rows->count ? row[c] : 0.0f;
  }
}

static void pack_values(const hdb_kv_rows *rows, hd_format format, float *out) {
  for (uint32_t p = 0; p < rows->count; p++)
    one_row(rows, format, p, out + p * HDB_ATTEND_BLOCK);
}

static void pack_keys_f32(const hdb_kv_rows *rows, float *out) {
  pack_keys(rows, HD_FORMAT_F32, out);
}
static void pack_keys_f16(const hdb_kv_rows *rows, float *out) {
  pack_keys(rows, HD_FORMAT_F16, out);
}
static void pack_keys_q8_0(const hdb_kv_rows *rows, float *out) {
  pack_keys(rows, HD_FORMAT_Q8_0, out);
}
static void pack_values_f32(const hdb_kv_rows *rows, float *out) {
  pack_values(rows, HD_FORMAT_F32, out);
}
static void pack_values_f16(const hdb_kv_rows *rows, float *out) {
  pack_values(rows, HD_FORMAT_F16, out);
}
static void pack_values_q8_0(const hdb_kv_rows *rows, float *out) {
  pack_values(rows, HD_FORMAT_Q8_0, out);
}

const hdb_attention_kernels hdb_attention_c = {
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
