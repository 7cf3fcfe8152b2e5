/* SPDX-License-Identifier: Apache-2.0 */
/* Devices: one thing each that runs steps. */
#ifndef HEDDLE_DEVICE_H
#define HEDDLE_DEVICE_H

#include <stdint.h>
#include "heddle/limits.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef enum hd_device_kind { HD_DEVICE_CPU, HD_DEVICE_GPU, HD_DEVICE_NPU, HD_DEVICE_CLOUD } hd_device_kind;

typedef enum hd_device_state {
  HD_DEVICE_ABSENT, /* slot not used, or unplugged */
  HD_DEVICE_READY,
  HD_DEVICE_FENCED /* failed: gets no more steps; its steps run elsewhere */
} hd_device_state;

enum hd_device_flags {
  HD_DEVICE_STOPS_AT_OP =
      1u << 0, /* a running launch can be left at the next op (CPU); NPU programs cannot */
  HD_DEVICE_CUT_AT_LAYER = 1u << 1, /* launches begin and end at layer borders only */
  HD_DEVICE_LEASES_ONLY = 1u << 2   /* no backend: an engine runs on it under leases, never a step */
};

/* Where an energy figure comes from; printed beside every one. */
typedef enum hd_energy_source { HD_ENERGY_NONE, HD_ENERGY_MODELLED, HD_ENERGY_MEASURED } hd_energy_source;

/* What a backend knows of a device. Costs are integers so that every machine plans alike. */
typedef struct hd_device_props {
  uint32_t size; /* sizeof(hd_device_props) */
  hd_device_kind kind;
  char name[HD_NAME_BYTES];        /* unique in a scheduler: "cpu", "sim", "sim1" */
  char description[HD_NAME_BYTES]; /* for people: "AMD EPYC, AVX-512" */
  uint32_t flags;                  /* hd_device_flags */
  uint32_t capacity;               /* units that work side by side: cores of a CPU cluster, queues of a GPU */
  uint32_t max_in_flight;          /* launches submitted at once, at most */
  uint64_t launch_ns;              /* fixed cost of one launch */
  uint64_t ns_per_mib;             /* streaming 2^20 bytes of weights with one unit */
  uint64_t ns_per_mflop;           /* 10^6 floating-point operations with one unit */
  uint64_t transfer_ns_per_mib; /* moving 2^20 bytes of activations to or from the device; 0: shared memory */
  uint64_t active_power_uw;     /* modelled power of one busy unit; 0: unknown */
  uint64_t memory_bytes;        /* 0: the host's memory */
} hd_device_props;

#ifdef __cplusplus
}
#endif
#endif
