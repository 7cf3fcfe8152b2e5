/* SPDX-License-Identifier: Apache-2.0 */
/* AMX instructions on a processor that has none: each raises SIGILL, and a handler does in plain C what it
 * would have done. So the kernels run as they are compiled. */
#ifndef HEDDLE_TESTS_KERNELS_TRAPPED_TILES_H
#define HEDDLE_TESTS_KERNELS_TRAPPED_TILES_H

#include <stdint.h>

/* What has been done since trapped_tiles_begin. */
typedef struct trapped_counts {
  uint32_t configured, released, loads, stores, products_int8, products_bf16;
} trapped_counts;

/* From now on in this process, of one thread at a time. */
void trapped_tiles_begin(void);
/* And no longer. */
trapped_counts trapped_tiles_end(void);

#endif
