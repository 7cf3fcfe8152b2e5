/* SPDX-License-Identifier: Apache-2.0 */
/* Quantities for people: the unit that leaves three or four digits. */
#ifndef HEDDLE_TOOLS_UNITS_H
#define HEDDLE_TOOLS_UNITS_H

#include <stddef.h>
#include <stdint.h>

/* Room for any of these texts. */
typedef struct hdt_quantity {
  char text[32];
} hdt_quantity;

hdt_quantity hdt_duration(uint64_t ns);    /* "12.3 ms" */
hdt_quantity hdt_bytes(uint64_t bytes);    /* "3.27 MiB" */
hdt_quantity hdt_energy(uint64_t uj);      /* "84.1 mJ" */
hdt_quantity hdt_power(uint64_t uw);       /* "1.50 W" */
hdt_quantity hdt_bytes_per_s(double rate); /* "10.5 GB/s" */
hdt_quantity hdt_flops_per_s(double rate); /* "40.0 GFLOP/s" */
hdt_quantity hdt_rate(double per_second);  /* "512.3", "48100" */

/* Events per second; 0 when no time passed. */
double hdt_per_second(double count, uint64_t ns);

#endif
