/* SPDX-License-Identifier: Apache-2.0 */
/* A smaller file of a model: its weights in fewer bits. No scheduler, no device: the caller brings what
 * writes rows, and the threads for it. */
#ifndef ENGINE_QUANTIZE_H
#define ENGINE_QUANTIZE_H

#include <stdbool.h>
#include <stdint.h>
#include "heddle/format.h"
#include "heddle/host.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Rows to be written in another format. */
typedef struct he_recode {
  hd_format from, to;
  const void *rows; /* row after row */
  void *out;        /* likewise */
  uint32_t cols;    /* a multiple of both formats' blocks */
  uint32_t row_count;
} he_recode;

typedef struct he_quantize_desc {
  uint32_t size;
  hd_format format; /* Q8_0, Q4_0, Q4_K, Q6_K, F16 or BF16 */
  /* Every matrix gets that format. Else the mixture of llama.cpp's file of that name: engine/mixture.c has
   * the rules. */
  bool pure;
  /* Writes the rows. Returns how many values were written before the first that cannot be (not finite, too
   * large for a half-precision scale): all of them when it went well. */
  uint64_t (*recode)(void *arg, const he_recode *work);
  /* After each stretch of some MiB, and at the end; bytes of the input. False: stop. May be NULL. */
  bool (*progress)(void *arg, uint64_t done, uint64_t total);
  void *arg;
} he_quantize_desc;

typedef struct he_quantize_result {
  uint64_t in_bytes, out_bytes;                                          /* of the files */
  uint64_t tensor_count[HD_FORMAT_COUNT], tensor_bytes[HD_FORMAT_COUNT]; /* of the output, by format */
  uint64_t elapsed_ns;
} he_quantize_result;

/* Writes the model of the GGUF file `in` to `out` with its matrices in another format; all else, every key
 * but general.file_type and general.quantization_version, is kept to the byte. `out` appears (or is replaced)
 * whole at the end and is untouched before and on failure. Memory: the directory and some MiB (one row, where
 * that is more), whatever the size of the model. Errors: NOT_FOUND, IO (reading or writing), FORMAT,
 * UNSUPPORTED (as he_model_open; also a weight that cannot be written: the line names tensor and value),
 * INVALID (`out` is `in` or no regular file, the input is quantized already, the format is none to quantize
 * to), CANCELLED (progress said so), NO_MEMORY. Threads: any; `in` must not be changed meanwhile. */
hd_status he_quantize(const hd_host *host, const char *in, const char *out, const he_quantize_desc *desc,
                      he_quantize_result *out_result, hd_error *out_error);

#ifdef __cplusplus
}
#endif
#endif
