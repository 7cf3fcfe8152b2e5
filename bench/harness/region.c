/* SPDX-License-Identifier: Apache-2.0 */
/* The chunk, how long it takes alone, and regions made of it. */
#include "region.h"

#include <string.h>

#define CHUNK_NS 10000.0

/* Steps of a chunk; set before the first region, read by all threads after it. */
static uint64_t chunk_steps = 1000;

void hb_chunk(void) {
  uint64_t x = 1;
  for (uint64_t i = 0; i < chunk_steps; i++) {
    x = x * 6364136223846793005u + 1442695040888963407u; /* Knuth's MMIX generator: one after the other */
    __asm__ volatile("" : "+r"(x));
  }
}

/* Regions between two looks at the chunk alone: the machine's speed changes while a run lasts. */
#define REGIONS_A_LOOK 8u

static double timed(void (*fn)(void *arg), void *arg) {
  uint64_t begin_ns = hb_now_ns();
  fn(arg);
  return (double)(hb_now_ns() - begin_ns);
}

static void one_chunk(void *arg) {
  (void)arg;
  hb_chunk();
}

/* Makes a chunk about CHUNK_NS long. The least of many: what disturbs only adds. */
static void calibrate(void) {
  double least = timed(one_chunk, NULL);
  for (int i = 0; i < 200; i++) {
    double ns = timed(one_chunk, NULL);
    if (ns < least) least = ns;
  }
  chunk_steps = (uint64_t)((double)chunk_steps * CHUNK_NS / least);
}

void hb_region_measure(hb_run *run, const char *who, void (*region)(void *arg), void *arg) {
  bool tail = strcmp(run->figure, "region_p99") == 0;
  hb_samples regions, alone;
  calibrate();
  hb_samples_init(&regions);
  hb_samples_init(&alone);
  for (int i = 0; i < 20; i++)
    region(arg);
  /* Twice the budget: a 99th of a hundred needs some thousand. */
  uint64_t stop_ns = hb_now_ns() + 2 * run->budget_ns;
  for (uint32_t i = 0; i < REGIONS_A_LOOK || hb_now_ns() < stop_ns; i++) {
    hb_samples_add(&regions, timed(region, arg));
    if (i % REGIONS_A_LOOK == 0) hb_samples_add(&alone, timed(one_chunk, NULL));
  }
  double ns = hb_samples_at(&regions, tail ? 0.99 : 0.5) - hb_samples_at(&alone, 0.5);
  hb_say(run, who, ns, "ns", -1);
  hb_samples_finish(&regions);
  hb_samples_finish(&alone);
}

static void in_a_row(void *arg) {
  const uint32_t *chunks = arg;
  for (uint32_t i = 0; i < *chunks; i++)
    hb_chunk();
}

void hb_region_crowded(hb_run *run, const char *who, uint32_t chunks, void (*region)(void *arg), void *arg) {
  hb_samples regions, serial;
  calibrate();
  hb_samples_init(&regions);
  hb_samples_init(&serial);
  uint64_t stop_ns = hb_now_ns() + 2 * run->budget_ns;
  for (uint32_t i = 0; i < REGIONS_A_LOOK || hb_now_ns() < stop_ns; i++) {
    hb_samples_add(&regions, timed(region, arg));
    if (i % REGIONS_A_LOOK == 0) hb_samples_add(&serial, timed(in_a_row, &chunks));
  }
  hb_say(run, who, hb_samples_at(&regions, 0.5), "ns", -1);
  hb_say(run, "serial", hb_samples_at(&serial, 0.5), "ns", -1);
  hb_samples_finish(&regions);
  hb_samples_finish(&serial);
}
