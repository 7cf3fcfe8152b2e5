/* SPDX-License-Identifier: Apache-2.0 */
/* What the aarch64 tiers replace in a table of kernels. */
#ifndef HEDDLE_BACKENDS_CPU_ARM_H
#define HEDDLE_BACKENDS_CPU_ARM_H

#include "common/kernels.h"

void hdi_neon_replace(hdb_kernels *kernels);
void hdi_dotprod_replace(hdb_kernels *kernels);
void hdi_i8mm_replace(hdb_kernels *kernels);

/* rows.inc.h compiled for aarch64. */
const hdb_row_kernels *hdi_neon_rows(void);
/* attend.inc.h compiled for aarch64. */
const struct hdb_attention_kernels *hdi_neon_attention(void);

/* Types hdb_dot_fn. */
void hdi_neon_dot_f32(const hdb_tile *tile);
void hdi_neon_dot_f16(const hdb_tile *tile);
void hdi_neon_dot_bf16(const hdb_tile *tile);
void hdi_neon_dot_q8_0(const hdb_tile *tile);
void hdi_neon_dot_q4_0(const hdb_tile *tile);
void hdi_neon_dot_q5_0(const hdb_tile *tile);
void hdi_neon_dot_q4_k(const hdb_tile *tile);
void hdi_neon_dot_q6_k(const hdb_tile *tile);
void hdi_dotprod_dot_q8_0(const hdb_tile *tile);
void hdi_dotprod_dot_q4_0(const hdb_tile *tile);
void hdi_dotprod_dot_q5_0(const hdb_tile *tile);
void hdi_dotprod_dot_q4_k(const hdb_tile *tile);
void hdi_dotprod_dot_q6_k(const hdb_tile *tile);
void hdi_i8mm_dot_q8_0(const hdb_tile *tile);
void hdi_i8mm_dot_q4_0(const hdb_tile *tile);
void hdi_i8mm_dot_q5_0(const hdb_tile *tile);
void hdi_i8mm_dot_q4_k(const hdb_tile *tile);
void hdi_i8mm_dot_q6_k(const hdb_tile *tile);

/* Types hdb_quantise_fn. */
void hdi_neon_quantise_q8(const float *x, uint32_t cols, void *out_row);
void hdi_neon_quantise_q8k(const float *x, uint32_t cols, void *out_row);
void hdi_neon_quantise_bf16(const float *x, uint32_t cols, void *out_row);

#endif
