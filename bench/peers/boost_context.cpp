/* SPDX-License-Identifier: Apache-2.0 */
/* Boost.Context: its switch alone, without a run queue, between the thread and a fiber; and what its fibers
 * weigh. */
#include <cfenv>
#include <vector>

#include <boost/context/fiber.hpp>
#include <boost/context/pooled_fixedsize_stack.hpp>
#include <boost/context/protected_fixedsize_stack.hpp>

#include "bench/harness/harness.h"

namespace {

namespace ctx = boost::context;

const char who[] = "boost";
const int yields = 1000, lives = 100, parked = 10000, depth = 4;

__attribute__((noinline)) void yield_below(ctx::fiber &caller, int frames) {
  if (frames == 0) {
    caller = std::move(caller).resume();
  } else {
    yield_below(caller, frames - 1);
  }
  asm volatile("" ::: "memory");
}

/* There and back are two switches. */
void measure_switch(hb_run *run, int frames) {
  bool over = false;
  ctx::fiber fiber([&](ctx::fiber &&caller) {
    std::feclearexcept(FE_ALL_EXCEPT);
    while (!over)
      yield_below(caller, frames);
    return std::move(caller);
  });
  fiber = std::move(fiber).resume();
  hb_batches batches;
  hb_batches_begin(&batches, run, 2.0 * yields);
  while (hb_batches_next(&batches)) {
    if (frames > 0) { /* the sticky "inexact" flag, as numeric code leaves it behind */
      volatile double third = 1.0;
      third = third / 3.0;
    }
    for (int i = 0; i < yields; i++)
      fiber = std::move(fiber).resume();
  }
  over = true;
  fiber = std::move(fiber).resume();
  hb_batches_say(&batches, who);
}

void yield(hb_run *run) {
  measure_switch(run, 0);
}

void yield_deep(hb_run *run) {
  measure_switch(run, depth);
}

void coroutine_life(hb_run *run) {
  ctx::pooled_fixedsize_stack pool(64 * 1024);
  hb_batches batches;
  hb_batches_begin(&batches, run, lives);
  while (hb_batches_next(&batches)) {
    for (int i = 0; i < lives; i++) {
      ctx::fiber fiber(std::allocator_arg, pool, [](ctx::fiber &&caller) { return std::move(caller); });
      fiber = std::move(fiber).resume();
    }
  }
  hb_batches_say(&batches, who);
}

void parked_bytes(hb_run *run) {
  std::vector<ctx::fiber> fibers;
  fibers.reserve(parked);
  const uint64_t before = hb_memory_bytes();
  for (int i = 0; i < parked; i++) {
    ctx::fiber fiber(std::allocator_arg, ctx::protected_fixedsize_stack(64 * 1024), [](ctx::fiber &&caller) {
      caller = std::move(caller).resume();
      return std::move(caller);
    });
    fibers.push_back(std::move(fiber).resume());
  }
  hb_say(run, who, static_cast<double>(hb_memory_bytes() - before) / parked, "bytes", -1);
}

const hb_figure figures[] = {{"yield", 1, yield},
                             {"yield_deep", 1, yield_deep},
                             {"coroutine_life", 1, coroutine_life},
                             {"parked_bytes", 1, parked_bytes},
                             {nullptr, 0, nullptr}};

} // namespace

int main(int argc, char **argv) {
  static const hb_program program = {who, figures};
  return hb_program_main(&program, argc, argv);
}
