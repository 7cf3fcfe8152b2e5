/* SPDX-License-Identifier: Apache-2.0 */
/* Limits on everything. Compile-time ones bound the layout of records and tables; run-time ones (hd_limits)
 * are the host's choice and are allocated once, when the scheduler is made. */
#ifndef HEDDLE_LIMITS_H
#define HEDDLE_LIMITS_H

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* A step, request or lease id is a slot index in the low 16 bits and a generation in the high 16; 0 is never
 * an id. */
#define HD_ID_SLOT_BITS 16u
#define HD_ID_SLOT_MASK 0xffffu
#define HD_ID_NONE      0u

/* A phone has 3 CPU clusters, a GPU, an NPU and a cloud; 16 leaves room. */
#define HD_DEVICES_MAX     16u
#define HD_GRAPHS_MAX      16u    /* models registered at once */
#define HD_OPS_MAX         32768u /* ops of one graph: 128 layers of 20 ops is 2,560 */
#define HD_LAYERS_MAX      1024u  /* layers of one graph: the deepest published transformers have about 130 */
#define HD_VALUES_MAX      32768u /* values of one graph */
#define HD_OP_INPUTS_MAX   4u
#define HD_SPLIT_PARTS_MAX 256u /* contiguous parts of one split */
#define HD_NAME_BYTES      48u  /* a name, terminator included */
#define HD_CLASS_COUNT     5u

/* Run-time limits. `size` is sizeof(hd_limits); a field of 0 means the default that hd_limits_default writes.
 */
typedef struct hd_limits {
  uint32_t size;
  uint32_t max_requests; /* requests alive at once; default 1024, at most 65535 */
  uint32_t max_steps;    /* steps and leases waiting or running at once; default 2048, at most 65535 */
  /* Back-pressure: more waiting steps than this and admission says try again. */
  uint32_t max_waiting_per_device;
  uint32_t max_ops;             /* ops of all registered graphs together: what the planner keeps of them */
  uint64_t memory_budget_bytes; /* what admitted requests may claim together; default 0: no limit */
} hd_limits;

/* Threads: any. Errors: none. */
void hd_limits_default(hd_limits *out_limits);

#ifdef __cplusplus
}
#endif
#endif
