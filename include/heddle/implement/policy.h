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

#define HD_POLICY_ABI 1u

/* A step or a lease that waits for a device. */
typedef struct hd_waiting {
  uint32_t step;    /* id */
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
} hd_waiting;

typedef struct hd_view_device {
  hd_device_kind kind;
  hd_device_state state;
  uint32_t capacity;
  uint32_t free_units; /* capacity less what runs; 0 when max_in_flight launches are out */
  uint32_t in_flight;
  uint32_t room;    /* launches that it still takes now; each decision takes one */
  uint32_t waiting; /* steps whose device it is */
  uint32_t active;  /* requests with a step or lease on it lately (16 to 33 ms), also those between two steps
                       just now: giving all units to whoever waits alone this instant puts them in a row */
} hd_view_device;

/* The frozen picture. Pointers are valid during the call. Waiting steps stand in the order in which they
 * became ready; that order is part of the contract. */
typedef struct hd_view {
  uint32_t size;
  uint64_t now_ns;
  uint32_t device_count;
  const hd_view_device *devices;
  uint32_t waiting_count;
  const hd_waiting *waiting;
  const hd_class_params *classes; /* HD_CLASS_COUNT */
  const hd_limits *limits;
} hd_view;

typedef struct hd_policy_decision {
  uint32_t waiting_index; /* which of view->waiting */
  uint16_t device;        /* in its device_mask, READY */
  uint16_t width; /* 1 .. what is free of the device after the decisions before this one, at most max_width */
} hd_policy_decision;

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
