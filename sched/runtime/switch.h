/* SPDX-License-Identifier: Apache-2.0 */
/* Saving one flow of execution and continuing another. Implemented by switch_<machine>.S or
 * switch_ucontext.c.
 *
 * The assembly saves what a call preserves (System V AMD64 ABI 3.2.1; AAPCS64 6.1) and leaves with `ret` from
 * one place, so that the return-stack predictor stays balanced. Floating-point *control* bits (rounding,
 * flush to zero) belong to the flow and are loaded only when they differ; sticky status bits are left alone,
 * because loading a changed MXCSR status costs ~58 ns where comparing costs ~1 ns. */
#ifndef HDI_RUNTIME_SWITCH_H
#define HDI_RUNTIME_SWITCH_H

#if defined(HDI_SWITCH_UCONTEXT)
#include <ucontext.h>
typedef struct hdi_context {
  ucontext_t user;
} hdi_context;
#else
typedef struct hdi_context {
  void *sp; /* everything else lies on the stack it points to */
} hdi_context;
#endif

/* Prepares `context` so that the first switch to it calls entry() on the stack [low, top). `entry` never
 * returns. Floating-point control bits are those of the calling thread. `top` is 16-byte aligned. */
void hdi_context_init(hdi_context *context, void *low, void *top, void (*entry)(void));

/* Saves the caller in `from` and continues `to`; returns when somebody switches back to `from`. */
void hdi_switch(hdi_context *from, hdi_context *to);

#if !defined(HDI_SWITCH_UCONTEXT)
struct hdi_worker;
struct hd_coro;

/* The same, and calls then(worker, coro) in between: on the stack of `to`, when all of `from` is saved. */
void hdi_switch_then(hdi_context *from, hdi_context *to,
                     void (*then)(struct hdi_worker *worker, struct hd_coro *coro), struct hdi_worker *worker,
                     struct hd_coro *coro);
#endif

#endif
