/* SPDX-License-Identifier: Apache-2.0 */
/* Knows where a quantized file spends more bits than its name says. The rules are llama.cpp's, so that files
 * of one name are alike: the output matrix (or the embeddings, where they are both) gets Q6_K; Q4_K also
 * gives Q6_K to V and the down projection of the first and last eighth of the layers and of every third
 * between; a row that is no whole number of blocks gets the next better format with shorter ones. Source:
 * llama.cpp, llama-quant.cpp, for models without experts (Q4_K here is its Q4_K_M; pure Q4_K is nearest to
 * its Q4_K_S). */
#include "mixture.h"

#include <string.h>

static bool ends_with(hei_text text, const char *end) {
  size_t bytes = strlen(end);
  return text.bytes >= bytes && memcmp(text.data + text.bytes - bytes, end, bytes) == 0;
}

bool hei_mixture_takes(const hei_gguf_tensor *tensor) {
  uint64_t rows = 1;
  for (uint32_t d = 1; d < tensor->n_dims; d++)
    rows |= tensor->dims[d] - 1;
  return rows > 1 && ends_with(tensor->name, ".weight") && !ends_with(tensor->name, "_norm.weight");
}

/* The number in "blk.12.ffn_down.weight"; 0 outside of layers. */
static uint32_t layer_of(hei_text name) {
  static const char PREFIX[] = "blk.";
  size_t at = sizeof PREFIX - 1;
  uint32_t layer = 0;
  if (name.bytes < at || memcmp(name.data, PREFIX, at) != 0) return 0;
  for (; at < name.bytes && name.data[at] >= '0' && name.data[at] <= '9' && layer < 1u << 20; at++)
    layer = layer * 10 + (uint32_t)(name.data[at] - '0');
  return layer;
}

/* Where errors cost most: near the text on both ends, and now and then between. */
static bool is_sensitive(uint32_t layer, uint32_t n_layers) {
  uint32_t eighth = n_layers / 8;
  return layer < eighth || layer >= 7 * n_layers / 8 || (layer - eighth) % 3 == 2;
}

static hd_format wanted(const hei_mixture *mixture, const hei_gguf_tensor *tensor) {
  hd_format format = mixture->format;
  if (mixture->pure || hd_format_get(format)->block_values == 1) return format;
  bool is_output = hei_text_is(tensor->name, "output.weight") ||
                   (mixture->tied && hei_text_is(tensor->name, "token_embd.weight"));
  if (is_output && format != HD_FORMAT_Q8_0) return HD_FORMAT_Q6_K;
  bool is_careful = ends_with(tensor->name, ".attn_v.weight") || ends_with(tensor->name, ".ffn_down.weight");
  if (format == HD_FORMAT_Q4_K && is_careful && is_sensitive(layer_of(tensor->name), mixture->n_layers))
    return HD_FORMAT_Q6_K;
  return format;
}

hd_format hei_mixture_choose(const hei_mixture *mixture, const hei_gguf_tensor *tensor) {
  hd_format format = wanted(mixture, tensor);
  if (hd_format_row_bytes(format, tensor->dims[0]) > 0) return format;
  if (format == HD_FORMAT_Q4_K) format = HD_FORMAT_Q5_0;
  if (format == HD_FORMAT_Q6_K) format = HD_FORMAT_Q8_0;
  return hd_format_row_bytes(format, tensor->dims[0]) > 0 ? format : HD_FORMAT_F16;
}

uint32_t hei_mixture_file_type(const hei_mixture *mixture) {
  switch (mixture->format) {
  case HD_FORMAT_F16:
    return 1;
  case HD_FORMAT_Q4_0:
    return 2;
  case HD_FORMAT_Q8_0:
    return 7;
  case HD_FORMAT_Q4_K:
    return mixture->pure ? 14 : 15; /* "mostly Q4_K, small" and "medium" */
  case HD_FORMAT_Q6_K:
    return 18;
  case HD_FORMAT_BF16:
    return 32;
  default:
    return 0;
  }
}
