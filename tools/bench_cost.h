/* SPDX-License-Identifier: Apache-2.0 */
/* What a test of `heddle bench` took beside its time: context switches, energy, memory; and how near decode
 * is to the speed of memory. */
#ifndef HEDDLE_TOOLS_BENCH_COST_H
#define HEDDLE_TOOLS_BENCH_COST_H

#include "engine/engine.h"
#include "footprint.h"
#include "json.h"

/* Sums over the counted runs of one test. */
typedef struct hdt_cost {
  uint64_t tokens;
  uint64_t voluntary, involuntary; /* switches that the kernel counted for the process: getrusage(2) */
  uint64_t energy_uj;
  hd_energy_source energy_source;
  hdt_footprint footprint; /* at the end of the last run, before its cache was given back */
  uint64_t kv_bytes;       /* of the cache that was filled then */
} hdt_cost;

/* The switches so far, of the whole process. */
void hdt_cost_switches(uint64_t *out_voluntary, uint64_t *out_involuntary);
/* Adds what the scheduler says of a job. */
void hdt_cost_add_energy(hdt_cost *cost, const hd_request_stats *stats);

/* Resident memory that is neither the model's mapped file nor its cache; 0: not known. */
uint64_t hdt_cost_beyond(const hdt_cost *cost);

/* Bytes of weights that one token streams: the matrices, not the table of embeddings, of which it reads a
 * row. */
uint64_t hdt_streamed_bytes(const he_model *model);
/* Bytes of a cache of so many positions. */
uint64_t hdt_kv_bytes(const he_model *model, uint32_t positions);

/* How near a decode of so many tokens a second is to reading. */
typedef struct hdt_streaming {
  double weights,
      read; /* bytes in a nanosecond: the decode's, and what as many threads read; 0: not measured */
} hdt_streaming;
hdt_streaming hdt_streaming_measure(const he_model *model, double tokens_per_s, uint32_t threads);

/* A line each for people; NULL or empty ones are left out. */
void hdt_cost_print(const char *phase, const hdt_cost *cost);
void hdt_streaming_print(const hdt_streaming *streaming, uint32_t threads);
/* Adds the object `key`. */
void hdt_cost_json(cJSON *document, const char *key, const hdt_cost *cost);

#endif
