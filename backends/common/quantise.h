/* SPDX-License-Identifier: Apache-2.0 */
/* Portable quantisation of activation rows, for kernels_c.c. */
#ifndef HEDDLE_BACKENDS_COMMON_QUANTISE_H
#define HEDDLE_BACKENDS_COMMON_QUANTISE_H

#include <stdint.h>

/* Type hdb_quantise_fn; layouts in activation.h. */
void hdb_quantise_q8(const float *x, uint32_t cols, void *out_row);
void hdb_quantise_q8k(const float *x, uint32_t cols, void *out_row);
void hdb_quantise_bf16(const float *x, uint32_t cols, void *out_row);
void hdb_quantise_bf16_pairs(const float *x, uint32_t cols, void *out_row);

#endif
