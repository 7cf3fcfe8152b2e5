/* SPDX-License-Identifier: Apache-2.0 */
/* The one record: what happened and what was decided, 40 bytes each.
 *
 * The control plane eats event records and answers with decision records; the trace is those same bytes in
 * order. So a trace replays by feeding its events to a new control plane and comparing the decisions byte by
 * byte. */
#ifndef HEDDLE_RECORD_H
#define HEDDLE_RECORD_H

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct hd_record {
  uint64_t t_ns; /* host clock when it happened; a decision carries the time of the event that caused it */
  uint32_t seq;  /* order in the control plane, from 1; 0 for information that the control plane never saw */
  uint16_t kind; /* hd_record_kind */
  uint16_t device;  /* device index, or as the kind says; HD_RECORD_NO_DEVICE */
  uint32_t request; /* request id, or as the kind says */
  uint32_t step;    /* step or lease id, or as the kind says */
  uint64_t a, b;    /* as the kind says; packed fields go through the functions below */
} hd_record;

#define HD_RECORD_NO_DEVICE 0xffffu

/* Kinds: 1.. are events, 64.. decisions, 128.. information. Numbers are part of the file format: append only.
 * "x:lo..hi" is a bit range. Times are ns, energies uJ, statuses are stored negated. */
typedef enum hd_record_kind {
  /* events: the world */
  HD_EV_DEVICE_PARAM = 1, /* device; step = hd_device_param; a = value */
  HD_EV_DEVICE_STATE =
      2,           /* device; a = hd_device_state. FENCED: it hangs -> FENCE. READY: it gets steps again */
  HD_EV_GRAPH = 3, /* request = graph id, at most 65535; a = n_ops; b = n_layers; step = bytes a row that
                      cross from one layer to the next (0: unknown, transfers then cost nothing). A graph id
                      may be registered again while no step of it is alive; its pins are forgotten */
  HD_EV_OP = 4,    /* request = graph id; step = op index; device = layer + 1; a = weight_bytes;
                      b = flops_per_row, top bit: per_output */
  HD_EV_OP_CONTEXT = 5, /* the same op; a = context_bytes_per_row; b = context_flops_per_row */
  HD_EV_PIN = 6,        /* request = graph id; device; a = layer_begin; b = layer_end. The last pin of a layer
                           counts, and only while its device is READY */
  HD_EV_PLAN = 7, /* request = graph id; a = hd_phase: compute its split -> SPLIT..., or none when no device
                     is READY. Ask again when devices change; steps already submitted move by themselves */
  HD_EV_GRAPH_END = 8, /* request = graph id: forget it. No step of it is alive */
  HD_EV_SENSOR = 9,    /* device, or none; step = hd_sensor; a = value */
  HD_EV_TIME = 10,     /* time passed and a timer that the control plane set is due */
  /* events: requests and steps */
  HD_EV_REQUEST = 16,     /* request; device = class; step = client; a = memory bytes; b = deadline or 0
                             -> ADMIT or REFUSE */
  HD_EV_REQUEST_END = 17, /* request; a = status. No step or lease of it is alive */
  HD_EV_CANCEL = 18, /* request: running steps stop at the next op, waiting ones complete as cancelled, and so
                        do those that come later */
  HD_EV_STEP = 19,   /* request; step; device; a, b = hd_record_pack_step. When the device is not READY it
                        moves at once, or completes with DEVICE when none is */
  HD_EV_DONE = 20,   /* step; device; a = elapsed; b = hd_record_pack_done; request is not read. One for every
                        RUN, also when submit failed. Statuses: AGAIN (tried again soon), CANCELLED (left
                        early), UNSUPPORTED, NO_MEMORY (runs elsewhere), INVALID, NOT_FOUND, LIMIT, FORMAT,
                        REFUSED (the step completes so); any other is a failure of the device.
                        Also: a lease released; or withdrawn, when it still waits (a and b are 0) */
  HD_EV_LEASE = 21,  /* request; step = lease; device; a, b = hd_record_pack_step with layers for ops; the
                        graph is not read. When the device is not READY it completes with DEVICE */
  HD_EV_WAIT = 22, /* request; step = another request that it waits for; a = 1: from now on, 0: no more. What
                    is waited for is at least as urgent as who waits, through any chain of waits. A wait
                    ends by itself when either request does. One at a time a request */
  /* decisions */
  HD_DE_ADMIT = 64,  /* request */
  HD_DE_REFUSE = 65, /* request; a = retry after, 0: never; b = hd_refusal */
  HD_DE_SPLIT = 66,  /* request = graph id; device; step = phase; a = op_begin; b = op_end */
  HD_DE_RUN = 67,    /* request; step; device; a = hd_record_pack_run; b = expected ns */
  HD_DE_STOP = 68,   /* request; step; device: leave it at the next op (it will be ready again). A lease: its
                      holder is to release it; somebody more urgent waits, or its slice is over and somebody
                      waits, or it is cancelled */
  HD_DE_COMPLETE =
      69, /* request; step; a = status; b = ns on devices, all launches: resume its coroutine; the id is
             free again. Also a lease that will not be granted; a released one gets none */
  HD_DE_GRANT = 70, /* request; step = lease; device; a = hd_record_pack_run with layers; b = slice ns */
  HD_DE_FENCE = 71, /* device; a = hd_fence_reason; b = failures counted */
  HD_DE_TIMER = 72, /* b = absolute time at which the control plane wants HD_EV_TIME; the last TIMER counts */
  HD_DE_FALLBACK = 73, /* a = hd_policy_fault; b = times so far: the policy's answer was dropped whole */
  HD_DE_REPLACED = 74, /* b = faults: the policy is replaced by the fallback for good */
  HD_DE_MOVE = 75,     /* request; step; device = the new one; a = the old one: it runs elsewhere from here */
  HD_DE_RECLAIM =
      76, /* request; step = lease; device; a = ns it was held; b = ns since its STOP: somebody
           waits and it was not released within the grace. The id is free again, no DONE follows */
  /* information */
  HD_IN_CONFIG =
      128, /* step = hd_config_key; request = class or 0; a = value: how the control plane was made */
  HD_IN_NAME = 129,   /* step = hd_name_kind; request = id; device = piece; a, b = 16 bytes of text */
  HD_IN_SUBMIT = 130, /* step; device; a = status of the backend's submit */
  HD_IN_MARK = 131,   /* request; step = the caller's number; a = the caller's value */
  HD_IN_DROPPED = 132 /* step = ring; a = records of it lost here because it was full */
} hd_record_kind;

typedef enum hd_device_param {
  HD_PARAM_KIND,
  HD_PARAM_FLAGS,
  HD_PARAM_CAPACITY,
  HD_PARAM_MAX_IN_FLIGHT,
  HD_PARAM_LAUNCH_NS,
  HD_PARAM_NS_PER_MIB,
  HD_PARAM_NS_PER_MFLOP,
  HD_PARAM_TRANSFER_NS_PER_MIB,
  HD_PARAM_ACTIVE_POWER_UW,
  HD_PARAM_MEMORY_BYTES,
  HD_PARAM_COUNT
} hd_device_param;

/* Part of the file format: append only. */
typedef enum hd_config_key {
  HD_CONFIG_MAX_REQUESTS,
  HD_CONFIG_MAX_STEPS,
  HD_CONFIG_MAX_WAITING_PER_DEVICE,
  HD_CONFIG_MAX_OPS,
  HD_CONFIG_MEMORY_BUDGET_BYTES,
  HD_CONFIG_FENCE_AFTER_FAILURES,
  HD_CONFIG_REPLACE_AFTER_FAULTS,
  HD_CONFIG_CLASS_SLICE_NS, /* one a class */
  HD_CONFIG_CLASS_WEIGHT,   /* one a class */
  HD_CONFIG_LEASE_GRACE_NS,
  HD_CONFIG_KEY_COUNT
} hd_config_key;

typedef enum hd_sensor {
  HD_SENSOR_TEMPERATURE_MDEGC,
  HD_SENSOR_BATTERY_PERMILLE,
  HD_SENSOR_MEMORY_PRESSURE_PERMILLE,
  HD_SENSOR_COUNT
} hd_sensor;

typedef enum hd_refusal {
  HD_REFUSED_REQUESTS = 1,
  HD_REFUSED_MEMORY,
  HD_REFUSED_BACKLOG,
  HD_REFUSED_DEADLINE,
  HD_REFUSED_NO_DEVICE
} hd_refusal;

typedef enum hd_fence_reason { HD_FENCED_FAILURES = 1, HD_FENCED_HUNG, HD_FENCED_GONE } hd_fence_reason;

typedef enum hd_policy_fault {
  HD_FAULT_INDEX = 1,
  HD_FAULT_DUPLICATE,
  HD_FAULT_DEVICE,
  HD_FAULT_WIDTH,
  HD_FAULT_FULL,
  HD_FAULT_STALL,
  HD_FAULT_COUNT_OVER
} hd_policy_fault;

typedef enum hd_name_kind {
  HD_NAME_DEVICE = 1,
  HD_NAME_GRAPH,
  HD_NAME_REQUEST,
  HD_NAME_POLICY,
  HD_NAME_HOST
} hd_name_kind;

/* What an HD_EV_STEP says. For leases, op_begin/op_end are layers. */
typedef struct hd_step_fields {
  uint16_t op_begin, op_end;
  uint16_t graph;
  uint8_t phase; /* hd_phase */
  uint8_t flags; /* 0 */
  uint32_t n_tokens;
  uint32_t kv_pos;
  uint16_t
      n_outputs; /* at most n_tokens; stored in 8 bits when at most 255, else as 255: only costs read it */
} hd_step_fields;

/* a = op_begin:0..15 op_end:16..31 graph:32..47 phase:48..51 flags:52..55 n_outputs:56..63; b =
 * n_tokens:0..31 kv_pos:32..63 */
static inline void hd_record_pack_step(hd_record *record, const hd_step_fields *f) {
  uint64_t outputs = f->n_outputs > 255u ? 255u : f->n_outputs;
  record->a = (uint64_t)f->op_begin | (uint64_t)f->op_end << 16 | (uint64_t)f->graph << 32 |
              (uint64_t)(f->phase & 15u) << 48 | (uint64_t)(f->flags & 15u) << 52 | outputs << 56;
  record->b = (uint64_t)f->n_tokens | (uint64_t)f->kv_pos << 32;
}
static inline hd_step_fields hd_record_unpack_step(const hd_record *record) {
  hd_step_fields f;
  f.op_begin = (uint16_t)(record->a & 0xffffu);
  f.op_end = (uint16_t)(record->a >> 16 & 0xffffu);
  f.graph = (uint16_t)(record->a >> 32 & 0xffffu);
  f.phase = (uint8_t)(record->a >> 48 & 15u);
  f.flags = (uint8_t)(record->a >> 52 & 15u);
  f.n_outputs = (uint16_t)(record->a >> 56);
  f.n_tokens = (uint32_t)(record->b & 0xffffffffu);
  f.kv_pos = (uint32_t)(record->b >> 32);
  return f;
}

/* What an HD_EV_DONE says in b: op_reached:0..15 status:16..23 energy_source:24..31 energy_uj:32..63. */
typedef struct hd_done_fields {
  uint16_t op_reached; /* one past the last op that is done; ops from here on must run again */
  uint8_t status;      /* negated hd_status: 0 done or left early, else failed */
  uint8_t energy_source;
  uint32_t energy_uj;
} hd_done_fields;

static inline void hd_record_pack_done(hd_record *record, const hd_done_fields *f) {
  record->b = (uint64_t)f->op_reached | (uint64_t)f->status << 16 | (uint64_t)f->energy_source << 24 |
              (uint64_t)f->energy_uj << 32;
}
static inline hd_done_fields hd_record_unpack_done(const hd_record *record) {
  hd_done_fields f;
  f.op_reached = (uint16_t)(record->b & 0xffffu);
  f.status = (uint8_t)(record->b >> 16 & 0xffu);
  f.energy_source = (uint8_t)(record->b >> 24 & 0xffu);
  f.energy_uj = (uint32_t)(record->b >> 32);
  return f;
}

/* What an HD_DE_RUN or HD_DE_GRANT says in a: op_begin:0..15 op_end:16..31 width:32..47 launch:48..63. */
typedef struct hd_run_fields {
  uint16_t op_begin, op_end;
  uint16_t width;  /* units of the device it may use */
  uint16_t launch; /* counts the launches of this step, from 1 */
} hd_run_fields;

static inline uint64_t hd_record_pack_run(const hd_run_fields *f) {
  return (uint64_t)f->op_begin | (uint64_t)f->op_end << 16 | (uint64_t)f->width << 32 |
         (uint64_t)f->launch << 48;
}
static inline hd_run_fields hd_record_unpack_run(uint64_t a) {
  hd_run_fields f;
  f.op_begin = (uint16_t)(a & 0xffffu);
  f.op_end = (uint16_t)(a >> 16 & 0xffffu);
  f.width = (uint16_t)(a >> 32 & 0xffffu);
  f.launch = (uint16_t)(a >> 48);
  return f;
}

static inline int hd_record_is_event(const hd_record *record) {
  return record->kind >= 1 && record->kind < 64;
}
static inline int hd_record_is_decision(const hd_record *record) {
  return record->kind >= 64 && record->kind < 128;
}

#ifdef __cplusplus
}
#endif
#endif
