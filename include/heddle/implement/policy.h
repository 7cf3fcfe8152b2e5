/* SPDX-License-Identifier: Apache-2.0 */
/* For those who write a policy. A policy is a pure function of (state, view) -> decisions. It sees no clock
 * but view->now_ns, keeps its memory in the state it is given, allocates nothing, calls nothing. The core
 * validates every answer: one wrong decision drops the whole answer, the fallback decides instead, and the
 * trace says so. */
#ifndef HEDDLE_IMPLEMENT_POLICY_H
#define HEDDLE_IMPLEMENT_POLICY_H

#include "heddle/control.h"

#ifdef __cplusplus
extern "C" {
#endif

#define HD_POLICY_ABI 2u

/* No slot: the end of a list of waiting steps. */
#define HD_WAITING_END UINT32_MAX

/* A step or a lease that waits for a device. */
typedef struct hd_waiting {
  uint32_t step;    /* id; HD_ID_NONE: nothing waits in this slot */
  uint32_t request; /* id; slot = id & HD_ID_SLOT_MASK is below limits.max_requests */
  hd_class class_id;
  hd_phase phase;
  uint16_t device;      /* where its split wants it */
  uint16_t device_mask; /* bit d: device d may run it (a fenced device's steps may go elsewhere) */
  uint16_t is_lease;
  uint16_t max_width;   /* units that it can use */
  uint64_t ready_ns;    /* since when it waits */
  uint64_t deadline_ns; /* absolute; 0: none */
  uint64_t expected_ns; /* all that is left of it, on `device`, one unit wide */
  uint64_t used_ns;     /* device time times width that its request has had so far */
  uint64_t order;       /* place in ready order: who has less became ready before */
  uint32_t next,
      previous; /* slots: its neighbours in ready order among those of its device; HD_WAITING_END */
} hd_waiting;

typedef struct hd_view_device {
  hd_device_kind kind;
  hd_device_state state;
  uint32_t capacity;
  uint32_t free_units; /* capacity less what runs; 0 when max_in_flight launches are out */
  uint32_t in_flight;
  uint32_t room;           /* launches that it still takes now; each decision takes one */
  uint32_t waiting;        /* steps whose device it is */
  uint32_t roaming;        /* those of them that may run elsewhere as well */
  uint32_t oldest, newest; /* slots of those steps: the first and the last in ready order; HD_WAITING_END */
  uint32_t active; /* requests with a step or lease on it lately (16 to 33 ms), also those between two steps
                      just now: giving all units to whoever waits alone this instant puts them in a row */
} hd_view_device;

/* The frozen picture. Pointers are valid during the call. Steps that wait for the same device are a list in
 * the order in which they became ready; hd_ready_next walks several devices' lists as one. */
typedef struct hd_view {
  uint32_t size;
  uint64_t now_ns;
  uint32_t device_count;
  const hd_view_device *devices;
  uint32_t waiting_count;
  const hd_waiting *waiting;      /* by slot (id & HD_ID_SLOT_MASK), limits->max_steps of them */
  const hd_class_params *classes; /* HD_CLASS_COUNT */
  const hd_limits *limits;
} hd_view;

typedef struct hd_policy_decision {
  uint32_t step;   /* id of one that waits */
  uint16_t device; /* in its device_mask, READY */
  uint16_t width; /* 1 .. what is free of the device after the decisions before this one, at most max_width */
} hd_policy_decision;

/* A walk through waiting steps in ready order. It goes on when the step that it gave last stops waiting. */
typedef struct hd_ready_walk {
  const hd_view *view;
  uint32_t lists;                /* bit d: something may be left of device d's */
  uint32_t next[HD_DEVICES_MAX]; /* slots */
} hd_ready_walk;

static inline hd_ready_walk hd_ready_begin(const hd_view *view) {
  hd_ready_walk walk;
  walk.view = view;
  walk.lists = 0;
  for (uint32_t d = 0; d < view->device_count; d++) {
    walk.next[d] = view->devices[d].oldest;
    if (walk.next[d] != HD_WAITING_END) walk.lists |= 1u << d;
  }
  return walk;
}

/* The next that may run on one of `devices` (bit d: device d), whether these take something or not; NULL:
 * none is left. Lists of which nothing may run there are not looked at, however long they are. */
static inline const hd_waiting *hd_ready_next(hd_ready_walk *walk, uint32_t devices) {
  const hd_view *view = walk->view;
  for (;;) {
    const hd_waiting *first = NULL;
    for (uint32_t left = walk->lists; left != 0; left &= left - 1) {
      uint32_t d = (uint32_t)__builtin_ctz(left);
      if ((devices & 1u << d) == 0 && view->devices[d].roaming == 0) continue;
      const hd_waiting *step = &view->waiting[walk->next[d]];
      if (first == NULL || step->order < first->order) first = step;
    }
    if (first == NULL) return NULL;
    walk->next[first->device] = first->next;
    if (first->next == HD_WAITING_END) walk->lists &= ~(1u << first->device);
    if ((first->device_mask & devices) != 0) return first;
  }
}

/* What becomes of a waiting step. */
typedef enum hd_waiting_change {
  HD_WAITING_BEGINS,  /* it stands in the view from now on */
  HD_WAITING_CHANGES, /* used_ns or class_id did */
  HD_WAITING_ENDS     /* the last look at it: it runs, moves or is gone */
} hd_waiting_change;

typedef struct hd_policy_ops {
  uint32_t size;           /* sizeof(hd_policy_ops) */
  uint32_t abi;            /* HD_POLICY_ABI */
  const char *name;        /* "fair" */
  const char *description; /* one line: when it is good */
  /* Bytes of state for these limits. NULL: none. */
  size_t (*state_bytes)(const hd_limits *limits);
  /* `state` is zeroed, aligned for any type. NULL: nothing to do. */
  void (*init)(void *state, const hd_limits *limits);
  /* Sees every event after the core has taken it. NULL: needs none. */
  void (*event)(void *state, const hd_view *view, const hd_record *event);
  /* Sees each change of a waiting step, in order and before `event`, so that a policy can keep an order of
   * its own and need not look at all who wait. Of the view only `step` itself, now_ns, classes and limits are
   * settled meanwhile. NULL: needs none. */
  void (*waiting)(void *state, const hd_view *view, const hd_waiting *step, hd_waiting_change change);
  /* Writes up to `cap` decisions and returns how many. */
  uint32_t (*decide)(void *state, const hd_view *view, hd_policy_decision *out_decisions, uint32_t cap);
} hd_policy_ops;

/* The policies in the tree, NULL-terminated; the first is the fallback (policies/builtin.c). */
const hd_policy_ops *const *hd_policies_builtin(void);
/* NULL when the table has no such name. */
const hd_policy_ops *hd_policy_find(const hd_policy_ops *const *policies, const char *name);

#ifdef __cplusplus
}
#endif
#endif
