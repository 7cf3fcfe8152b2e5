/* SPDX-License-Identifier: Apache-2.0 */
/* Products of bytes in AMX tiles, for peak.c. */
#ifndef HB_TILES_H
#define HB_TILES_H

#define HB_PEAK_SUMS  12
#define HB_PEAK_TURNS 2000000

/* Of one instruction: 16 x 16 sums of 64 products. */
#define HB_TILES_OPERATIONS (2.0 * 16 * 16 * 64)

/* This CPU has them and the kernel lends them to the process, which is asked now. */
int hb_tiles_lent(void);
/* HB_PEAK_SUMS instructions, HB_PEAK_TURNS times. */
void hb_tiles_turns(void);

#endif
