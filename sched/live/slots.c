/* SPDX-License-Identifier: Apache-2.0 */
/* Ids that find their object only while it lives. */
#include "live.h"

#include <stdalign.h>

hd_status hdl_slots_init(const hd_host *host, hdl_slots *slots, uint32_t cap) {
  *slots = (hdl_slots){.cap = cap, .free_head = 0};
  slots->entries = hd_host_zalloc(host, cap, sizeof *slots->entries, alignof(max_align_t));
  if (slots->entries == NULL) return HD_E_NO_MEMORY;
  for (uint32_t i = 0; i < cap; i++) {
    slots->entries[i].id = (1u << HD_ID_SLOT_BITS) | i; /* generation 1, so that no id is 0 */
    slots->entries[i].next_free = i + 1;
  }
  return HD_OK;
}

void hdl_slots_finish(const hd_host *host, hdl_slots *slots) {
  hd_host_free(host, slots->entries, slots->cap, sizeof *slots->entries);
  slots->entries = NULL;
}

uint32_t hdl_slots_take(hdl_slots *slots, void *object) {
  if (slots->free_head >= slots->cap) return HD_ID_NONE;
  struct hdl_slot_entry *entry = &slots->entries[slots->free_head];
  slots->free_head = entry->next_free;
  entry->object = object;
  return entry->id;
}

void *hdl_slots_find(const hdl_slots *slots, uint32_t id) {
  uint32_t slot = id & HD_ID_SLOT_MASK;
  if (slot >= slots->cap || slots->entries[slot].id != id) return NULL;
  return slots->entries[slot].object;
}

void hdl_slots_give(hdl_slots *slots, uint32_t id) {
  if (hdl_slots_find(slots, id) == NULL) return;
  uint32_t slot = id & HD_ID_SLOT_MASK;
  struct hdl_slot_entry *entry = &slots->entries[slot];
  uint32_t generation = (entry->id >> HD_ID_SLOT_BITS) + 1;
  if (generation > HD_ID_SLOT_MASK) generation = 1;
  entry->id = generation << HD_ID_SLOT_BITS | slot;
  entry->object = NULL;
  entry->next_free = slots->free_head;
  slots->free_head = slot;
}

uint32_t hdl_step_take(hd_sched *sched, hdl_run *run, hd_lease *lease) {
  uint32_t slot = sched->steps.free_head;
  if (slot >= sched->steps.cap) return HD_ID_NONE;
  sched->step_table[slot] = (hdl_step){.run = run, .lease = lease};
  return hdl_slots_take(&sched->steps, &sched->step_table[slot]);
}
