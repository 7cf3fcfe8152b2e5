/* SPDX-License-Identifier: Apache-2.0 */
/* Waiting steps by a policy's own order: who comes first is known at once, and coming, going and changing
 * cost the logarithm of how many there are. */
#ifndef HDI_POLICY_ORDER_H
#define HDI_POLICY_ORDER_H

#include <stdbool.h>
#include "heddle/implement/policy.h"

/* One step. Its first two fields are its place: less comes first, and among equals who became ready first. */
typedef struct hdi_ordered {
  uint64_t tag, ready;
  uint32_t up, left, right; /* slots; HD_WAITING_END */
  uint32_t rank;
  bool is_in;
} hdi_ordered;

bool hdi_order_before(const hdi_ordered *a, const hdi_ordered *b);

/* `nodes` are by slot; `root` is the first of an order, HD_WAITING_END when it is empty. The node's tag and
 * ready are set; it is in no order. */
void hdi_order_insert(hdi_ordered *nodes, uint32_t *root, uint32_t slot);
/* It is in this one. */
void hdi_order_remove(hdi_ordered *nodes, uint32_t *root, uint32_t slot);

#endif
