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

int hb_tiles_lent(void) {
  unsigned a, b, c, d; /* leaf 7: bits 24 and 25 of EDX, tiles and their products of bytes */
  return __get_cpuid_count(7, 0, &a, &b, &c, &d) && (d >> 24 & 3) == 3 &&
         syscall(SYS_arch_prctl, REQUEST_PERMISSION, TILE_DATA) == 0;
}

#define SIX                                                                                                  \
  "tdpbssd %%tmm7, %%tmm6, %%tmm0\ntdpbssd %%tmm7, %%tmm6, %%tmm1\ntdpbssd %%tmm7, %%tmm6, %%tmm2\n"         \
  "tdpbssd %%tmm7, %%tmm6, %%tmm3\ntdpbssd %%tmm7, %%tmm6, %%tmm4\ntdpbssd %%tmm7, %%tmm6, %%tmm5\n"

void hb_tiles_turns(void) {
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
  for (int i = 0; i < HB_PEAK_TURNS; i++)
    __asm__ volatile(SIX SIX : :);
  __asm__ volatile("tilerelease" : :);
}
#endif
