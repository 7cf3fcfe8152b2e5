/* SPDX-License-Identifier: Apache-2.0 */
/* A recorded life of a control plane: devices, a graph, requests whose steps complete, stop and fail by a
 * seed. */
#ifndef TESTS_TRACES_STREAM_H
#define TESTS_TRACES_STREAM_H

#include "scratch.h"

#define STREAM_RECORDS 1500u

typedef struct stream {
  hd_record records[STREAM_RECORDS];
  uint32_t count;
  uint32_t events, decisions;
} stream;

/* Configuration and names first, as the live side writes them. */
void stream_make(stream *s, const hd_host *host, const char *policy, uint64_t seed);

/* The stream as a trace in memory, in chunks of random length. */
void stream_build(const stream *s, uint64_t seed, builder *out);

/* Index of the n-th decision or event. */
uint32_t stream_decision(const stream *s, uint32_t n);
uint32_t stream_event(const stream *s, uint32_t n);

void stream_remove(stream *s, uint32_t index);

#endif
