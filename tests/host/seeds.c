/* SPDX-License-Identifier: Apache-2.0 */
/* Knows which seed is played, and says so when it matters. */
#include "seeds.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define PATIENCE_S 120u

static char said[160]; /* made before the seed is played: a signal may come at any time */

static void say_seed(void) {
  ssize_t written = write(STDERR_FILENO, said, strlen(said));
  (void)written;
}

/* The sanitizers call these when they have found something. */
void __tsan_on_report(void *report);
void __tsan_on_report(void *report) {
  (void)report;
  say_seed();
}

void __asan_on_error(void);
void __asan_on_error(void) {
  say_seed();
}

static void give_up(int signal_number) {
  say_seed();
  (void)signal(signal_number, SIG_DFL);
  (void)raise(signal_number);
}

void seeds_fail(const char *what, const char *file, int line) {
  (void)fprintf(stderr, "%s:%d: does not hold: %s\n", file, line, what);
  abort(); /* give_up says the seed */
}

uint64_t seeds_next(uint64_t *state) {
  *state ^= *state << 13;
  *state ^= *state >> 7;
  *state ^= *state << 17;
  return *state;
}

static uint64_t now_s(void) {
  struct timespec now;
  (void)clock_gettime(CLOCK_MONOTONIC, &now);
  return (uint64_t)now.tv_sec;
}

static uint64_t number_of(const char *text, const char *program) {
  char *end = NULL;
  unsigned long long number = text == NULL ? 0 : strtoull(text, &end, 10);
  if (text == NULL || end == text || *end != '\0') {
    (void)fprintf(stderr, "usage: %s [--seed FIRST] [--seconds TIME | --count SEEDS]\n", program);
    exit(2);
  }
  return number;
}

int seeds_main(int argc, char **argv, unsigned count, void (*play)(uint64_t seed)) {
  uint64_t first = 1, seeds = count, seconds = 0;
  for (int i = 1; i < argc; i += 2) {
    uint64_t number = number_of(argv[i + 1], argv[0]);
    if (strcmp(argv[i], "--seed") == 0)
      first = number;
    else if (strcmp(argv[i], "--count") == 0)
      seeds = number;
    else if (strcmp(argv[i], "--seconds") == 0)
      seconds = number;
    else
      (void)number_of(NULL, argv[0]);
  }
  (void)signal(SIGALRM, give_up);
  (void)signal(SIGABRT, give_up);
  uint64_t begin_s = now_s(), seed = first;
  while (seconds > 0 ? now_s() - begin_s < seconds : seed - first < seeds) {
    (void)snprintf(said, sizeof said, "\n%s: this was --seed %llu --count 1\n", argv[0],
                   (unsigned long long)seed);
    (void)alarm(PATIENCE_S);
    play(seed++);
  }
  (void)printf("%s: %llu seeds from %llu on, in %llu s\n", argv[0], (unsigned long long)(seed - first),
               (unsigned long long)first, (unsigned long long)(now_s() - begin_s));
  return 0;
}
