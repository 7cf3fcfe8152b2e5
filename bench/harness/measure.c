/* SPDX-License-Identifier: Apache-2.0 */
/* Clocks, counters and samples of a measurement. */
#include "harness.h"

#include <linux/perf_event.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#define SAMPLES_MAX (1u << 15)

/* Batches that warm caches, predictors and pools up. */
#define WARM_BATCHES 3u

/* A median of fewer says nothing, whatever the budget. */
#define LEAST_BATCHES 9u

uint64_t hb_now_ns(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

void hb_samples_init(hb_samples *samples) {
  samples->values = malloc(SAMPLES_MAX * sizeof *samples->values);
  samples->count = 0;
}

void hb_samples_add(hb_samples *samples, double value) {
  if (samples->values != NULL && samples->count < SAMPLES_MAX) samples->values[samples->count++] = value;
}

static int by_size(const void *a, const void *b) {
  double x = *(const double *)a, y = *(const double *)b;
  return (x > y) - (x < y);
}

double hb_samples_at(hb_samples *samples, double rank) {
  if (samples->count == 0) return 0;
  qsort(samples->values, samples->count, sizeof *samples->values, by_size);
  return samples->values[(uint32_t)(rank * (samples->count - 1) + 0.5)];
}

void hb_samples_finish(hb_samples *samples) {
  free(samples->values);
  samples->values = NULL;
}

/* Counts what the calling thread retires in user space. Source: perf_event_open(2). -1: refused, or no such
 * counter, as in most virtual machines. */
static int open_counter(void) {
  struct perf_event_attr attr;
  memset(&attr, 0, sizeof attr);
  attr.size = sizeof attr;
  attr.type = PERF_TYPE_HARDWARE;
  attr.config = PERF_COUNT_HW_INSTRUCTIONS;
  attr.exclude_kernel = 1;
  attr.exclude_hv = 1;
  return (int)syscall(SYS_perf_event_open, &attr, 0, -1, -1, 0);
}

bool hb_counts_instructions(void) {
  int counter = open_counter();
  if (counter >= 0) close(counter);
  return counter >= 0;
}

static uint64_t counted(const hb_batches *batches) {
  uint64_t value = 0;
  if (batches->counter >= 0 && read(batches->counter, &value, sizeof value) != (ssize_t)sizeof value)
    return 0;
  return value;
}

void hb_batches_begin(hb_batches *batches, hb_run *run, double ops) {
  memset(batches, 0, sizeof *batches);
  batches->run = run;
  batches->ops = ops;
  batches->counter = open_counter();
  batches->steps = -1;
  hb_samples_init(&batches->samples);
  hb_samples_init(&batches->instructions);
  batches->stop_ns = hb_now_ns() + run->budget_ns;
}

bool hb_batches_next(hb_batches *batches) {
  uint64_t now_ns = hb_now_ns();
  if (batches->made > WARM_BATCHES) {
    hb_samples_add(&batches->samples, (double)(now_ns - batches->begin_ns) / batches->ops);
    if (batches->counter >= 0) {
      hb_samples_add(&batches->instructions,
                     (double)(counted(batches) - batches->count_begin) / batches->ops);
    }
  }
  if (batches->made > WARM_BATCHES + LEAST_BATCHES && now_ns >= batches->stop_ns) return false;
  batches->made++;
  batches->count_begin = counted(batches);
  batches->begin_ns = hb_now_ns();
  return true;
}

void hb_batches_say(hb_batches *batches, const char *who) {
  double instructions = batches->counter >= 0 ? hb_samples_at(&batches->instructions, 0.5) : batches->steps;
  hb_say(batches->run, who, hb_samples_at(&batches->samples, 0.5), "ns", instructions);
  if (batches->counter >= 0) close(batches->counter);
  hb_samples_finish(&batches->samples);
  hb_samples_finish(&batches->instructions);
}

uint64_t hb_memory_bytes(void) {
  FILE *status = fopen("/proc/self/status", "re");
  char line[256];
  uint64_t total = 0;
  if (status == NULL) return 0;
  while (fgets(line, sizeof line, status) != NULL) {
    if (strncmp(line, "VmRSS:", 6) == 0 || strncmp(line, "VmPTE:", 6) == 0)
      total += strtoull(line + 6, NULL, 10) * 1024;
  }
  fclose(status);
  return total;
}
