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

static double chunk_ns(double rank) {
  hb_samples samples;
  hb_samples_init(&samples);
  for (int i = 0; i < 200; i++) {
    uint64_t begin_ns = hb_now_ns();
    hb_chunk();
    hb_samples_add(&samples, (double)(hb_now_ns() - begin_ns));
  }
  double ns = hb_samples_at(&samples, rank);
  hb_samples_finish(&samples);
  return ns;
}

void hb_region_measure(hb_run *run, const char *who, void (*region)(void *arg), void *arg) {
  bool tail = strcmp(run->figure, "region_p99") == 0;
  hb_samples samples;
  chunk_steps = (uint64_t)(1000 * CHUNK_NS / chunk_ns(0));
  double alone_ns = chunk_ns(0.5);
  hb_samples_init(&samples);
  for (int i = 0; i < 20; i++)
    region(arg);
  /* Twice the budget: a 99th of a hundred needs some thousand. */
  uint64_t stop_ns = hb_now_ns() + 2 * run->budget_ns;
  uint64_t begin_ns = hb_now_ns();
  while (begin_ns < stop_ns) {
    region(arg);
    uint64_t end_ns = hb_now_ns();
    hb_samples_add(&samples, (double)(end_ns - begin_ns) - alone_ns);
    begin_ns = end_ns;
  }
  hb_say(run, who, hb_samples_at(&samples, tail ? 0.99 : 0.5), "ns", -1);
  hb_samples_finish(&samples);
}
