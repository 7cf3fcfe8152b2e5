/* SPDX-License-Identifier: Apache-2.0 */
/* Knows how a token is drawn: the likeliest, or by chance among the likely. */
#include "sample.h"

#include <math.h>

void he_sampling_default(he_sampling *out_sampling) {
  /* Greedy: the answer that needs no explanation. The others are llama.cpp's defaults, used once temperature
   * is set. */
  *out_sampling =
      (he_sampling){.size = sizeof *out_sampling, .temperature = 0.0f, .top_k = 40, .top_p = 0.95f};
}

/* The multiplier and the increment of the paper's reference implementation. */
#define PCG_MULTIPLIER 6364136223846793005u
#define PCG_INCREMENT  1442695040888963407u

uint64_t hei_random_seed(uint64_t seed) {
  return (seed + PCG_INCREMENT) * PCG_MULTIPLIER + PCG_INCREMENT;
}

uint32_t hei_random(uint64_t *state) {
  uint64_t old = *state;
  *state = old * PCG_MULTIPLIER + PCG_INCREMENT;
  uint32_t mixed = (uint32_t)(((old >> 18) ^ old) >> 27);
  uint32_t turn = (uint32_t)(old >> 59);
  return (mixed >> turn) | (mixed << ((32 - turn) & 31));
}

hd_status hei_sampler_init(hei_sampler *sampler, const hd_host *host, const he_sampling *how,
                           uint32_t n_vocab, hd_error *out_error) {
  if (!(how->temperature >= 0.0f) || !isfinite(how->temperature))
    return hd_fail(out_error, HD_E_INVALID, "a temperature of %g; it is 0 (greedy) or more",
                   (double)how->temperature);
  if (!(how->top_p >= 0.0f && how->top_p <= 1.0f))
    return hd_fail(out_error, HD_E_INVALID, "a top_p of %g; it is a probability, 0 to 1", (double)how->top_p);
  hei_choice *choices = NULL;
  if (how->temperature > 0.0f) {
    choices = hd_host_zalloc(host, n_vocab, sizeof *choices, _Alignof(hei_choice));
    if (choices == NULL)
      return hd_fail(out_error, HD_E_NO_MEMORY, "no memory to choose among %u tokens", n_vocab);
  }
  *sampler = (hei_sampler){host, *how, n_vocab, hei_random_seed(how->seed), choices};
  return HD_OK;
}

void hei_sampler_finish(hei_sampler *sampler) {
  if (sampler->host == NULL) return;
  hd_host_free(sampler->host, sampler->choices, sampler->n_vocab, sizeof *sampler->choices);
  *sampler = (hei_sampler){0};
}

/* The lowest id among the likeliest; -1 when a logit is no number or none is finite. */
static int32_t likeliest(const float *logits, uint32_t n_vocab) {
  int32_t best = -1;
  for (uint32_t i = 0; i < n_vocab; i++) {
    if (isnan(logits[i]) || logits[i] == INFINITY) return -1;
    if (best < 0 || logits[i] > logits[best]) best = (int32_t)i;
  }
  return best >= 0 && isfinite(logits[best]) ? best : -1;
}

/* Likelier first; the lower id among equals, so that the order is one on every machine. */
static bool goes_before(hei_choice a, hei_choice b) {
  return a.logit > b.logit || (a.logit == b.logit && a.id < b.id);
}

/* Restores a heap whose least likely choice is on top, from `at` down. */
static void sift(hei_choice *heap, uint32_t count, uint32_t at) {
  hei_choice moved = heap[at];
  for (uint64_t child = 2 * (uint64_t)at + 1; child < count; child = 2 * (uint64_t)at + 1) {
    if (child + 1 < count && goes_before(heap[child], heap[child + 1])) child++;
    if (!goes_before(moved, heap[child])) break;
    heap[at] = heap[child];
    at = (uint32_t)child;
  }
  heap[at] = moved;
}

/* The `count` likeliest, likeliest first, into sampler->choices: O(n + changes * log count). */
static void select_top(hei_sampler *sampler, const float *logits, uint32_t count) {
  hei_choice *heap = sampler->choices;
  for (uint32_t i = 0; i < count; i++)
    heap[i] = (hei_choice){logits[i], (int32_t)i};
  for (uint32_t i = count / 2; i-- > 0;)
    sift(heap, count, i);
  for (uint32_t i = count; i < sampler->n_vocab; i++) {
    hei_choice choice = {logits[i], (int32_t)i};
    if (!goes_before(choice, heap[0])) continue;
    heap[0] = choice;
    sift(heap, count, 0);
  }
  for (uint32_t left = count; left > 1; left--) { /* heap sort: the least likely goes last */
    hei_choice last = heap[left - 1];
    heap[left - 1] = heap[0];
    heap[0] = last;
    sift(heap, left - 1, 0);
  }
}

static double weight_of(float logit, float highest, double temperature) {
  return exp(((double)logit - (double)highest) / temperature);
}

/* How many of the choices, likeliest first, reach top_p of `total`; `count` when they all do not. */
static uint32_t cut_at(const hei_sampler *sampler, uint32_t count, double total) {
  double sum = 0.0;
  for (uint32_t i = 0; i < count; i++) {
    sum += weight_of(sampler->choices[i].logit, sampler->choices[0].logit, 1.0);
    if (sum >= (double)sampler->how.top_p * total) return i + 1;
  }
  return count;
}

/* Fills the choices by top_k and top_p and returns how many there are. */
static uint32_t select_choices(hei_sampler *sampler, const float *logits, float highest) {
  uint32_t n = sampler->n_vocab, k = sampler->how.top_k;
  if (k > 0 && k < n) {
    select_top(sampler, logits, k);
    double total = 0.0;
    for (uint32_t i = 0; i < k; i++)
      total += weight_of(sampler->choices[i].logit, highest, 1.0);
    return sampler->how.top_p < 1.0f ? cut_at(sampler, k, total) : k;
  }
  if (sampler->how.top_p >= 1.0f) {
    select_top(sampler, logits, n);
    return n;
  }
  /* top_p alone: the few likeliest mostly suffice, so they are sorted first and more only when they do not.
   */
  double total = 0.0;
  for (uint32_t i = 0; i < n; i++)
    total += weight_of(logits[i], highest, 1.0);
  for (uint32_t tried = 256;; tried *= 8) {
    if (tried > n / 8) tried = n;
    select_top(sampler, logits, tried);
    uint32_t count = cut_at(sampler, tried, total);
    if (count < tried || tried == n) return count;
  }
}

hd_status hei_sample(hei_sampler *sampler, const float *logits, int32_t *out_id) {
  int32_t best = likeliest(logits, sampler->n_vocab);
  if (best < 0) return HD_E_DEVICE;
  *out_id = best;
  if (sampler->how.temperature <= 0.0f) return HD_OK;
  uint32_t count = select_choices(sampler, logits, logits[best]);
  double temperature = (double)sampler->how.temperature, total = 0.0;
  for (uint32_t i = 0; i < count; i++)
    total += weight_of(sampler->choices[i].logit, logits[best], temperature);
  /* 32 random bits, at the middle of their interval: never 0, never 1. */
  double left = total * (((double)hei_random(&sampler->random) + 0.5) / 4294967296.0);
  for (uint32_t i = 0; i < count; i++) {
    *out_id = sampler->choices[i].id;
    left -= weight_of(sampler->choices[i].logit, logits[best], temperature);
    if (left < 0.0) break;
  }
  return HD_OK;
}

double hei_nll(const float *logits, uint32_t n_vocab, int32_t id) {
  double highest = -INFINITY, sum = 0.0;
  for (uint32_t i = 0; i < n_vocab; i++) {
    if ((double)logits[i] > highest)
      highest = (double)logits[i]; /* gcc 12 for aarch64 fails on fmax() here */
  }
  for (uint32_t i = 0; i < n_vocab; i++)
    sum += exp((double)logits[i] - highest);
  return highest + log(sum) - (double)logits[id];
}
