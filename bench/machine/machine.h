/* SPDX-License-Identifier: Apache-2.0 */
/* What this machine can do at most, measured: reading memory and multiplying. Kernels are told as fractions
 * of it, timed in the same run, because machines drift. */
#ifndef HB_MACHINE_H
#define HB_MACHINE_H

#include <stddef.h>
#include <stdint.h>

typedef enum hb_arithmetic {
  HB_ARITHMETIC_F32,  /* multiply and add of float registers, the widest there are */
  HB_ARITHMETIC_BF16, /* products of pairs of BF16: VDPBF16PS of HB_INSTRUCTIONS_BEST, and tiles */
  HB_ARITHMETIC_INT8  /* dot products of bytes into 32 bits: VPDPBUSD, SDOT, or multiply and widen */
} hb_arithmetic;

/* With which instructions. */
typedef enum hb_instructions {
  HB_INSTRUCTIONS_AVX2,    /* 256 bits, products of bytes in three instructions */
  HB_INSTRUCTIONS_BEST,    /* AVX-512 where the machine has it, else AVX2 */
  HB_INSTRUCTIONS_AVXVNNI, /* 256 bits, products of bytes in one */
  HB_INSTRUCTIONS_TILES,   /* AMX, bytes and BF16; the kernel is asked for them */
  HB_INSTRUCTIONS_COUNT
} hb_instructions;

#define HB_MACHINE_THREADS_MAX 64u

/* Bytes in a nanosecond that `threads` threads read together from a buffer of `bytes` (take several times the
 * last cache), each its share from begin to end; the best of five passes. 0: no memory. Threads: makes and
 * ends its own. */
double hb_machine_read(uint32_t threads, size_t bytes);

/* Operations in a nanosecond of one thread (a multiplication and an addition are two) with all operands in
 * registers, the best of five rounds. 0: the machine has no such instructions. */
double hb_machine_peak(hb_arithmetic arithmetic, hb_instructions instructions);

#endif
