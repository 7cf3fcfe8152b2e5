/* SPDX-License-Identifier: Apache-2.0 */
/* The switch where there is no assembly for it: POSIX.1-2001 contexts. Slow (a system call for the signal
 * mask in each switch, about 190 ns) and absent from musl and bionic, but portable C. */
#include "switch.h"

#include <stddef.h>

void hdi_context_init(hdi_context *context, void *low, void *top, void (*entry)(void)) {
  (void)getcontext(&context->user);
  context->user.uc_stack.ss_sp = low;
  context->user.uc_stack.ss_size = (size_t)((char *)top - (char *)low);
  context->user.uc_link = NULL;
  makecontext(&context->user, entry, 0);
}

void hdi_switch(hdi_context *from, hdi_context *to) {
  (void)swapcontext(&from->user, &to->user);
}
