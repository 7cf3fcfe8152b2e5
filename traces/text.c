/* SPDX-License-Identifier: Apache-2.0 */
/* The text form of a record: "TIME SEQ KIND key=value ...". Time is the host's clock in ms with the µs as
 * decimals; seq is "-" for information that the control plane never saw; ranges are half-open (ops=0..12 are
 * ops 0 to 11); a request or graph is written id:name where the trace names it, a device by its name. Bytes
 * of names that would break a word or a terminal are written \xNN. Whoever parses this form finds fields by
 * key: later versions may append some. */
#include <assert.h>
#include <inttypes.h>
#include <stdarg.h>
#include <string.h>
#include "traces/file.h"
#include "traces/words.h"

typedef struct line {
  char *out;
  size_t cap;
  size_t length; /* of the whole text, also of what did not fit */
  const hd_trace_file *file;
  size_t at; /* index of the record in the file; SIZE_MAX: it is not of the file */
} line;

__attribute__((format(printf, 2, 3))) static void put(line *l, const char *format, ...) {
  va_list args;
  va_start(args, format);
  size_t room = l->length < l->cap ? l->cap - l->length : 0;
  int n = vsnprintf(room > 0 ? l->out + l->length : NULL, room, format, args);
  va_end(args);
  if (n > 0) l->length += (size_t)n;
}

static void put_escaped(line *l, const char *text) {
  for (const char *c = text; *c; c++) {
    unsigned byte = (uint8_t)*c;
    if (byte > 0x20 && byte < 0x7f && byte != '\\')
      put(l, "%c", (int)byte);
    else
      put(l, "\\x%02x", byte);
  }
}

static void put_number(line *l, const char *key, uint64_t number) {
  put(l, " %s=%" PRIu64, key, number);
}

static void put_signed(line *l, const char *key, uint64_t number) {
  put(l, " %s=%" PRId64, key, (int64_t)number);
}

static void put_range(line *l, const char *key, uint64_t begin, uint64_t end) {
  put(l, " %s=%" PRIu64 "..%" PRIu64, key, begin, end);
}

static void put_word(line *l, const char *key, hdi_vocabulary vocabulary, uint64_t number) {
  const char *word = hdi_word(vocabulary, number);
  if (word)
    put(l, " %s=%s", key, word);
  else
    put_number(l, key, number);
}

static void put_status(line *l, uint64_t negated) {
  put_word(l, "status", HDI_WORDS_STATUS, negated);
}

static const char *name_of(const line *l, hd_name_kind kind, uint32_t id) {
  return l->file ? hdi_name_at(l->file, kind, id, l->at) : NULL;
}

static void put_device(line *l, const char *key, uint64_t device) {
  const char *name = device < HD_DEVICES_MAX ? name_of(l, HD_NAME_DEVICE, (uint32_t)device) : NULL;
  if (name) {
    put(l, " %s=", key);
    put_escaped(l, name);
  } else if (device == HD_RECORD_NO_DEVICE) {
    put(l, " %s=none", key);
  } else {
    put_number(l, key, device);
  }
}

static void put_named(line *l, const char *key, hd_name_kind kind, uint32_t id) {
  put_number(l, key, id);
  const char *name = name_of(l, kind, id);
  if (!name) return;
  put(l, ":");
  put_escaped(l, name);
}

static void put_graph(line *l, uint32_t id) {
  put_named(l, "graph", HD_NAME_GRAPH, id);
}
static void put_request(line *l, uint32_t id) {
  put_named(l, "request", HD_NAME_REQUEST, id);
}

/* What a step asks for; `unit` is what it counts in: ops, or layers for a lease. */
static void put_step_event(line *l, const hd_record *r, const char *id_key, const char *unit) {
  hd_step_fields f = hd_record_unpack_step(r);
  put_request(l, r->request);
  put_number(l, id_key, r->step);
  put_device(l, "device", r->device);
  put_graph(l, f.graph);
  put_word(l, "phase", HDI_WORDS_PHASE, f.phase);
  put_range(l, unit, f.op_begin, f.op_end);
  put_number(l, "tokens", f.n_tokens);
  put_number(l, "kv_pos", f.kv_pos);
  put_number(l, "outputs", f.n_outputs);
  if (f.flags) put_number(l, "flags", f.flags);
}

static void put_done(line *l, const hd_record *r) {
  hd_done_fields f = hd_record_unpack_done(r);
  put_number(l, "step", r->step);
  put_device(l, "device", r->device);
  put_status(l, f.status);
  put_number(l, "reached", f.op_reached);
  put_number(l, "elapsed_ns", r->a);
  put_number(l, "energy_uj", f.energy_uj);
  put_word(l, "energy", HDI_WORDS_ENERGY, f.energy_source);
}

static void put_device_param(line *l, const hd_record *r) {
  put_device(l, "device", r->device);
  put_word(l, "param", HDI_WORDS_DEVICE_PARAM, r->step);
  if (r->step == HD_PARAM_KIND)
    put_word(l, "value", HDI_WORDS_DEVICE_KIND, r->a);
  else
    put_number(l, "value", r->a);
}

static void put_op(line *l, const hd_record *r) {
  put_graph(l, r->request);
  put_number(l, "op", r->step);
  put(l, " layer=%d", (int)r->device - 1);
  put_number(l, "weight_bytes", r->a);
  put_number(l, "flops_per_row", r->b & ~(UINT64_C(1) << 63));
  put_number(l, "per_output", r->b >> 63);
}

/* What the world is made of. */
static bool put_world(line *l, const hd_record *r) {
  switch (r->kind) {
  case HD_EV_DEVICE_PARAM:
    put_device_param(l, r);
    return true;
  case HD_EV_DEVICE_STATE:
    put_device(l, "device", r->device);
    put_word(l, "state", HDI_WORDS_DEVICE_STATE, r->a);
    return true;
  case HD_EV_GRAPH:
    put_graph(l, r->request);
    put_number(l, "ops", r->a);
    put_number(l, "layers", r->b);
    put_number(l, "border_bytes_per_row", r->step);
    return true;
  case HD_EV_OP:
    put_op(l, r);
    return true;
  case HD_EV_OP_CONTEXT:
    put_graph(l, r->request);
    put_number(l, "op", r->step);
    put_number(l, "context_bytes_per_row", r->a);
    put_number(l, "context_flops_per_row", r->b);
    return true;
  case HD_EV_PIN:
    put_graph(l, r->request);
    put_device(l, "device", r->device);
    put_range(l, "layers", r->a, r->b);
    return true;
  case HD_EV_PLAN:
    put_graph(l, r->request);
    put_word(l, "phase", HDI_WORDS_PHASE, r->a);
    return true;
  case HD_EV_GRAPH_END:
    put_graph(l, r->request);
    return true;
  case HD_EV_SENSOR:
    put_device(l, "device", r->device);
    put_word(l, "sensor", HDI_WORDS_SENSOR, r->step);
    put_signed(l, "value", r->a);
    return true;
  case HD_EV_TIME:
    return true;
  default:
    return false;
  }
}

static void put_request_event(line *l, const hd_record *r) {
  const char *class_name = r->device < HD_CLASS_COUNT ? hd_class_name((hd_class)r->device) : NULL;
  put_request(l, r->request);
  if (class_name)
    put(l, " class=%s", class_name);
  else
    put_number(l, "class", r->device);
  put_number(l, "client", r->step);
  put_number(l, "memory_bytes", r->a);
  put_number(l, "deadline_ns", r->b);
}

/* What requests do. */
static bool put_work(line *l, const hd_record *r) {
  switch (r->kind) {
  case HD_EV_REQUEST:
    put_request_event(l, r);
    return true;
  case HD_EV_REQUEST_END:
    put_request(l, r->request);
    put_status(l, r->a);
    return true;
  case HD_EV_CANCEL:
    put_request(l, r->request);
    return true;
  case HD_EV_STEP:
    put_step_event(l, r, "step", "ops");
    return true;
  case HD_EV_LEASE:
    put_step_event(l, r, "lease", "layers");
    return true;
  case HD_EV_DONE:
    put_done(l, r);
    return true;
  case HD_EV_WAIT:
    put_request(l, r->request);
    put_number(l, "for", r->step);
    put_number(l, "waits", r->a);
    return true;
  default:
    return false;
  }
}

static void put_run(line *l, const hd_record *r, const char *id_key, const char *unit, const char *b_key) {
  hd_run_fields f = hd_record_unpack_run(r->a);
  put_request(l, r->request);
  put_number(l, id_key, r->step);
  put_device(l, "device", r->device);
  put_range(l, unit, f.op_begin, f.op_end);
  put_number(l, "width", f.width);
  put_number(l, "launch", f.launch);
  put_number(l, b_key, r->b);
}

static void put_step_of_request(line *l, const hd_record *r) {
  put_request(l, r->request);
  put_number(l, "step", r->step);
}

/* Decisions about requests and steps. */
static bool put_decision(line *l, const hd_record *r) {
  switch (r->kind) {
  case HD_DE_ADMIT:
    put_request(l, r->request);
    return true;
  case HD_DE_REFUSE:
    put_request(l, r->request);
    put_word(l, "reason", HDI_WORDS_REFUSAL, r->b);
    put_number(l, "retry_after_ns", r->a);
    return true;
  case HD_DE_RUN:
    put_run(l, r, "step", "ops", "expected_ns");
    return true;
  case HD_DE_GRANT:
    put_run(l, r, "lease", "layers", "slice_ns");
    return true;
  case HD_DE_STOP:
    put_step_of_request(l, r);
    put_device(l, "device", r->device);
    return true;
  case HD_DE_COMPLETE:
    put_step_of_request(l, r);
    put_status(l, r->a);
    put_number(l, "device_ns", r->b);
    return true;
  case HD_DE_MOVE:
    put_step_of_request(l, r);
    put_device(l, "device", r->device);
    put_device(l, "from", r->a);
    return true;
  case HD_DE_RECLAIM:
    put_request(l, r->request);
    put_number(l, "lease", r->step);
    put_device(l, "device", r->device);
    put_number(l, "held_ns", r->a);
    put_number(l, "asked_ns_ago", r->b);
    return true;
  default:
    return false;
  }
}

/* Decisions about devices, graphs, policies and time. */
static bool put_course(line *l, const hd_record *r) {
  switch (r->kind) {
  case HD_DE_SPLIT:
    put_graph(l, r->request);
    put_device(l, "device", r->device);
    put_word(l, "phase", HDI_WORDS_PHASE, r->step);
    put_range(l, "ops", r->a, r->b);
    return true;
  case HD_DE_FENCE:
    put_device(l, "device", r->device);
    put_word(l, "reason", HDI_WORDS_FENCE, r->a);
    put_number(l, "failures", r->b);
    return true;
  case HD_DE_TIMER:
    put_number(l, "at_ns", r->b);
    return true;
  case HD_DE_FALLBACK:
    put_word(l, "fault", HDI_WORDS_FAULT, r->a);
    put_number(l, "faults", r->b);
    return true;
  case HD_DE_REPLACED:
    put_number(l, "faults", r->b);
    return true;
  default:
    return false;
  }
}

static void put_name(line *l, const hd_record *r) {
  char text[17] = {0};
  for (unsigned i = 0; i < 8; i++) {
    text[i] = (char)(uint8_t)(r->a >> (8 * i) & 0xffu);
    text[8 + i] = (char)(uint8_t)(r->b >> (8 * i) & 0xffu);
  }
  put_word(l, "of", HDI_WORDS_NAME_KIND, r->step);
  put_number(l, "id", r->request);
  put_number(l, "piece", r->device);
  put(l, " text=");
  put_escaped(l, text);
}

static bool put_information(line *l, const hd_record *r) {
  switch (r->kind) {
  case HD_IN_CONFIG:
    put_word(l, "key", HDI_WORDS_CONFIG_KEY, r->step);
    put_number(l, "class", r->request);
    put_number(l, "value", r->a);
    return true;
  case HD_IN_NAME:
    put_name(l, r);
    return true;
  case HD_IN_SUBMIT:
    put_number(l, "step", r->step);
    put_device(l, "device", r->device);
    put_status(l, r->a);
    return true;
  case HD_IN_MARK:
    put_request(l, r->request);
    put_number(l, "mark", r->step);
    put_number(l, "value", r->a);
    return true;
  case HD_IN_DROPPED:
    put_number(l, "ring", r->step);
    put_number(l, "records", r->a);
    return true;
  default:
    return false;
  }
}

/* A kind of a later version: its bare fields. */
static void put_bare(line *l, const hd_record *r) {
  put_number(l, "device", r->device);
  put_number(l, "request", r->request);
  put_number(l, "step", r->step);
  put_number(l, "a", r->a);
  put_number(l, "b", r->b);
}

static size_t index_in(const hd_trace_file *file, const hd_record *record) {
  if (!file || file->count == 0) return SIZE_MAX;
  uintptr_t first = (uintptr_t)file->records, at = (uintptr_t)record;
  if (at < first || at >= first + file->count * sizeof(hd_record)) return SIZE_MAX;
  return (size_t)(at - first) / sizeof(hd_record);
}

int hd_trace_format(const hd_trace_file *file, const hd_record *record, char *out_text, size_t bytes) {
  assert(record && (out_text || bytes == 0));
  line l = {.out = out_text, .cap = bytes, .file = file, .at = index_in(file, record)};
  if (bytes > 0) out_text[0] = '\0';
  put(&l, "%" PRIu64 ".%03" PRIu64, record->t_ns / 1000000u, record->t_ns / 1000u % 1000u);
  if (record->seq != 0)
    put(&l, " %" PRIu32, record->seq);
  else
    put(&l, " -");
  const char *kind = hdi_word(HDI_WORDS_RECORD_KIND, record->kind);
  if (kind)
    put(&l, " %s", kind);
  else
    put(&l, " kind_%u", (unsigned)record->kind);
  if (!put_world(&l, record) && !put_work(&l, record) && !put_decision(&l, record) &&
      !put_course(&l, record) && !put_information(&l, record))
    put_bare(&l, record);
  return (int)l.length;
}
