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

/* A flow: a context with what the tools know about it. */
typedef struct hdi_flow {
  hdi_context context;
#if defined(HDI_ASAN)
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
#if defined(HDI_TSAN)
  flow->fiber = __tsan_get_current_fiber();
#else
  (void)flow;
#endif
}

/* A fresh flow on [low, top), which may have been another's before. */
static inline void hdi_flow_init(hdi_flow *flow, void *low, void *top, void (*entry)(void)) {
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

/* On arrival in `self`; `left` is the flow that was left for it. */
static inline void hdi_flow_land(hdi_flow *self, hdi_flow *left) {
#if defined(HDI_ASAN)
  __sanitizer_finish_switch_fiber(self->fake_stack, &left->bottom, &left->bytes);
#endif
  (void)self;
  (void)left;
}

/* Leaves `from` for `to`; the other side calls hdi_flow_land. `ends`: nobody will come back to `from`. */
static inline void hdi_flow_leave(hdi_flow *from, hdi_flow *to, bool ends) {
#if defined(HDI_ASAN)
  __sanitizer_start_switch_fiber(ends ? NULL : &from->fake_stack, to->bottom, to->bytes);
#endif
#if defined(HDI_TSAN)
  __tsan_switch_to_fiber(to->fiber, 0);
#endif
  (void)ends;
  hdi_switch(&from->context, &to->context);
}

#endif
