/* SPDX-License-Identifier: Apache-2.0 */
/* How fast one core multiplies and adds: twelve sums in flight, as many as two units with a latency of six
 * need, nothing read. Inline assembly keeps the compiler from seeing that the sums are alike. */
#include <stdint.h>
#include <time.h>
#include "bench/machine/machine.h"
#include "bench/machine/tiles.h"
#if defined(__x86_64__)
#include <cpuid.h>
#endif

enum { SUMS = HB_PEAK_SUMS, TURNS = HB_PEAK_TURNS, ROUNDS = 5 };

static double now_ns(void) {
  struct timespec ts;
  clock_gettime(CLOCK_MONOTONIC, &ts);
  return (double)ts.tv_sec * 1e9 + (double)ts.tv_nsec;
}

#if defined(__x86_64__)
#define TWELVE(OP, R)                                                                                        \
  OP(R, 0)                                                                                                   \
  OP(R, 1) OP(R, 2) OP(R, 3) OP(R, 4) OP(R, 5) OP(R, 6) OP(R, 7) OP(R, 8) OP(R, 9) OP(R, 10) OP(R, 11)
#define FMA(R, N) "vfmadd231ps %%" R "13, %%" R "14, %%" R #N "\n"
#define DOT(R, N) "vpdpbusd %%" R "13, %%" R "14, %%" R #N "\n"
/* Without VNNI: products of pairs, sums of pairs, one addition. */
#define MADD(R, N)                                                                                           \
  "vpmaddubsw %%" R "13, %%" R "14, %%" R "12\nvpmaddwd %%" R "12, %%" R "15, %%" R "12\nvpaddd %%" R        \
  "12, %%" R #N ", %%" R #N "\n"
#define CLOBBERS                                                                                             \
  "xmm0", "xmm1", "xmm2", "xmm3", "xmm4", "xmm5", "xmm6", "xmm7", "xmm8", "xmm9", "xmm10", "xmm11", "xmm12", \
      "xmm13", "xmm14", "xmm15"
#define TURN(NAME, OP, R)                                                                                    \
  static void NAME(void) {                                                                                   \
    for (int i = 0; i < TURNS; i++)                                                                          \
      __asm__ volatile(TWELVE(OP, R) : : : CLOBBERS);                                                        \
  }
TURN(fma_512, FMA, "zmm")
TURN(fma_256, FMA, "ymm")
TURN(dot_512, DOT, "zmm")
TURN(madd_256, MADD, "ymm")
/* Twice as many sums, the others in registers 16 to 27, which a compiler that is not told of AVX-512 leaves
 * alone: with twelve, the latency of six left 7 % of the time unused. */
#define PAIRS(R, N) "vdpbf16ps %%zmm13, %%zmm14, %%zmm" #N "\n"
static void pairs_512(void) {
  for (int i = 0; i < TURNS; i++)
    __asm__ volatile(TWELVE(PAIRS, "zmm") PAIRS(, 16) PAIRS(, 17) PAIRS(, 18) PAIRS(, 19) PAIRS(, 20)
                         PAIRS(, 21) PAIRS(, 22) PAIRS(, 23) PAIRS(, 24) PAIRS(, 25) PAIRS(, 26) PAIRS(, 27)
                     :
                     :
                     : CLOBBERS);
}
#define DOT_VEX(R, N) "%{vex%} vpdpbusd %%" R "13, %%" R "14, %%" R #N "\n"
TURN(dot_256, DOT_VEX, "ymm")

/* Leaf 7, part 1: bit 5 of EAX. */
static int has_avx512bf16(void) {
  unsigned a, b, c, d;
  return __builtin_cpu_supports("avx512f") && __get_cpuid_count(7, 1, &a, &b, &c, &d) && (a & 1u << 5) != 0;
}

static int has_avxvnni(void) {
  unsigned a, b, c, d; /* leaf 7, part 1: bit 4 of EAX */
  return __get_cpuid_count(7, 1, &a, &b, &c, &d) && (a & 1u << 4) != 0;
}

/* What to run, and operations of one instruction. */
static double choose(hb_arithmetic arithmetic, hb_instructions instructions, void (**out_turns)(void)) {
  const int wide = instructions == HB_INSTRUCTIONS_BEST;
  if (instructions == HB_INSTRUCTIONS_TILES) {
    *out_turns = arithmetic == HB_ARITHMETIC_BF16 ? hb_tiles_bf16_turns : hb_tiles_turns;
    if (arithmetic == HB_ARITHMETIC_BF16) return hb_tiles_bf16_lent() ? HB_TILES_BF16_OPERATIONS : 0.0;
    return arithmetic == HB_ARITHMETIC_INT8 && hb_tiles_lent() ? HB_TILES_OPERATIONS : 0.0;
  }
  if (arithmetic == HB_ARITHMETIC_BF16) {
    *out_turns = pairs_512;
    return wide && has_avx512bf16() ? 2 * 64.0 : 0.0; /* twice SUMS */
  }
  if (wide && arithmetic == HB_ARITHMETIC_INT8 && __builtin_cpu_supports("avx512vnni")) {
    *out_turns = dot_512;
    return 128.0;
  }
  if (wide && arithmetic == HB_ARITHMETIC_F32 && __builtin_cpu_supports("avx512f")) {
    *out_turns = fma_512;
    return 32.0;
  }
  if (!__builtin_cpu_supports("avx2") || !__builtin_cpu_supports("fma")) return 0.0;
  if (instructions == HB_INSTRUCTIONS_AVXVNNI && arithmetic == HB_ARITHMETIC_INT8) {
    *out_turns = dot_256;
    return has_avxvnni() ? 64.0 : 0.0;
  }
  *out_turns = arithmetic == HB_ARITHMETIC_INT8 ? madd_256 : fma_256;
  return arithmetic == HB_ARITHMETIC_INT8 ? 64.0 : 16.0;
}
#elif defined(__aarch64__)
#define TWELVE(OP) OP(0) OP(1) OP(2) OP(3) OP(4) OP(5) OP(6) OP(7) OP(8) OP(9) OP(10) OP(11)
#define FMA(N)     "fmla v" #N ".4s, v13.4s, v14.4s\n"
#define CLOBBERS   "v0", "v1", "v2", "v3", "v4", "v5", "v6", "v7", "v8", "v9", "v10", "v11"
static void fma_128(void) {
  for (int i = 0; i < TURNS; i++)
    __asm__ volatile(TWELVE(FMA) : : : CLOBBERS);
}

static double choose(hb_arithmetic arithmetic, hb_instructions instructions, void (**out_turns)(void)) {
  (void)instructions;
  if (arithmetic != HB_ARITHMETIC_F32) return 0.0; /* whether there is SDOT, the kernel must be asked */
  *out_turns = fma_128;
  return 8.0;
}
#else
static double choose(hb_arithmetic arithmetic, hb_instructions instructions, void (**out_turns)(void)) {
  (void)arithmetic;
  (void)instructions;
  (void)out_turns;
  return 0.0;
}
#endif

double hb_machine_peak(hb_arithmetic arithmetic, hb_instructions instructions) {
  void (*turns)(void) = 0;
  double operations = choose(arithmetic, instructions, &turns), best = 0.0;
  for (int round = 0; turns && operations > 0 && round < ROUNDS; round++) {
    double begin = now_ns();
    turns();
    double rate = operations * SUMS * TURNS / (now_ns() - begin);
    best = rate > best ? rate : best;
  }
  return best;
}
