/* SPDX-License-Identifier: Apache-2.0 */
/* What a host's handler of SIGSEGV needs: a stack to run on and, by hd_overflow_find, whose guard it was. */
#ifndef HDI_RUNTIME_OVERFLOW_H
#define HDI_RUNTIME_OVERFLOW_H

#include "state.h"

#include <signal.h>

/* What a signal stack of `asked` bytes takes: at least what the kernel stores at a signal and a handler needs
 * beside it. 0 stays 0. */
uint32_t hdi_signal_stack_bytes(uint32_t asked);

/* Gives the calling thread the worker's signal stack, if there is one, and takes it away again: what was
 * there before is somebody else's (a sanitizer's). */
void hdi_signal_stack_enter(hdi_worker *worker, stack_t *out_before);
void hdi_signal_stack_leave(hdi_worker *worker, const stack_t *before);

#endif
