/* SPDX-License-Identifier: Apache-2.0 */
/* AMX tiles: six sums in flight, as many as there are beside two operands; 96 cycles until a sum comes again,
 * which waits 52. Source: Intel's optimization manual, the chapter on AMX. */
#include "bench/machine/tiles.h"

#if defined(__x86_64__)
#include <cpuid.h>
#include <stdint.h>
#include <sys/syscall.h>
#include <unistd.h>

/* ARCH_REQ_XCOMP_PERM, and the number of the tiles' data. Source: Linux, arch/x86/include/uapi/asm/prctl.h.
 */
#define REQUEST_PERMISSION 0x1023
#define TILE_DATA          18

static int is_lent(unsigned bits) {
  unsigned a, b, c, d;
  return __get_cpuid_count(7, 0, &a, &b, &c, &d) && (~d & bits) == 0 &&
         syscall(SYS_arch_prctl, REQUEST_PERMISSION, TILE_DATA) == 0;
}

/* Leaf 7, EDX: bit 24 the tiles, 25 products of bytes, 22 of BF16. */
int hb_tiles_lent(void) {
  return is_lent(1u << 24 | 1u << 25);
}

int hb_tiles_bf16_lent(void) {
  return is_lent(1u << 24 | 1u << 22);
}

#define ONE(OP, N) OP " %%tmm7, %%tmm6, %%tmm" #N "\n"
#define SIX(OP)    ONE(OP, 0) ONE(OP, 1) ONE(OP, 2) ONE(OP, 3) ONE(OP, 4) ONE(OP, 5)

static void begin_tiles(void) {
  struct {
    uint8_t palette, start_row, reserved[14];
    uint16_t row_bytes[16];
    uint8_t rows[16];
  } config = {.palette = 1};
  for (int i = 0; i < 8; i++) {
    config.rows[i] = 16;
    config.row_bytes[i] = 64;
  }
  __asm__ volatile("ldtilecfg %0" : : "m"(config));
}

void hb_tiles_turns(void) {
  begin_tiles();
  for (int i = 0; i < HB_PEAK_TURNS; i++)
    __asm__ volatile(SIX("tdpbssd") SIX("tdpbssd") : :);
  __asm__ volatile("tilerelease" : :);
}

void hb_tiles_bf16_turns(void) {
  begin_tiles();
  for (int i = 0; i < HB_PEAK_TURNS; i++)
    __asm__ volatile(SIX("tdpbf16ps") SIX("tdpbf16ps") : :);
  __asm__ volatile("tilerelease" : :);
}
#endif
