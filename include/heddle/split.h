/* SPDX-License-Identifier: Apache-2.0 */
/* Splits: which ops of a graph run on which device, for one phase. Computed off the hot path by the control
 * plane from op costs, device costs and what the caller pinned; cached; replaced when the world changes. */
#ifndef HEDDLE_SPLIT_H
#define HEDDLE_SPLIT_H

#include <stdint.h>
#include "heddle/limits.h"
#include "heddle/status.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef enum hd_phase { HD_PHASE_PREFILL, HD_PHASE_DECODE, HD_PHASE_COUNT } hd_phase;

/* A contiguous run of ops on one device. */
typedef struct hd_split_part {
  uint16_t device;
  uint32_t op_begin;
  uint32_t op_end; /* one past the last */
} hd_split_part;

/* Parts in op order, without gaps, covering every op. */
typedef struct hd_split {
  uint32_t count;
  uint64_t
      predicted_ns; /* one run at the phase's reference size (prefill 128 tokens, decode 1), one unit wide */
  hd_split_part parts[HD_SPLIT_PARTS_MAX];
} hd_split;

/* Pins layers to a device, as the user wrote it: "cpu:0-3,sim:4-". */
typedef struct hd_split_pin {
  uint16_t device;
  uint16_t layer_begin;
  uint16_t layer_end; /* one past the last */
} hd_split_pin;

/* Parses "NAME:FIRST-LAST,NAME:FIRST-,NAME:N" against device names; layers count from 0, the last is
 * inclusive, and an empty LAST means up to the end. Ops before layer 0 go with layer 0, ops after the last
 * with the last. Errors: FORMAT (the text is wrong; the error names the place), NOT_FOUND (no such device),
 * LIMIT (more than cap). */
hd_status hd_split_parse(const char *text, const char (*device_names)[HD_NAME_BYTES], uint32_t device_count,
                         uint32_t n_layers, hd_split_pin *out_pins, uint32_t cap, uint32_t *out_count,
                         hd_error *out_error);

#ifdef __cplusplus
}
#endif
#endif
