/* SPDX-License-Identifier: Apache-2.0 */
/* Random numbers by seed and random weights of every format, for the tests of kernels and ops. */
#ifndef HEDDLE_TESTS_KERNELS_SAMPLES_H
#define HEDDLE_TESTS_KERNELS_SAMPLES_H

#include <stddef.h>
#include <stdint.h>
#include "heddle/format.h"
#include "heddle/host.h"

typedef struct sample_rng {
  uint64_t state;
} sample_rng;

/* Source: splitmix64, Steele, Lea and Flood, 2014. */
uint64_t sample_next(sample_rng *rng);
/* 0 .. below-1 */
uint32_t sample_below(sample_rng *rng, uint32_t below);
/* Roughly normal, deviation 1: the sum of uniform numbers, so that rows have both small and large values. */
float sample_float(sample_rng *rng);
void sample_floats(sample_rng *rng, float *out, size_t count);

/* Exactly `bytes` at 64-byte alignment, so that a sanitizer sees one byte too many. Ends the test when there
 * is none. */
void *sample_alloc(size_t bytes);

/* A host over the C library, without a clock. */
hd_host sample_host(void);

/* Fills `count` rows of a format with valid random blocks: all bit patterns of the integers, scales of sane
 * size and either sign. */
void sample_weights(sample_rng *rng, hd_format format, uint32_t count, uint32_t cols, void *out);

/* Formats a weight can have, `sample_format(i)` for i below SAMPLE_FORMATS. */
#define SAMPLE_FORMATS 8u
hd_format sample_format(uint32_t index);

#endif
