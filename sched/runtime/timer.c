/* SPDX-License-Identifier: Apache-2.0 */
/* The pairing heap of timer.h. */
#include "timer.h"

static bool is_before(const hdi_timer *a, const hdi_timer *b) {
  if (a->deadline_ns != b->deadline_ns) return a->deadline_ns < b->deadline_ns;
  return a->order < b->order;
}

/* Joins two heaps, either of which may be empty. Their roots have no siblings. */
static hdi_timer *meld(hdi_timer *a, hdi_timer *b) {
  if (a == NULL) return b;
  if (b == NULL) return a;
  if (is_before(b, a)) {
    hdi_timer *swapped = a;
    a = b;
    b = swapped;
  }
  b->sibling = a->child;
  if (b->sibling != NULL) b->sibling->back = b;
  b->back = a;
  a->child = b;
  return a;
}

/* Makes one heap of a list of siblings: pairs from the left, then all from the right. */
static hdi_timer *meld_siblings(hdi_timer *first) {
  hdi_timer *pairs = NULL;
  while (first != NULL) {
    hdi_timer *a = first;
    hdi_timer *b = a->sibling;
    first = b == NULL ? NULL : b->sibling;
    a->sibling = NULL;
    if (b != NULL) b->sibling = NULL;
    hdi_timer *pair = meld(a, b);
    pair->sibling = pairs;
    pairs = pair;
  }
  hdi_timer *root = NULL;
  while (pairs != NULL) {
    hdi_timer *next = pairs->sibling;
    pairs->sibling = NULL;
    root = meld(root, pairs);
    pairs = next;
  }
  return root;
}

static void set_root(hdi_timer_heap *heap, hdi_timer *root) {
  heap->root = root;
  if (root != NULL) root->back = root;
}

void hdi_timer_arm(hdi_timer_heap *heap, hdi_timer *timer, uint64_t deadline_ns) {
  timer->deadline_ns = deadline_ns;
  timer->order = heap->armed++;
  timer->child = timer->sibling = NULL;
  set_root(heap, meld(heap->root, timer));
}

void hdi_timer_disarm(hdi_timer_heap *heap, hdi_timer *timer) {
  if (!hdi_timer_is_armed(timer)) return;
  hdi_timer *below = meld_siblings(timer->child);
  if (heap->root == timer) {
    set_root(heap, below);
  } else {
    if (timer->back->child == timer) {
      timer->back->child = timer->sibling;
    } else {
      timer->back->sibling = timer->sibling;
    }
    if (timer->sibling != NULL) timer->sibling->back = timer->back;
    set_root(heap, meld(heap->root, below));
  }
  timer->back = timer->child = timer->sibling = NULL;
}

hdi_timer *hdi_timer_due(hdi_timer_heap *heap, uint64_t now_ns) {
  hdi_timer *first = heap->root;
  if (first == NULL || first->deadline_ns > now_ns) return NULL;
  hdi_timer_disarm(heap, first);
  return first;
}
