/* SPDX-License-Identifier: Apache-2.0 */
/* What AddressSanitizer, ThreadSanitizer and valgrind must be told about flows that leave their thread's
 * stack. All of it is nothing in a plain build. Source: sanitizer/common_interface_defs.h, tsan_interface.h,
 * valgrind.h. */
#ifndef HDI_RUNTIME_SANITIZER_H
#define HDI_RUNTIME_SANITIZER_H

#include "switch.h"

#include <stdbool.h>
#include <stddef.h>

#if defined(__has_feature)
#if __has_feature(address_sanitizer)
#define HDI_ASAN 1
#endif
#if __has_feature(thread_sanitizer)
#define HDI_TSAN 1
#endif
#if __has_feature(shadow_call_stack)
#error "heddle's coroutines share one shadow call stack (x18): build without -fsanitize=shadow-call-stack"
#endif
#endif
#if defined(__SANITIZE_ADDRESS__) && !defined(HDI_ASAN)
#define HDI_ASAN 1
#endif
#if defined(__SANITIZE_THREAD__) && !defined(HDI_TSAN)
#define HDI_TSAN 1
#endif

#if defined(HDI_ASAN)
#include <sanitizer/asan_interface.h>
#include <sanitizer/common_interface_defs.h>
#endif
#if defined(HDI_TSAN)
#include <sanitizer/tsan_interface.h>
#endif
#if defined(HDI_VALGRIND)
#include <valgrind/valgrind.h>
#endif

/* AddressSanitizer wants to hear of the arrival before anything else runs there, and contexts of POSIX run
 * nothing in between: with them the flow that arrives makes the call that the switch makes elsewhere. */
#if defined(HDI_ASAN) || defined(HDI_SWITCH_UCONTEXT)
#define HDI_LATE_CALL 1
#endif

struct hdi_worker;
struct hd_coro;
typedef void hdi_then(struct hdi_worker *worker, struct hd_coro *coro);

/* A flow: a context with what the tools know about it. */
typedef struct hdi_flow {
  hdi_context context;
#if defined(HDI_LATE_CALL)
  hdi_then *then; /* to be called on arrival */
  struct hdi_worker *worker;
  struct hd_coro *coro;
#endif
#if defined(HDI_ASAN)
  struct hdi_flow *came_from;
  void *fake_stack;
  const void *bottom;
  size_t bytes;
#endif
#if defined(HDI_TSAN)
  void *fiber;
#endif
#if defined(HDI_VALGRIND)
  unsigned stack_id;
#endif
} hdi_flow;

/* The flow that the thread itself brings (a worker's loop). */
static inline void hdi_flow_of_thread(hdi_flow *flow) {
#if defined(HDI_LATE_CALL)
  flow->then = NULL;
#endif
#if defined(HDI_TSAN)
  flow->fiber = __tsan_get_current_fiber();
#else
  (void)flow;
#endif
}

/* A fresh flow on [low, top), which may have been another's before. */
static inline void hdi_flow_init(hdi_flow *flow, void *low, void *top, void (*entry)(void)) {
#if defined(HDI_LATE_CALL)
  flow->then = NULL;
#endif
#if defined(HDI_ASAN)
  flow->fake_stack = NULL;
  flow->bottom = low;
  flow->bytes = (size_t)((char *)top - (char *)low);
#endif
#if defined(HDI_TSAN)
  flow->fiber = __tsan_create_fiber(0);
#endif
#if defined(HDI_VALGRIND)
  flow->stack_id = (unsigned)VALGRIND_STACK_REGISTER(low, (char *)top - 1);
#endif
  hdi_context_init(&flow->context, low, top, entry);
}

/* After its last switch, seen from another flow. Frames that never returned left poison behind. */
static inline void hdi_flow_finish(hdi_flow *flow) {
#if defined(HDI_ASAN)
  __asan_unpoison_memory_region(flow->bottom, flow->bytes);
#endif
#if defined(HDI_TSAN)
  __tsan_destroy_fiber(flow->fiber);
#endif
#if defined(HDI_VALGRIND)
  VALGRIND_STACK_DEREGISTER(flow->stack_id);
#endif
  (void)flow;
}

/* On arrival in `self`, in its first frame or after hdi_flow_leave. */
static inline void hdi_flow_land(hdi_flow *self) {
#if defined(HDI_ASAN)
  __sanitizer_finish_switch_fiber(self->fake_stack, &self->came_from->bottom, &self->came_from->bytes);
#endif
#if defined(HDI_LATE_CALL)
  hdi_then *then = self->then;
  self->then = NULL;
  if (then != NULL) then(self->worker, self->coro);
#endif
  (void)self;
}

static inline void hdi_flow_tell(hdi_flow *from, hdi_flow *to, bool ends) {
#if defined(HDI_ASAN)
  to->came_from = from;
  __sanitizer_start_switch_fiber(ends ? NULL : &from->fake_stack, to->bottom, to->bytes);
#endif
#if defined(HDI_TSAN)
  __tsan_switch_to_fiber(to->fiber, 0);
#endif
  (void)from, (void)to, (void)ends;
}

/* Leaves `from` for `to`; returns when somebody comes back. */
static inline void hdi_flow_leave(hdi_flow *from, hdi_flow *to) {
  hdi_flow_tell(from, to, false);
  hdi_switch(&from->context, &to->context);
  hdi_flow_land(from);
}

/* The same, and when `from` is saved then(worker, coro) is called on the other side, before anything else.
 * `ends`: nobody will come back. */
static inline void hdi_flow_leave_then(hdi_flow *from, hdi_flow *to, bool ends, hdi_then *then,
                                       struct hdi_worker *worker, struct hd_coro *coro) {
#if defined(HDI_LATE_CALL)
  to->then = then;
  to->worker = worker;
  to->coro = coro;
  hdi_flow_tell(from, to, ends);
  hdi_switch(&from->context, &to->context);
#else
  hdi_flow_tell(from, to, ends);
  hdi_switch_then(&from->context, &to->context, then, worker, coro);
#endif
  hdi_flow_land(from);
}

#endif
