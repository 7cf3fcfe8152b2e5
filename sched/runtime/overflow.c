/* SPDX-License-Identifier: Apache-2.0 */
/* Finding the coroutine whose stack overflowed, from inside a signal handler: nothing is locked or called. */
#include "overflow.h"

#include <unistd.h>

_Static_assert(offsetof(hd_coro, flow) == 0, "a coroutine is found by its flow");

static bool is_in_guard(const hd_coro *coro, size_t page_bytes, uintptr_t address) {
  uintptr_t low = (uintptr_t)coro->stack.low;
  return address < low && low - address <= page_bytes;
}

bool hd_overflow_find(const void *fault_address, hd_overflow *out_overflow) {
  const hdi_worker *worker = hdi_this_worker;
  if (worker == NULL || out_overflow == NULL) return false;
  const hdi_stack_pool *pool = &worker->runtime->stacks;
  const hd_coro *coro = worker->current;
  if (coro == NULL || !is_in_guard(coro, pool->page_bytes, (uintptr_t)fault_address)) {
    /* In the middle of a switch it is the one that is being left: one of those that live. */
    coro = worker->newest;
    while (coro != NULL && !is_in_guard(coro, pool->page_bytes, (uintptr_t)fault_address)) {
      coro = coro->older;
    }
  }
  if (coro == NULL) return false;
  *out_overflow = (hd_overflow){.coroutine = coro->name, .stack_bytes = pool->stack_bytes};
  return true;
}

/* ---- a stack for the handler ---- */

uint32_t hdi_signal_stack_bytes(uint32_t asked) {
#if defined(_SC_SIGSTKSZ)
  long least = sysconf(_SC_SIGSTKSZ); /* with the vector registers that this processor has */
#else
  long least = SIGSTKSZ;
#endif
  return asked == 0 || least <= 0 || asked >= (uint32_t)least ? asked : (uint32_t)least;
}

void hdi_signal_stack_enter(hdi_worker *worker, stack_t *out_before) {
  *out_before = (stack_t){.ss_flags = SS_DISABLE};
  if (worker->signal_stack == NULL) return;
  stack_t own = {.ss_sp = worker->signal_stack, .ss_size = worker->runtime->config.signal_stack_bytes};
  (void)sigaltstack(&own, out_before);
}

void hdi_signal_stack_leave(hdi_worker *worker, const stack_t *before) {
  if (worker->signal_stack != NULL) (void)sigaltstack(before, NULL);
}
