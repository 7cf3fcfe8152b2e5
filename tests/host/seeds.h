/* SPDX-License-Identifier: Apache-2.0 */
/* Programs that draw what they do from a seed: their options, their loop, and the seed beside whatever goes
 * wrong. Usage of all: PROGRAM [--seed FIRST] [--seconds TIME | --count SEEDS]. */
#ifndef TESTS_SEEDS_H
#define TESTS_SEEDS_H

#include <stdint.h>

/* Plays one seed after the other, `count` of them unless the command line says otherwise; the program's exit
 * status. A failed HOLDS, a sanitizer's report and a seed that takes over two minutes end the program. */
int seeds_main(int argc, char **argv, unsigned count, void (*play)(uint64_t seed));

/* Never 0. xorshift64, G. Marsaglia 2003. */
uint64_t seeds_next(uint64_t *state);
static inline uint32_t seeds_below(uint64_t *state, uint32_t end) {
  return (uint32_t)(seeds_next(state) % end);
}

/* Ends the program, with the seed. Threads: any, in a coroutine too. */
void seeds_fail(const char *what, const char *file, int line);
#define HOLDS(condition) ((condition) ? (void)0 : seeds_fail(#condition, __FILE__, __LINE__))

#endif
