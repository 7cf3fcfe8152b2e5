/* SPDX-License-Identifier: Apache-2.0 */
/* Which tensor of a quantized file gets which format. */
#ifndef ENGINE_MIXTURE_H
#define ENGINE_MIXTURE_H

#include "gguf.h"

typedef struct hei_mixture {
  hd_format format;
  bool pure; /* every matrix alike */
  bool tied; /* there is no output matrix: the embeddings are it */
  uint32_t n_layers;
} hei_mixture;

/* True for the matrices of weights, which quantizing is for; everything else stays as it is. */
bool hei_mixture_takes(const hei_gguf_tensor *tensor);
/* The format of such a matrix; a row is a whole number of its blocks. */
hd_format hei_mixture_choose(const hei_mixture *mixture, const hei_gguf_tensor *tensor);
/* The value of general.file_type. */
uint32_t hei_mixture_file_type(const hei_mixture *mixture);

#endif
