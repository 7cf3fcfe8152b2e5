/* SPDX-License-Identifier: Apache-2.0 */
/* The option text: a table of names, bounds and words. */
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include "heddle/device.h"
#include "heddle/graph.h"
#include "sim/options.h"

#define US_MAX UINT64_C(60000000) /* a minute */
#define RATE_MAX                                                                                             \
  UINT64_C(1000000000000) /* 1000 s for a MiB or MFLOP: sums of such stay far from overflow                  \
                           */
#define ANY_MAX UINT64_C(1000000000000)

typedef struct word {
  const char *text;
  uint64_t value;
} word;

static const word kind_words[] = {
    {"cpu", HD_DEVICE_CPU}, {"gpu", HD_DEVICE_GPU}, {"npu", HD_DEVICE_NPU}, {NULL, 0}};
static const word cut_words[] = {{"op", SIM_CUT_ANYWHERE}, {"layer", SIM_CUT_LAYER}, {NULL, 0}};
static const word lie_words[] = {{"short", SIM_LIE_SHORT},
                                 {"beyond", SIM_LIE_BEYOND},
                                 {"unknown", SIM_LIE_UNKNOWN},
                                 {"twice", SIM_LIE_TWICE},
                                 {NULL, 0}};
static const word op_words[] = {{"embed", HD_OP_EMBED},       {"select", HD_OP_SELECT},
                                {"rms_norm", HD_OP_RMS_NORM}, {"matmul", HD_OP_MATMUL},
                                {"add", HD_OP_ADD},           {"rope", HD_OP_ROPE},
                                {"kv_store", HD_OP_KV_STORE}, {"attention", HD_OP_ATTENTION},
                                {"swiglu", HD_OP_SWIGLU},     {NULL, 0}};

typedef struct option {
  const char *name;
  size_t offset; /* in sim_options */
  uint64_t low, high;
  const word *words; /* the values it takes; NULL: numbers */
} option;

#define NUMBER(field, low, high)                                                                             \
  { #field, offsetof(sim_options, field), low, high, NULL }
#define WORDS(field, words)                                                                                  \
  { #field, offsetof(sim_options, field), 0, 0, words }
static const option options_known[] = {
    NUMBER(count, 1, SIM_DEVICES_MAX),
    WORDS(kind, kind_words),
    WORDS(cut, cut_words),
    NUMBER(capacity, 1, SIM_UNITS_MAX),
    NUMBER(max_in_flight, 1, SIM_IN_FLIGHT_MAX),
    WORDS(without, op_words),
    NUMBER(temperature_mdegc, 0, 200000),
    NUMBER(latency_us, 0, US_MAX),
    NUMBER(ns_per_mib, 0, RATE_MAX),
    NUMBER(ns_per_mflop, 0, RATE_MAX),
    NUMBER(transfer_ns_per_mib, 0, RATE_MAX),
    NUMBER(power_uw, 0, ANY_MAX),
    NUMBER(late_us, 0, US_MAX),
    NUMBER(jitter_us, 0, US_MAX),
    NUMBER(seed, 0, ANY_MAX),
    NUMBER(fail_after, 0, ANY_MAX),
    NUMBER(fail_every, 0, ANY_MAX),
    NUMBER(fail_once, 0, ANY_MAX),
    NUMBER(hang_after, 0, ANY_MAX),
    NUMBER(busy_every, 0, ANY_MAX),
    WORDS(lie, lie_words),
    NUMBER(lie_after, 1, ANY_MAX),
};
#define OPTION_COUNT (sizeof options_known / sizeof options_known[0])

/* A phone's GPU, about: 100 GFLOP/s, 20 GB/s of weights, 10 GB/s of activations in and out, 20 us a launch, 2
 * W. Source: orders of magnitude of a mid-range mobile GPU; whoever models a real one gives its numbers. */
static const sim_options defaults = {
    .count = 1,
    .kind = HD_DEVICE_GPU,
    .capacity = 1,
    .max_in_flight = 2,
    .without = HD_OP_COUNT,
    .latency_us = 20,
    .ns_per_mib = 50000,
    .ns_per_mflop = 10000,
    .transfer_ns_per_mib = 100000,
    .power_uw = 2000000,
    .lie_after = 1,
};

/* A piece of the text. */
typedef struct piece {
  const char *at;
  size_t length;
} piece;

static bool is(piece p, const char *text) {
  return strlen(text) == p.length && memcmp(p.at, text, p.length) == 0;
}

/* Decimal digits alone. */
static bool read_number(piece p, uint64_t *out) {
  uint64_t x = 0;
  if (p.length == 0 || p.length > 13) return false; /* 13 digits: above every bound, far from overflow */
  for (size_t i = 0; i < p.length; i++) {
    if (p.at[i] < '0' || p.at[i] > '9') return false;
    x = x * 10 + (uint64_t)(p.at[i] - '0');
  }
  *out = x;
  return true;
}

static bool read_word(piece p, const word *words, uint64_t *out) {
  for (; words->text; words++) {
    if (!is(p, words->text)) continue;
    *out = words->value;
    return true;
  }
  return false;
}

static hd_status fail_value(const option *known, piece value, hd_error *out_error) {
  char takes[128];
  size_t n = 0;
  if (known->words)
    for (const word *w = known->words; w->text && n < sizeof takes; w++)
      n += (size_t)snprintf(takes + n, sizeof takes - n, "%s%s", n > 0 ? ", " : "", w->text);
  else
    snprintf(takes, sizeof takes, "%llu to %llu", (unsigned long long)known->low,
             (unsigned long long)known->high);
  return hd_fail(out_error, HD_E_FORMAT, "sim: option \"%s\" does not take \"%.*s\"; it takes %s",
                 known->name, (int)(value.length < 40 ? value.length : 40), value.at, takes);
}

/* All names fit behind a short wrong one; behind a long one the line is cut. */
static hd_status fail_name(piece name, hd_error *out_error) {
  char known[HD_ERROR_TEXT_BYTES] = "";
  size_t n = 0;
  for (size_t i = 0; i < OPTION_COUNT && n < sizeof known; i++)
    n += (size_t)snprintf(known + n, sizeof known - n, " %s", options_known[i].name);
  return hd_fail(out_error, HD_E_FORMAT, "sim: unknown option \"%.*s\"; known:%s",
                 (int)(name.length < 40 ? name.length : 40), name.at, known);
}

static hd_status set(sim_options *options, piece name, piece value, hd_error *out_error) {
  for (size_t i = 0; i < OPTION_COUNT; i++) {
    const option *known = &options_known[i];
    if (!is(name, known->name)) continue;
    uint64_t x = 0;
    bool fits = known->words ? read_word(value, known->words, &x)
                             : read_number(value, &x) && x >= known->low && x <= known->high;
    if (!fits) return fail_value(known, value, out_error);
    memcpy((char *)options + known->offset, &x, sizeof x);
    return HD_OK;
  }
  return fail_name(name, out_error);
}

hd_status hdb_sim_options_parse(const char *text, sim_options *out_options, hd_error *out_error) {
  sim_options options = defaults;
  for (const char *at = text ? text : ""; *at;) {
    size_t length = strcspn(at, ";");
    const char *equals = memchr(at, '=', length);
    piece name = {at, equals ? (size_t)(equals - at) : length};
    piece value = {equals ? equals + 1 : at + length, equals ? length - name.length - 1 : 0};
    hd_status status = set(&options, name, value, out_error);
    if (status != HD_OK) return status;
    at += length + (at[length] == ';');
  }
  *out_options = options;
  return HD_OK;
}
