/* SPDX-License-Identifier: Apache-2.0 */
/* An engine of somebody else's adopts heddle: its kernels (BLAS) and its loop stay, on its own two threads.
 * BLAS computes for one caller at a time; heddle says for whom. The lines that came with heddle are marked
 * with "heddle": a device, a request a thread, and around the loop over layers acquire, checkpoint, release.
 */
#include <cblas.h>
#include <math.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include "heddle/heddle.h"           /* heddle */
#include "heddle/implement/policy.h" /* heddle */

/* ---- the engine: blocks of a transformer with random weights ---- */

enum { WIDTH = 128, FF = 512, HEADS = 4, HEAD = WIDTH / HEADS, LAYERS = 12, TOKENS = 96, PASSES = 12 };

typedef struct layer {
  float qkv[3 * WIDTH * WIDTH], out[WIDTH * WIDTH], up[FF * WIDTH], down[WIDTH * FF];
} layer;

typedef struct scratch {
  float x[TOKENS * WIDTH], norm[TOKENS * WIDTH], qkv[TOKENS * 3 * WIDTH], scores[TOKENS * TOKENS];
  float mixed[TOKENS * WIDTH], ff[TOKENS * FF];
} scratch;

static layer *layers;

/* Numerical Recipes' generator: enough for weights. */
static void fill_random(float *out, size_t count, uint32_t seed, float scale) {
  for (size_t i = 0; i < count; i++) {
    seed = seed * 1664525u + 1013904223u;
    out[i] = ((float)(seed >> 8) / (float)(1 << 24) - 0.5f) * scale;
  }
}

/* out[rows x cols] += a[rows x depth] * w[cols x depth]^T, and a factor of what was there. */
static void multiply(const float *a, const float *w, int cols, int depth, float keep, float *out) {
  cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasTrans, TOKENS, cols, depth, 1.0f, a, depth, w, depth, keep,
              out, cols);
}

static void normalise(const float *x, float *out) {
  for (int t = 0; t < TOKENS; t++) {
    float norm = cblas_snrm2(WIDTH, x + t * WIDTH, 1) / sqrtf(WIDTH) + 1e-5f;
    for (int i = 0; i < WIDTH; i++)
      out[t * WIDTH + i] = x[t * WIDTH + i] / norm;
  }
}

static void attend(scratch *s, int head) {
  const float *q = s->qkv + head * HEAD, *k = q + WIDTH, *v = k + WIDTH;
  cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasTrans, TOKENS, TOKENS, HEAD, 1.0f / sqrtf(HEAD), q, 3 * WIDTH,
              k, 3 * WIDTH, 0.0f, s->scores, TOKENS);
  for (int t = 0; t < TOKENS; t++) {
    float *row = s->scores + t * TOKENS, sum = 0;
    for (int i = 0; i < TOKENS; i++)
      sum += row[i] = i <= t ? expf(row[i]) : 0.0f;
    cblas_sscal(TOKENS, 1.0f / sum, row, 1);
  }
  cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasNoTrans, TOKENS, HEAD, TOKENS, 1.0f, s->scores, TOKENS, v,
              3 * WIDTH, 0.0f, s->mixed + head * HEAD, WIDTH);
}

static void run_layer(const layer *l, scratch *s) {
  normalise(s->x, s->norm);
  multiply(s->norm, l->qkv, 3 * WIDTH, WIDTH, 0.0f, s->qkv);
  for (int head = 0; head < HEADS; head++)
    attend(s, head);
  multiply(s->mixed, l->out, WIDTH, WIDTH, 1.0f, s->x);
  normalise(s->x, s->norm);
  multiply(s->norm, l->up, FF, WIDTH, 0.0f, s->ff);
  for (int i = 0; i < TOKENS * FF; i++)
    s->ff[i] = s->ff[i] / (1.0f + expf(-s->ff[i])); /* SiLU */
  multiply(s->ff, l->down, WIDTH, FF, 1.0f, s->x);
}

/* ---- its users ---- */

typedef struct user {
  const char *name;
  uint32_t seed;
  double sum;
  const char *problem;
  hd_sched *sched;                     /* heddle */
  hd_class class_id;                   /* heddle */
  uint32_t leases, yields;             /* heddle */
  uint64_t waited_ns, longest_wait_ns; /* heddle */
} user;

/* ---- heddle: a lease of the layers from `at` on, with a note of how long it took ---- */
static hd_status acquire(user *u, hd_request *request, uint32_t at, hd_lease **out_lease) {
  const hd_host *host = hd_sched_host(u->sched);
  hd_lease_desc segment = {.size = sizeof segment,
                           .phase = HD_PHASE_PREFILL,
                           .layer_begin = at,
                           .layer_end = LAYERS,
                           .n_tokens = TOKENS};
  hd_grant grant;
  uint64_t begin_ns = host->now_ns(host->ctx);
  hd_status status = hd_lease_acquire(request, &segment, 30000000000u, out_lease, &grant); /* within 30 s */
  uint64_t waited_ns = host->now_ns(host->ctx) - begin_ns;
  u->leases += status == HD_OK;
  u->waited_ns += waited_ns;
  if (waited_ns > u->longest_wait_ns) u->longest_wait_ns = waited_ns;
  return status;
}

/* ---- heddle: between two layers; gives others their turn when it is theirs ---- */
static hd_status checkpoint(user *u, hd_request *request, uint32_t done, hd_lease **lease) {
  if (hd_lease_checkpoint(*lease) == HD_GO_ON && done < LAYERS) return HD_OK;
  hd_lease_release(*lease, &(hd_lease_sample){.size = sizeof(hd_lease_sample), .layer_reached = done});
  if (done == LAYERS) return HD_OK;
  u->yields++;
  return acquire(u, request, done, lease);
}

static hd_status run_passes(user *u, hd_request *request, scratch *s) {
  hd_status status = HD_OK;
  for (uint32_t pass = 0; pass < PASSES && status == HD_OK; pass++) {
    hd_lease *lease = NULL;                                       /* heddle */
    if (request != NULL) status = acquire(u, request, 0, &lease); /* heddle */
    for (uint32_t i = 0; i < LAYERS && status == HD_OK; i++) {
      run_layer(&layers[i], s);
      if (request != NULL) status = checkpoint(u, request, i + 1, &lease); /* heddle */
    }
    u->sum += cblas_sasum(TOKENS * WIDTH, s->x, 1);
    cblas_sscal(TOKENS * WIDTH, 0.1f, s->x, 1);
  }
  return status;
}

/* The user's thread. Without a scheduler it runs as it always did. */
static void *serve(void *arg) {
  user *u = arg;
  scratch *s = calloc(1, sizeof *s);
  if (s == NULL) return NULL;
  hd_request *request = NULL;                                                             /* heddle */
  hd_request_desc desc = {.size = sizeof desc, .name = u->name, .class_id = u->class_id}; /* heddle */
  hd_status status =
      u->sched == NULL ? HD_OK : hd_request_begin(u->sched, &desc, &request, NULL); /* heddle */
  fill_random(s->x, TOKENS * WIDTH, u->seed, 1.0f);
  if (status == HD_OK) status = run_passes(u, request, s);
  hd_request_end(request, status); /* heddle */
  if (status != HD_OK) u->problem = hd_status_text(status);
  free(s);
  return NULL;
}

/* ---- heddle: BLAS as a device that the scheduler has no backend for ---- */
static hd_sched *make_sched(hd_host *host) {
  hd_sched_config config;
  hd_error error = {""};
  hd_sched *sched = NULL;
  hd_host_posix(host);
  hd_sched_config_default(&config);
  config.runtime.worker_count = 1; /* keeps the time; both of the engine's threads may sleep */
  config.policies = hd_policies_builtin();
  config.policy = "fair";
  hd_device_props blas = {
      .size = sizeof blas, .kind = HD_DEVICE_CPU, .name = "blas", .capacity = 1, .max_in_flight = 1};
  if (hd_sched_create(host, &config, &sched, &error) == HD_OK &&
      hd_sched_add_device(sched, &blas, NULL) == HD_OK)
    return sched;
  fprintf(stderr, "%s\n", error.text);
  hd_sched_destroy(sched);
  return NULL;
}

int main(void) {
  user users[2] = {{.name = "keyboard", .seed = 1, .class_id = HD_CLASS_INTERACTIVE},
                   {.name = "album", .seed = 2, .class_id = HD_CLASS_BACKGROUND}};
  pthread_t threads[2];
  bool good = true;
  hd_host host;                        /* heddle */
  hd_sched *sched = make_sched(&host); /* heddle */
  layers = calloc(LAYERS, sizeof *layers);
  if (layers == NULL || sched == NULL) return 1;
  fill_random(layers->qkv, LAYERS * sizeof *layers / sizeof(float), 7, 0.1f);
  for (int i = 1; i >= 0; i--) {
    users[i].sched = sched; /* heddle */
    if (pthread_create(&threads[i], NULL, serve, &users[i]) != 0) return 1;
  }
  for (int i = 0; i < 2; i++) {
    const user *u = &users[i];
    user alone = {.name = u->name, .seed = u->seed};
    pthread_join(threads[i], NULL);
    serve(&alone); /* the engine as it was: what must come out, but for rounding, which is up to BLAS's
                      threads */
    bool same = u->problem == NULL && fabs(u->sum - alone.sum) < 1e-4 * alone.sum;
    printf("%-8s %-11s %u leases, yielded %u times, waited %.1f ms, at most %.1f ms at once; %s\n", u->name,
           hd_class_name(u->class_id), u->leases, u->yields, (double)u->waited_ns / 1e6,
           (double)u->longest_wait_ns / 1e6, same ? "same result as alone" : "ANOTHER RESULT");
    good = good && same;
  }
  hd_sched_destroy(sched); /* heddle */
  free(layers);
  return good ? 0 : 1;
}
