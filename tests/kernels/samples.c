/* SPDX-License-Identifier: Apache-2.0 */
/* Random samples; see the header. */
#include "samples.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "common/float16.h"

uint64_t sample_next(sample_rng *rng) {
  uint64_t z = rng->state += 0x9e3779b97f4a7c15u;
  z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
  z = (z ^ z >> 27) * 0x94d049bb133111ebu;
  return z ^ z >> 31;
}

uint32_t sample_below(sample_rng *rng, uint32_t below) {
  return (uint32_t)(sample_next(rng) >> 32) % below;
}

float sample_float(sample_rng *rng) {
  uint64_t bits = sample_next(rng);
  float sum = 0.0f;
  for (int i = 0; i < 4; i++, bits >>= 16)
    sum += (float)(bits & 0xffff) * 0x1p-16f - 0.5f;
  return sum * 1.7320508f; /* a uniform number has variance 1/12 */
}

void sample_floats(sample_rng *rng, float *out, size_t count) {
  for (size_t i = 0; i < count; i++)
    out[i] = sample_float(rng);
}

void *sample_alloc(size_t bytes) {
  void *memory;
  if (posix_memalign(&memory, 64, bytes ? bytes : 1) != 0) {
    fprintf(stderr, "no memory for %zu bytes\n", bytes);
    exit(1);
  }
  return memory;
}

static void *host_alloc(void *ctx, size_t bytes, size_t align) {
  void *memory = NULL;
  (void)ctx;
  return posix_memalign(&memory, align < sizeof(void *) ? sizeof(void *) : align, bytes) == 0 ? memory : NULL;
}

static void host_free(void *ctx, void *memory, size_t bytes) {
  (void)ctx;
  (void)bytes;
  free(memory);
}

hd_host sample_host(void) {
  return (hd_host){.size = sizeof(hd_host), .alloc = host_alloc, .free = host_free};
}

static void put_f16(uint8_t *at, float x) {
  uint16_t h = hdb_f32_to_f16(x);
  memcpy(at, &h, sizeof h);
}

/* Offsets of the f16 scales in a block; -1: none. */
static void put_scales(sample_rng *rng, hd_format format, uint8_t *block) {
  float d = (0.002f + 0.01f * (float)sample_below(rng, 256) / 256.0f) * (sample_below(rng, 2) ? 1.0f : -1.0f);
  switch (format) {
  case HD_FORMAT_Q4_K:
    put_f16(block, d * 0.05f);
    put_f16(block + 2, d * 0.2f);
    break;
  case HD_FORMAT_Q6_K:
    put_f16(block + 208, d * 0.02f);
    break;
  default:
    put_f16(block, d);
  }
}

static void put_number(sample_rng *rng, hd_format format, uint8_t *at) {
  float x = sample_float(rng) * 0.1f;
  uint32_t bits = hdb_bits(x);
  uint16_t half = format == HD_FORMAT_F16 ? hdb_f32_to_f16(x) : (uint16_t)(bits >> 16);
  if (format == HD_FORMAT_F32)
    memcpy(at, &x, sizeof x);
  else
    memcpy(at, &half, sizeof half);
}

void sample_weights(sample_rng *rng, hd_format format, uint32_t count, uint32_t cols, void *out) {
  const hd_format_info *info = hd_format_get(format);
  size_t blocks = hd_format_row_bytes(format, cols) / info->block_bytes * count;
  uint8_t *block = out;
  for (size_t b = 0; b < blocks; b++, block += info->block_bytes) {
    if (info->block_values == 1) {
      put_number(rng, format, block);
      continue;
    }
    for (uint32_t i = 0; i < info->block_bytes; i++)
      block[i] = (uint8_t)sample_next(rng);
    put_scales(rng, format, block);
  }
}

hd_format sample_format(uint32_t index) {
  static const hd_format formats[SAMPLE_FORMATS] = {HD_FORMAT_F32,  HD_FORMAT_F16,  HD_FORMAT_BF16,
                                                    HD_FORMAT_Q8_0, HD_FORMAT_Q4_0, HD_FORMAT_Q5_0,
                                                    HD_FORMAT_Q4_K, HD_FORMAT_Q6_K};
  return formats[index];
}
