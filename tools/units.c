/* SPDX-License-Identifier: Apache-2.0 */
/* Quantities for people: the unit that leaves three or four digits. */
#include "units.h"

#include <stdio.h>

/* `value` of the smallest unit, moved up the list while it is at least `step`. The units end with NULL. */
static hdt_quantity scaled(double value, double step, const char *const *units) {
  hdt_quantity out;
  while (value >= step && units[1] != NULL) {
    value /= step;
    units++;
  }
  int digits = value >= 100 || value == 0 ? 0 : value >= 10 ? 1 : 2;
  snprintf(out.text, sizeof(out.text), "%.*f %s", digits, value, *units);
  return out;
}

hdt_quantity hdt_duration(uint64_t ns) {
  static const char *const units[] = {"ns", "µs", "ms", "s", NULL};
  return scaled((double)ns, 1000, units);
}

hdt_quantity hdt_bytes(uint64_t bytes) {
  static const char *const units[] = {"B", "KiB", "MiB", "GiB", "TiB", NULL};
  return scaled((double)bytes, 1024, units);
}

hdt_quantity hdt_energy(uint64_t uj) {
  static const char *const units[] = {"µJ", "mJ", "J", "kJ", NULL};
  return scaled((double)uj, 1000, units);
}

hdt_quantity hdt_power(uint64_t uw) {
  static const char *const units[] = {"µW", "mW", "W", "kW", NULL};
  return scaled((double)uw, 1000, units);
}

hdt_quantity hdt_bytes_per_s(double rate) {
  static const char *const units[] = {"B/s", "kB/s", "MB/s", "GB/s", "TB/s", NULL};
  return scaled(rate, 1000, units);
}

hdt_quantity hdt_flops_per_s(double rate) {
  static const char *const units[] = {"FLOP/s", "kFLOP/s", "MFLOP/s", "GFLOP/s", "TFLOP/s", NULL};
  return scaled(rate, 1000, units);
}

hdt_quantity hdt_rate(double per_second) {
  hdt_quantity out;
  snprintf(out.text, sizeof(out.text), "%.*f",
           per_second >= 10000 ? 0
           : per_second >= 10  ? 1
                               : 2,
           per_second);
  return out;
}

double hdt_per_second(double count, uint64_t ns) {
  return ns == 0 ? 0 : count * 1e9 / (double)ns;
}
