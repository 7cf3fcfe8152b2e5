/* SPDX-License-Identifier: Apache-2.0 */
/* The portable kernels of each weight format, for kernels_c.c. */
#ifndef HEDDLE_BACKENDS_COMMON_FORMATS_H
#define HEDDLE_BACKENDS_COMMON_FORMATS_H

#include "common/kernels.h"

/* Types hdb_dot_fn and hdb_dequantise_fn. */
void hdb_dot_f32(const hdb_tile *tile);
void hdb_dot_f16(const hdb_tile *tile);
void hdb_dot_bf16(const hdb_tile *tile);
void hdb_dot_q8_0(const hdb_tile *tile);
void hdb_dot_q4_0(const hdb_tile *tile);
void hdb_dot_q5_0(const hdb_tile *tile);
void hdb_dot_q4_k(const hdb_tile *tile);
void hdb_dot_q6_k(const hdb_tile *tile);

void hdb_dequantise_f32(const void *row, uint32_t cols, float *out);
void hdb_dequantise_f16(const void *row, uint32_t cols, float *out);
void hdb_dequantise_bf16(const void *row, uint32_t cols, float *out);
void hdb_dequantise_q8_0(const void *row, uint32_t cols, float *out);
void hdb_dequantise_q4_0(const void *row, uint32_t cols, float *out);
void hdb_dequantise_q5_0(const void *row, uint32_t cols, float *out);
void hdb_dequantise_q4_k(const void *row, uint32_t cols, float *out);
void hdb_dequantise_q6_k(const void *row, uint32_t cols, float *out);

#endif
