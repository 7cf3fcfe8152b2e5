/* SPDX-License-Identifier: Apache-2.0 */
/* Pins as people write them: "cpu:0-3,sim:4-". */
#include "heddle/split.h"

#include <stdbool.h>
#include <string.h>

typedef struct parser {
  const char *text; /* all of it, for errors */
  const char *at;
  const char (*names)[HD_NAME_BYTES];
  uint32_t name_count;
  uint32_t n_layers;
  hd_error *error;
} parser;

/* Texts come from a command line: an error shows a bounded piece of it. */
enum { SHOWN_CHARS = 80 };

static hd_status fail(const parser *p, const char *where, const char *why) {
  return hd_fail(p->error, HD_E_FORMAT, "split \"%.*s\", character %u: %s", SHOWN_CHARS, p->text,
                 (unsigned)(where - p->text) + 1, why);
}

static hd_status parse_device(parser *p, uint16_t *out_device) {
  const char *colon = strchr(p->at, ':'), *comma = strchr(p->at, ',');
  if (colon == NULL || (comma != NULL && comma < colon) || colon == p->at)
    return fail(p, p->at, "expected NAME:FIRST-LAST");
  size_t length = (size_t)(colon - p->at);
  for (uint32_t i = 0; i < p->name_count; i++) {
    if (strlen(p->names[i]) != length || memcmp(p->names[i], p->at, length) != 0) continue;
    *out_device = (uint16_t)i;
    p->at = colon + 1;
    return HD_OK;
  }
  int shown = length < SHOWN_CHARS ? (int)length : SHOWN_CHARS;
  return hd_fail(p->error, HD_E_NOT_FOUND, "split \"%.*s\", character %u: no device is named \"%.*s\"",
                 SHOWN_CHARS, p->text, (unsigned)(p->at - p->text) + 1, shown, p->at);
}

static bool is_digit(char c) {
  return c >= '0' && c <= '9';
}

/* A layer that the model has. */
static hd_status parse_layer(parser *p, uint32_t *out_layer) {
  const char *begin = p->at;
  uint32_t layer = 0;
  if (!is_digit(*p->at)) return fail(p, p->at, "expected a layer's number");
  for (; is_digit(*p->at); p->at++)
    if (layer < p->n_layers)
      layer = layer * 10 + (uint32_t)(*p->at - '0'); /* beyond it, only "too large" matters */
  if (layer >= p->n_layers) {
    return hd_fail(p->error, HD_E_FORMAT, "split \"%.*s\", character %u: the model has layers 0 to %u",
                   SHOWN_CHARS, p->text, (unsigned)(begin - p->text) + 1, p->n_layers - 1);
  }
  *out_layer = layer;
  return HD_OK;
}

/* "FIRST-LAST", "FIRST-" or "N". */
static hd_status parse_range(parser *p, hd_split_pin *pin) {
  const char *begin = p->at;
  uint32_t first = 0, last = 0;
  hd_status status = parse_layer(p, &first);
  if (status != HD_OK) return status;
  last = first;
  if (*p->at == '-') {
    p->at++;
    last = p->n_layers - 1;
    if (*p->at != ',' && *p->at != '\0') status = parse_layer(p, &last);
    if (status != HD_OK) return status;
  }
  if (*p->at != ',' && *p->at != '\0') return fail(p, p->at, "expected ',' or the end");
  if (last < first) return fail(p, begin, "the last layer comes before the first");
  pin->layer_begin = (uint16_t)first;
  pin->layer_end = (uint16_t)(last + 1);
  return HD_OK;
}

hd_status hd_split_parse(const char *text, const char (*device_names)[HD_NAME_BYTES], uint32_t device_count,
                         uint32_t n_layers, hd_split_pin *out_pins, uint32_t cap, uint32_t *out_count,
                         hd_error *out_error) {
  parser p = {.text = text,
              .at = text,
              .names = device_names,
              .name_count = device_count,
              .n_layers = n_layers,
              .error = out_error};
  if (n_layers == 0) return fail(&p, text, "the model has no layers to pin");
  for (uint32_t count = 0;; count++) {
    const char *begin = p.at;
    hd_split_pin pin = {0};
    hd_status status = parse_device(&p, &pin.device);
    if (status == HD_OK) status = parse_range(&p, &pin);
    if (status != HD_OK) return status;
    for (uint32_t i = 0; i < count; i++)
      if (pin.layer_begin < out_pins[i].layer_end && out_pins[i].layer_begin < pin.layer_end)
        return fail(&p, begin, "a layer is given twice");
    if (count == cap)
      return hd_fail(out_error, HD_E_LIMIT, "split \"%.*s\": more than %u parts", SHOWN_CHARS, text, cap);
    out_pins[count] = pin;
    if (*p.at == '\0') {
      *out_count = count + 1;
      return HD_OK;
    }
    p.at++; /* the comma; what follows must be another part */
  }
}
