/* SPDX-License-Identifier: Apache-2.0 */
/* Sizes of number formats. Source: the block layouts of ggml as the GGUF specification names them. */
#include "heddle/format.h"

#define K_VALUES 256 /* values of a k-quant super-block */

static const hd_format_info FORMATS[HD_FORMAT_COUNT] = {
    [HD_FORMAT_F32] = {"F32", 1, 4},
    [HD_FORMAT_F16] = {"F16", 1, 2},
    [HD_FORMAT_BF16] = {"BF16", 1, 2},
    [HD_FORMAT_Q8_0] = {"Q8_0", 32, 2 + 32},
    [HD_FORMAT_Q4_0] = {"Q4_0", 32, 2 + 16},
    [HD_FORMAT_Q5_0] = {"Q5_0", 32, 2 + 4 + 16},
    [HD_FORMAT_Q4_K] = {"Q4_K", K_VALUES, 2 + 2 + 12 + K_VALUES / 2},
    [HD_FORMAT_Q6_K] = {"Q6_K", K_VALUES, K_VALUES / 2 + K_VALUES / 4 + K_VALUES / 16 + 2},
    [HD_FORMAT_I32] = {"I32", 1, 4},
};

const hd_format_info *hd_format_get(hd_format format) {
  return (unsigned)format < HD_FORMAT_COUNT ? &FORMATS[format] : NULL;
}

size_t hd_format_row_bytes(hd_format format, uint64_t cols) {
  const hd_format_info *info = hd_format_get(format);
  if (info == NULL || cols % info->block_values != 0) return 0;
  uint64_t blocks = cols / info->block_values;
  if (blocks > SIZE_MAX / info->block_bytes) return 0;
  return (size_t)(blocks * info->block_bytes);
}
