/* SPDX-License-Identifier: Apache-2.0 */
/* A leftist heap (Crane, 1972) with links upwards: it lives in the nodes, so it needs no array of its own for
 * each device, and its longest right path, which is all that a merge walks, has at most log2(n + 1) nodes. */
#include "order.h"

#define NONE HD_WAITING_END

bool hdi_order_before(const hdi_ordered *a, const hdi_ordered *b) {
  return a->tag != b->tag ? a->tag < b->tag : a->ready < b->ready;
}

/* Nodes on the shortest way down to where there is none. */
static uint32_t rank_of(const hdi_ordered *nodes, uint32_t slot) {
  return slot == NONE ? 0 : nodes[slot].rank;
}

/* The shorter way down goes right. False: the rank was right already. */
static bool lean(hdi_ordered *nodes, uint32_t slot) {
  hdi_ordered *node = &nodes[slot];
  if (rank_of(nodes, node->left) < rank_of(nodes, node->right)) {
    uint32_t left = node->left;
    node->left = node->right;
    node->right = left;
  }
  uint32_t rank = rank_of(nodes, node->right) + 1;
  if (node->rank == rank) return false;
  node->rank = rank;
  return true;
}

/* Returns the first of both; its `up` is the caller's to set. */
static uint32_t merge(hdi_ordered *nodes, uint32_t a, uint32_t b) {
  uint32_t top = NONE, last = NONE;
  while (a != NONE && b != NONE) {
    uint32_t first = hdi_order_before(&nodes[a], &nodes[b]) ? a : b;
    uint32_t other = first == a ? b : a;
    if (last == NONE) {
      top = first;
    } else {
      nodes[last].right = first;
      nodes[first].up = last;
    }
    last = first;
    a = nodes[first].right;
    b = other;
  }
  uint32_t rest = a != NONE ? a : b;
  if (last == NONE) return rest;
  nodes[last].right = rest;
  if (rest != NONE) nodes[rest].up = last;
  for (uint32_t at = last;; at = nodes[at].up) {
    (void)lean(nodes, at);
    if (at == top) return top;
  }
}

void hdi_order_insert(hdi_ordered *nodes, uint32_t *root, uint32_t slot) {
  hdi_ordered *node = &nodes[slot];
  node->left = node->right = NONE;
  node->rank = 1;
  node->is_in = true;
  *root = merge(nodes, *root, slot);
  nodes[*root].up = NONE;
}

void hdi_order_remove(hdi_ordered *nodes, uint32_t *root, uint32_t slot) {
  hdi_ordered *node = &nodes[slot];
  uint32_t up = node->up, rest = merge(nodes, node->left, node->right);
  if (rest != NONE) nodes[rest].up = up;
  node->is_in = false;
  if (up == NONE) {
    *root = rest;
    return;
  }
  *(nodes[up].left == slot ? &nodes[up].left : &nodes[up].right) = rest;
  while (up != NONE && lean(nodes, up))
    up = nodes[up].up;
}
