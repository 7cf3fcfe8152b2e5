/* SPDX-License-Identifier: Apache-2.0 */
/* What the control plane remembers: devices, graphs, requests, steps, and the picture that policies see.
 * Every table is sized by the limits and allocated once. */
#ifndef HDI_STATE_H
#define HDI_STATE_H

#include <stdbool.h>
#include "heddle/control.h"
#include "heddle/implement/policy.h"

#define HDI_NONE UINT32_MAX

/* A set of devices: bit d is device d. */
static inline bool hdi_has(uint32_t devices, uint32_t device) {
  return (devices >> device & 1u) != 0;
}

/* ---- devices ---- */

typedef struct hdi_device {
  bool known; /* some event described it */
  uint64_t params[HD_PARAM_COUNT];
  uint32_t used_units;
  uint32_t failures;         /* since its last success */
  uint64_t backoff_until_ns; /* it said AGAIN: nothing goes there before; 0: none */
  uint32_t cost_version; /* counts changes of params: what was computed from older ones is computed again */
  uint32_t correction_q16[HD_PHASE_COUNT]; /* learned: real over expected */
  uint64_t
      lease_rate_q8[HD_PHASE_COUNT]; /* learned: ns a layer and token, one unit wide, times 256; 0: unknown */
  uint32_t candidates;               /* waiting steps that may run here, by their masks */
  uint32_t waiting_of[HD_CLASS_COUNT]; /* waiting steps whose device this is */
  uint32_t eager_of[HD_CLASS_COUNT];   /* those of them for whom nobody was asked to leave yet */
  uint64_t backlog_ns[HD_CLASS_COUNT]; /* their expected ns */
  uint64_t running_ns;                 /* expected ns of what runs, times width */
  uint32_t running_of[HD_CLASS_COUNT];
  uint32_t running_head;           /* steps that run here, newest first */
  uint32_t leases, leases_leaving; /* held here; and of them, asked to leave */
  uint32_t active_now;             /* requests seen in this epoch (see steps.c) */
} hdi_device;

/* ---- graphs ---- */

typedef struct hdi_op {
  uint64_t weight_bytes, flops_per_row;
  uint64_t context_bytes_per_row, context_flops_per_row;
  uint16_t layer_plus_1;
  bool per_output;
  bool known;
} hdi_op;

#define HDI_PIN_NONE 0xffu

typedef struct hdi_graph {
  bool used;
  uint32_t id;
  uint32_t op_base; /* its ops in the pool */
  uint32_t op_count;
  uint32_t layer_count;
  uint64_t border_bytes;
  uint32_t steps; /* alive */
  bool has_split[HD_PHASE_COUNT];
  hd_split split[HD_PHASE_COUNT];
  uint8_t pins[HD_LAYERS_MAX];
} hdi_graph;

/* Size of one run: what an op's cost depends on. */
typedef struct hdi_size {
  uint64_t n_tokens, n_outputs, kv_pos;
} hdi_size;

/* What sums of op costs hold for (cost_sums.c). */
typedef struct hdi_cost_key {
  uint32_t graph; /* slot */
  uint32_t device, device_version;
  uint32_t graphs_version; /* of hd_control; 0: nothing is kept here */
  uint32_t n_tokens, n_outputs;
} hdi_cost_key;

typedef struct hdi_cost_sums {
  hdi_cost_key key;
  bool usable;
  uint64_t *before;    /* ns of the ops before each that do not look back; one entry more than ops */
  uint32_t *next_back; /* first op from each on that looks back; the op count when there is none */
} hdi_cost_sums;

/* Two phases on each of four devices; who uses more computes some sums again. */
enum { HDI_COST_SUMS = 8 };

/* ---- requests and steps ---- */

typedef struct hdi_request {
  uint32_t id;        /* HD_ID_NONE: free slot */
  hd_class own_class; /* as admitted */
  hd_class class_id;  /* in force: that, or of somebody more urgent who waits for it (inherit.c) */
  hd_class wanted;    /* while inherit.c computes it anew */
  bool cancelled;
  uint32_t steps_head;           /* its steps, newest first */
  uint32_t waits_for;            /* slot of the request that it waits for; HDI_NONE */
  uint32_t wait_next, wait_prev; /* list of those that wait */
  uint64_t memory_bytes, deadline_ns;
  uint64_t used_ns;
  uint64_t epoch;                     /* the epoch of active_now; see steps.c */
  uint16_t active_now, active_before; /* bit d: seen on device d in that epoch, in the one before */
} hdi_request;

typedef enum hdi_step_state { HDI_STEP_FREE, HDI_STEP_WAITING, HDI_STEP_RUNNING } hdi_step_state;

typedef struct hdi_step {
  uint32_t id;
  hdi_step_state state;
  bool is_lease;
  bool stop_sent;
  bool asked; /* since it waits, somebody was asked to leave for it */
  hd_class class_id;
  hd_phase phase;
  uint16_t device;   /* where it belongs; while it runs: where */
  uint16_t mask;     /* where it may run */
  uint16_t excluded; /* devices that failed it */
  uint32_t failures;
  uint32_t request; /* slots */
  uint32_t graph;
  uint32_t op_begin, op_end; /* what is left; layers for leases */
  hdi_size size;
  uint64_t raw_ns;                          /* of what is left on `device`, one unit wide, uncorrected */
  uint32_t weighed_device, weighed_version; /* what raw_ns was computed for */
  uint64_t backlog_ns;                      /* what it added to its device's backlog */
  uint64_t device_ns;                       /* all launches so far */
  uint64_t start_ns;                        /* of the launch out now */
  uint64_t stop_ns;                         /* when it was asked to stop, if it was */
  uint64_t ready_seq;
  uint32_t decided; /* serial of the answer that last named it: finds duplicates */
  struct {
    uint32_t op_end, width, count;
    uint64_t raw_ns, expected_ns;
  } launch;
  uint32_t request_next, request_prev; /* the request's list */
  uint32_t running_next, running_prev; /* the device's list */
} hdi_step;

typedef struct hdi_choice {
  uint32_t step; /* slot */
  uint16_t device, width;
} hdi_choice;

struct hd_control {
  hd_host host;
  hd_control_config config;
  const hd_policy_ops *policy, *fallback;
  void *policy_state, *fallback_state;
  size_t policy_bytes, fallback_bytes;
  bool replaced; /* the fallback decides for good */
  uint64_t faults;

  uint64_t now_ns; /* the latest event's; never goes back */
  uint64_t event_t_ns;
  uint32_t seq;
  uint64_t ready_seq;
  uint64_t epoch;

  hdi_device devices[HD_DEVICES_MAX];
  hd_view_device view_devices[HD_DEVICES_MAX];
  hd_view view;
  hdi_graph *graphs; /* HD_GRAPHS_MAX */
  hdi_op *ops;
  uint32_t ops_used;
  uint32_t graphs_version; /* counts changes of ops; at least 1 */
  hdi_cost_sums sums[HDI_COST_SUMS];
  uint32_t sums_ops;  /* ops of the largest graph that fits into one of them */
  uint32_t sums_turn; /* the one that is written next */
  uint64_t *sums_before;
  uint32_t *sums_next_back;
  hdi_request *requests;
  hdi_step *steps;
  hd_waiting *waiting; /* by step slot: what policies see (queue.c) */
  uint32_t waits_head; /* requests that wait for another, newest first */
  uint64_t memory_claimed;
  uint32_t backoffs; /* devices that wait out an AGAIN */
  uint64_t timer_ns; /* the last TIMER; 0: none is out */

  hd_policy_decision *answer;
  hdi_choice *choices;
  uint32_t answer_serial;
  uint8_t *planned; /* the planner's table: layers x devices */
  uint64_t *layer_ns;

  hd_record *decisions;
  uint32_t decision_count, decision_cap;
  hd_control_stats stats;
};

#endif
