/* SPDX-License-Identifier: Apache-2.0 */
/* For those who write a backend: copy backends/null/, register one line in backends/builtin.c, run the
 * conformance suite (tests/backends). A backend runs launches on its devices; it decides nothing. */
#ifndef HEDDLE_IMPLEMENT_BACKEND_H
#define HEDDLE_IMPLEMENT_BACKEND_H

#include "heddle/buffer.h"
#include "heddle/device.h"
#include "heddle/graph.h"
#include "heddle/host.h"
#include "heddle/split.h"

/* C++ before 23 has no stdatomic.h; its atomic words have the layout of C's. */
#ifdef __cplusplus
#include <atomic>
using std::atomic_uint;
#else
#include <stdatomic.h>
#endif

#ifdef __cplusplus
extern "C" {
#endif

#define HD_BACKEND_ABI 1u

/* What the core lends a backend besides the host. All may be called from any thread unless said otherwise. */
typedef struct hd_backend_host {
  uint32_t size;
  const hd_host *host;
  void *ctx;
  uint32_t worker_count; /* threads that execute() spreads over; at least 1 */
  /* Runs fn(arg) soon, once, on some worker; may run it before it returns. Errors: AGAIN, CLOSED: then it
   * never runs. */
  hd_status (*execute)(void *ctx, void (*fn)(void *arg), void *arg);
  /* Runs fn(arg, part) for every part in 0..parts-1 on up to `width` workers, the caller among them, and
   * returns when all are done. Parts are taken in order by whoever is free. Only inside execute()d work. */
  void (*parallel)(void *ctx, uint32_t width, uint32_t parts, void (*fn)(void *arg, uint32_t part),
                   void *arg);
  /* The bell: something may be ready for poll(). Cheap; callable from a driver's thread, where it costs at
   * most one system call, and that only when every worker sleeps. Inside execute()d work it costs none and is
   * heard when that work returns. */
  void (*wake)(void *ctx);
} hd_backend_host;

/* A graph with its weights, made ready for one device. Backends define it. */
typedef struct hd_program hd_program;

/* One run of ops [op_begin, op_end) of a program for one request. Owned by the core; valid and unchanged
 * until its completion has been polled. */
typedef struct hd_launch {
  uint32_t size;
  uint32_t id; /* unique among launches in flight */
  const hd_graph *graph;
  hd_program *program;
  uint32_t op_begin, op_end;
  uint32_t n_tokens;       /* rows of HD_ROWS_TOKENS */
  uint32_t n_outputs;      /* rows of HD_ROWS_OUTPUTS; at most n_tokens */
  uint32_t n_context;      /* rows that KV values have room for */
  uint32_t kv_pos;         /* position of the run's first token; kv_pos + n_tokens <= n_context */
  uint32_t width;          /* units of the device it may use, 1 .. capacity */
  void *const *values;     /* host address of every value of the graph, by hd_value; NULL: not bound */
  const atomic_uint *stop; /* not 0: leave at the next op, or after the few that are done as one (devices
                              with HD_DEVICE_STOPS_AT_OP look at it) */
} hd_launch;

typedef struct hd_completion {
  uint32_t launch_id;
  hd_status status;    /* HD_OK, also when left early; HD_E_DEVICE; HD_E_CANCELLED */
  uint32_t op_reached; /* one past the last op whose results are in place; op_end when all are */
  uint64_t elapsed_ns;
  uint64_t energy_uj;
  hd_energy_source energy_source;
} hd_completion;

#define HD_POLL_NEVER UINT64_MAX

/* Threads: probe, test and prepare from any thread, not at once for one backend; submit, poll, cancel and
 * sense only from the holder of the scheduler's turn (one thread at a time); the backend's own work wherever
 * execute() runs it. Every function is filled; backends/null shows the least each may do. */
typedef struct hd_backend_ops {
  uint32_t size;
  uint32_t abi;            /* HD_BACKEND_ABI */
  const char *name;        /* "cpu" */
  const char *description; /* one line */

  /* `options` is the text after the name in a device list ("latency_us=50;fail_after=100" of
   * "sim:latency_us=50;fail_after=100"), or NULL. Errors: FORMAT (unknown option; the error names it),
   * NO_MEMORY, UNSUPPORTED (this machine has no such thing). `lent` stays valid until close. */
  hd_status (*open)(const hd_backend_host *lent, const char *options, void **out_backend,
                    hd_error *out_error);
  /* Nothing is in flight and no program is left. */
  void (*close)(void *backend);

  /* Device `index` of this backend. Errors: NOT_FOUND past the last one. */
  hd_status (*probe)(void *backend, uint32_t index, hd_device_props *out_props);
  /* May this device run this op of this graph? No effect. A submit of tested ops fails only for reasons of
   * the moment. Errors: UNSUPPORTED. */
  hd_status (*test)(void *backend, uint32_t index, const hd_graph *graph, uint32_t op_index);

  /* Makes a program of ops [op_begin, op_end) (all of them tested). `values` as in hd_launch, weights bound;
   * graph and weights outlive the program. Errors: NO_MEMORY, UNSUPPORTED, DEVICE. */
  hd_status (*prepare)(void *backend, uint32_t index, const hd_graph *graph, uint32_t op_begin,
                       uint32_t op_end, void *const *values, hd_program **out_program);
  void (*release)(void *backend, uint32_t index, hd_program *program);

  /* Starts a launch and returns without waiting for it. Errors, and then there is no completion: AGAIN
   * (full), DEVICE, NO_MEMORY (a launch larger than what the device has room for), INVALID (not inside the
   * program, or cut where the device's flags forbid). */
  hd_status (*submit)(void *backend, uint32_t index, const hd_launch *launch);
  /* Writes up to `cap` completions that are ready at `now_ns`, never waits. `out_next_ns`: when to poll again
   * even if the bell stays silent; HD_POLL_NEVER. */
  void (*poll)(void *backend, uint32_t index, uint64_t now_ns, hd_completion *out_completions, uint32_t cap,
               uint32_t *out_count, uint64_t *out_next_ns);
  /* Asks a launch in flight to end early; its completion comes all the same. Unknown ids are ignored. */
  void (*cancel)(void *backend, uint32_t index, uint32_t launch_id);

  /* Temperature in m°C; UNSUPPORTED where nothing tells. Called on the sensors' own clock, never per request.
   */
  hd_status (*sense)(void *backend, uint32_t index, int32_t *out_mdegc);

  /* Makes a host buffer usable by the device without a copy. UNSUPPORTED: the core copies at borders. */
  hd_status (*import)(void *backend, uint32_t index, hd_buffer *buffer, void **out_handle);
  void (*unimport)(void *backend, uint32_t index, void *handle);
} hd_backend_ops;

/* The backends that this build contains, NULL-terminated (backends/builtin.c). */
const hd_backend_ops *const *hd_backends_builtin(void);

#ifdef __cplusplus
}
#endif
#endif
