/* SPDX-License-Identifier: Apache-2.0 */
/* How fast threads read memory. */
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include "bench/machine/machine.h"

/* Sixteen registers of four cache lines each time round; what the compiler makes of it is as fast as the
 * memory on every machine seen. */
typedef uint64_t words __attribute__((vector_size(64)));

typedef struct reader {
  pthread_t thread;
  const words *at;
  size_t count;
  words sum;
} reader;

static inline __attribute__((always_inline)) void sum_words(const words *at, size_t count, words *out) {
  words s[4] = {*out};
  for (size_t i = 0; i + 4 <= count; i += 4) {
    __builtin_prefetch((const char *)(at + i) + 4096);
    for (size_t k = 0; k < 4; k++)
      s[k] ^= at[i + k];
  }
  *out = s[0] ^ s[1] ^ s[2] ^ s[3];
}

/* Chosen by hand: target_clones chooses while the program is loaded, before a sanitizer has begun. */
#if defined(__x86_64__)
__attribute__((target("avx512f"))) static void sum_words_avx512(const words *at, size_t count, words *out) {
  sum_words(at, count, out);
}

__attribute__((target("avx2"))) static void sum_words_avx2(const words *at, size_t count, words *out) {
  sum_words(at, count, out);
}

static void sum_words_best(const words *at, size_t count, words *out) {
  if (__builtin_cpu_supports("avx512f"))
    sum_words_avx512(at, count, out);
  else if (__builtin_cpu_supports("avx2"))
    sum_words_avx2(at, count, out);
  else
    sum_words(at, count, out);
}
#else
static void sum_words_best(const words *at, size_t count, words *out) {
  sum_words(at, count, out);
}
#endif

static void *read_share(void *arg) {
  reader *r = arg;
  sum_words_best(r->at, r->count, &r->sum);
  return NULL;
}

static double now_ns(void) {
  struct timespec ts;
  clock_gettime(CLOCK_MONOTONIC, &ts);
  return (double)ts.tv_sec * 1e9 + (double)ts.tv_nsec;
}

static double pass(const words *buffer, size_t count, uint32_t threads) {
  reader readers[HB_MACHINE_THREADS_MAX];
  uint32_t started = 1;
  double begin = now_ns();
  for (uint32_t i = 0; i < threads; i++)
    readers[i] = (reader){.at = buffer + count / threads * i, .count = count / threads};
  while (started < threads &&
         pthread_create(&readers[started].thread, NULL, read_share, &readers[started]) == 0)
    started++;
  read_share(&readers[0]);
  for (uint32_t i = 1; i < started; i++)
    pthread_join(readers[i].thread, NULL);
  double ns = now_ns() - begin;
  for (uint32_t i = 0; i < started; i++) /* the sums are wanted, for all the compiler knows */
    __asm__ volatile("" : : "m"(readers[i].sum));
  return (double)(count / threads * started * sizeof(words)) / ns;
}

double hb_machine_read(uint32_t threads, size_t bytes) {
  words *buffer = aligned_alloc(sizeof *buffer, bytes / sizeof *buffer * sizeof *buffer);
  double best = 0.0;
  if (!buffer) return 0.0;
  if (threads < 1) threads = 1;
  if (threads > HB_MACHINE_THREADS_MAX) threads = HB_MACHINE_THREADS_MAX;
  memset(buffer, 1, bytes / sizeof *buffer * sizeof *buffer);
  for (int round = 0; round < 5; round++) {
    double rate = pass(buffer, bytes / sizeof *buffer, threads);
    best = rate > best ? rate : best;
  }
  free(buffer);
  return best;
}
