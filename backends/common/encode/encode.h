/* SPDX-License-Identifier: Apache-2.0 */
/* Writing weight rows in each format: the other way round of dequantising. Work of minutes on a desk, not of
 * the request path, so one portable version is all there is. The results are those of ggml's quantisers but
 * for the rounding of sums. */
#ifndef HEDDLE_BACKENDS_COMMON_ENCODE_H
#define HEDDLE_BACKENDS_COMMON_ENCODE_H

#include <stddef.h>
#include <stdint.h>
#include "heddle/format.h"

/* out_row = the row in the format; cols is a multiple of its block, every |x| at most HDB_ENCODE_MAX.
 * Threads: any. Errors: none. */
typedef void (*hdb_encode_fn)(const float *x, uint32_t cols, void *out_row);

/* Scales are half-precision numbers, and F16 values themselves: nothing above the largest of those can be
 * written. */
#define HDB_ENCODE_MAX 65504.0f

/* NULL: heddle writes no weights in it (I32, and values outside the enum). */
hdb_encode_fn hdb_encoder(hd_format format);

/* Writes one row in another format. Shapes: `cols` is a multiple of both formats' blocks. Returns the column
 * of the first value that no format can hold (not finite, above HDB_ENCODE_MAX), or `cols` when all is well;
 * the row is then written up to there. Threads: any. Allocates nothing. */
uint32_t hdb_recode_row(hd_format from, const void *row, hd_format to, uint32_t cols, void *out_row);

/* For hdb_encoder. */
void hdb_encode_f32(const float *x, uint32_t cols, void *out_row);
void hdb_encode_f16(const float *x, uint32_t cols, void *out_row);
void hdb_encode_bf16(const float *x, uint32_t cols, void *out_row);
void hdb_encode_q8_0(const float *x, uint32_t cols, void *out_row);
void hdb_encode_q4_0(const float *x, uint32_t cols, void *out_row);
void hdb_encode_q5_0(const float *x, uint32_t cols, void *out_row);
void hdb_encode_q4_k(const float *x, uint32_t cols, void *out_row);
void hdb_encode_q6_k(const float *x, uint32_t cols, void *out_row);

#endif
