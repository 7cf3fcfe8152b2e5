/* SPDX-License-Identifier: Apache-2.0 */
/* What a simulated device is made of: the numbers in its option text, "name=value;name=value". */
#ifndef BACKENDS_SIM_OPTIONS_H
#define BACKENDS_SIM_OPTIONS_H

#include <stdint.h>
#include "heddle/status.h"

#define SIM_DEVICES_MAX   16u
#define SIM_UNITS_MAX     64u
#define SIM_IN_FLIGHT_MAX 16u

/* How a device misreports. A core that believes it gives wrong tokens. */
typedef enum sim_lie {
  SIM_LIE_NONE,
  SIM_LIE_SHORT,   /* "short": says that the last op is not done, though the device cannot stop there */
  SIM_LIE_BEYOND,  /* "beyond": says that it did more ops than it was given */
  SIM_LIE_UNKNOWN, /* "unknown": completes a launch that nobody submitted, then the right one */
  SIM_LIE_TWICE    /* "twice": completes a launch a second time */
} sim_lie;

typedef enum sim_cut { SIM_CUT_ANYWHERE, SIM_CUT_LAYER } sim_cut;

/* The options by their names. Launches and submits count from 1 for each device; 0 switches a failure off. */
typedef struct sim_options {
  /* What the device is. */
  uint64_t count;             /* devices */
  uint64_t kind;              /* hd_device_kind: cpu, gpu, npu */
  uint64_t cut;               /* sim_cut: op, layer */
  uint64_t capacity;          /* units */
  uint64_t max_in_flight;     /* launches at once */
  uint64_t without;           /* hd_op_kind that it cannot run (embed ... swiglu); HD_OP_COUNT: none */
  uint64_t temperature_mdegc; /* 0: it has no thermometer */
  /* What it costs. */
  uint64_t latency_us; /* fixed, a launch */
  uint64_t ns_per_mib, ns_per_mflop, transfer_ns_per_mib;
  uint64_t power_uw; /* of one busy unit */
  /* What goes wrong. */
  uint64_t late_us;    /* every launch takes so much longer than the costs say */
  uint64_t jitter_us;  /* and up to so much more, by chance */
  uint64_t seed;       /* of that chance */
  uint64_t fail_after; /* this launch and all later ones end with DEVICE */
  uint64_t fail_every; /* each n-th launch */
  uint64_t fail_once;  /* this launch alone */
  uint64_t hang_after; /* this launch and all later ones end only when cancelled */
  uint64_t busy_every; /* each n-th submit answers AGAIN */
  uint64_t lie;        /* sim_lie */
  uint64_t lie_after;  /* from this launch on */
} sim_options;

/* Reads the text over the defaults; NULL and "" are the defaults. Of an option given twice the last counts.
 * Errors: FORMAT, with a line that names the option. Threads: any. */
hd_status hdb_sim_options_parse(const char *text, sim_options *out_options, hd_error *out_error);

#endif
