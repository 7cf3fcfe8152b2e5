/* SPDX-License-Identifier: Apache-2.0 */
/* What the x86-64 tiers replace in a table of kernels. */
#ifndef HEDDLE_BACKENDS_CPU_X86_H
#define HEDDLE_BACKENDS_CPU_X86_H

#include <stdbool.h>
#include "common/kernels.h"

struct hdi_block_format;
struct hdi_super_format;
struct hdi_neighbours_format;

void hdi_avx2_replace(hdb_kernels *kernels);
void hdi_avxvnni_replace(hdb_kernels *kernels);
void hdi_avx512_replace(hdb_kernels *kernels);
void hdi_avx512bf16_replace(hdb_kernels *kernels);
void hdi_amx_replace(hdb_kernels *kernels);
void hdi_amxbf16_replace(hdb_kernels *kernels);

/* rows.inc.h compiled for the tier. */
const hdb_row_kernels *hdi_avx2_rows(void);
const hdb_row_kernels *hdi_avx512_rows(void);

/* attend.inc.h compiled for the tier. */
const struct hdb_attention_kernels *hdi_avx2_attention(void);
const struct hdb_attention_kernels *hdi_avx512_attention(void);

/* Types hdb_dot_fn. */
void hdi_avx2_dot_f32(const hdb_tile *tile);
void hdi_avx2_dot_f16(const hdb_tile *tile);
void hdi_avx2_dot_bf16(const hdb_tile *tile);
void hdi_avx2_dot_q8_0(const hdb_tile *tile);
void hdi_avx2_dot_q4_0(const hdb_tile *tile);
void hdi_avx2_dot_q5_0(const hdb_tile *tile);
void hdi_avx2_dot_q4_k(const hdb_tile *tile);
void hdi_avx2_dot_q6_k(const hdb_tile *tile);
void hdi_avxvnni_dot_q8_0(const hdb_tile *tile);
void hdi_avxvnni_dot_q4_0(const hdb_tile *tile);
void hdi_avxvnni_dot_q5_0(const hdb_tile *tile);
void hdi_avxvnni_dot_q4_k(const hdb_tile *tile);
void hdi_avxvnni_dot_q6_k(const hdb_tile *tile);
void hdi_avx512_dot_f32(const hdb_tile *tile);
void hdi_avx512_dot_f16(const hdb_tile *tile);
void hdi_avx512_dot_bf16(const hdb_tile *tile);
void hdi_avx512_dot_q8_0(const hdb_tile *tile);
void hdi_avx512_dot_q4_0(const hdb_tile *tile);
void hdi_avx512_dot_q5_0(const hdb_tile *tile);
void hdi_avx512_dot_q4_k(const hdb_tile *tile);
void hdi_avx512_dot_q6_k(const hdb_tile *tile);
void hdi_avx512bf16_dot_bf16(const hdb_tile *tile);
void hdi_avx512bf16_dot_f16(const hdb_tile *tile);
void hdi_avx512bf16_dot_f32(const hdb_tile *tile);
void hdi_amx_dot_q8_0(const hdb_tile *tile);
void hdi_amx_dot_q4_0(const hdb_tile *tile);
void hdi_amx_dot_q5_0(const hdb_tile *tile);
void hdi_amx_dot_q4_k(const hdb_tile *tile);
void hdi_amx_dot_q6_k(const hdb_tile *tile);
void hdi_amxbf16_dot_bf16(const hdb_tile *tile);
void hdi_amxbf16_dot_f16(const hdb_tile *tile);
void hdi_amxbf16_dot_f32(const hdb_tile *tile);

/* How the AVX-512 tier turns a block of Q8_0, Q4_0 or Q5_0; the AMX tier does so too. Ownership: static. */
const struct hdi_block_format *hdi_avx512_block_format(hd_format format);
/* Likewise Q4_K or Q6_K. */
const struct hdi_super_format *hdi_avx512_super_format(hd_format format);
/* How the avx512bf16 tier turns a block of BF16, F16 or F32 for tiles. */
const struct hdi_neighbours_format *hdi_avx512bf16_neighbours_format(hd_format format);

/* Types hdb_quantise_fn. */
void hdi_avx2_quantise_q8(const float *x, uint32_t cols, void *out_row);
void hdi_avx2_quantise_q8k(const float *x, uint32_t cols, void *out_row);
void hdi_avx2_quantise_bf16(const float *x, uint32_t cols, void *out_row);
void hdi_avx512_quantise_bf16(const float *x, uint32_t cols, void *out_row);
void hdi_avx512bf16_quantise_pairs(const float *x, uint32_t cols, void *out_row);

/* F16 and F32 rows are multiplied as if they were BF16 from now on; of a table of the tier. */
void hdi_avx512bf16_round_floats(hdb_kernels *kernels);
void hdi_amxbf16_round_floats(hdb_kernels *kernels);

/* amx.c: this CPU has tiles of the size that the kernels want, products of bytes (and of BF16), and the
 * operating system saves the tiles. */
bool hdi_amx_present(void);
bool hdi_amxbf16_present(void);
/* Asks the kernel for the tiles and checks the tier's kernels on some random numbers. NULL: all is well;
 * otherwise what is not. Does no harm again. */
const char *hdi_amx_begin(void);
const char *hdi_amxbf16_begin(void);
/* amx_trial.c: whether `dot` gives the bits of portable C on random rows of a format; F16 and F32 are rounded
 * to BF16. */
bool hdi_amx_agrees(hd_format format, hdb_dot_fn dot);

#endif
