/* SPDX-License-Identifier: Apache-2.0 */
/* Products of bytes and of BF16 in AMX tiles, for peak.c. */
#ifndef HB_TILES_H
#define HB_TILES_H

#define HB_PEAK_SUMS  12
#define HB_PEAK_TURNS 2000000

/* Of one instruction: 16 x 16 sums of 64 products of bytes, or of 32 of BF16. */
#define HB_TILES_OPERATIONS      (2.0 * 16 * 16 * 64)
#define HB_TILES_BF16_OPERATIONS (2.0 * 16 * 16 * 32)

/* This CPU has products of bytes (of BF16) in tiles, and the kernel lends these to the process, which is
 * asked now. */
int hb_tiles_lent(void);
int hb_tiles_bf16_lent(void);
/* HB_PEAK_SUMS instructions, HB_PEAK_TURNS times. */
void hb_tiles_turns(void);
void hb_tiles_bf16_turns(void);

#endif
