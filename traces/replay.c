/* SPDX-License-Identifier: Apache-2.0 */
/* Replay: a trace's events through a new control plane, its decisions beside the recorded ones. */
#include <assert.h>
#include <string.h>
#include "heddle/implement/policy.h"
#include "traces/file.h"

/* Longer than any line that hd_trace_format writes: names are at most 48 bytes and an escaped byte takes 4.
 */
#define LINE_BYTES 1024

typedef struct replay {
  const hd_trace_file *file;
  hd_control *control;
  FILE *out_decisions;
  hd_replay_result *result;
  size_t next; /* first decision of the last event that is not compared yet */
} replay;

/* The configuration stands before the first event. */
static bool read_config(const hd_trace_file *file, hd_control_config *out_config) {
  bool found = false;
  hd_control_config_default(out_config);
  for (size_t i = 0; i < file->count && !hd_record_is_event(&file->records[i]); i++) {
    if (file->records[i].kind != HD_IN_CONFIG) continue;
    hd_control_config_read(out_config, &file->records[i]);
    found = true;
  }
  return found;
}

static hd_status differ(replay *r, size_t index, const hd_record *recorded, const hd_record *replayed) {
  r->result->identical = false;
  r->result->first_difference = index;
  if (recorded) r->result->recorded = *recorded;
  if (replayed) r->result->replayed = *replayed;
  return HD_OK;
}

static void write_decisions(const replay *r) {
  size_t count = 0;
  const hd_record *decisions = hd_control_decisions(r->control, &count);
  for (size_t i = 0; i < count && r->out_decisions; i++) {
    char text[LINE_BYTES];
    hd_trace_format(r->file, &decisions[i], text, sizeof text);
    fprintf(r->out_decisions, "%s\n", text);
  }
}

/* Feeds the event at `index`; false when it came with another number than was recorded. */
static bool feed(replay *r, size_t index, hd_status *out_status) {
  const hd_record *recorded = &r->file->records[index];
  hd_record event = *recorded;
  *out_status = hd_control_event(r->control, &event);
  /* An event that broke the contract or found a table full did so when it was recorded, too. */
  if (*out_status == HD_E_INVALID || *out_status == HD_E_LIMIT) *out_status = HD_OK;
  if (*out_status != HD_OK) return true;
  r->next = 0;
  r->result->events++;
  write_decisions(r);
  if (memcmp(&event, recorded, sizeof event) == 0) return true;
  differ(r, index, recorded, &event);
  return false;
}

/* The next replayed decision of the last event; NULL when there is none left. */
static const hd_record *pending(const replay *r) {
  size_t count = 0;
  if (r->result->events == 0) return NULL;
  const hd_record *decisions = hd_control_decisions(r->control, &count);
  return r->next < count ? &decisions[r->next] : NULL;
}

/* Up to the first difference: what follows one comes from another history. */
static hd_status run(replay *r) {
  const hd_trace_file *file = r->file;
  hd_status status = HD_OK;
  for (size_t i = 0; i < file->count; i++) {
    const hd_record *recorded = &file->records[i];
    const hd_record *replayed = pending(r);
    if (hd_record_is_event(recorded)) {
      if (replayed) return differ(r, i, NULL, replayed);
      if (!feed(r, i, &status) || status != HD_OK) return status;
    } else if (hd_record_is_decision(recorded)) {
      r->result->decisions++;
      if (!replayed || memcmp(recorded, replayed, sizeof *recorded) != 0)
        return differ(r, i, recorded, replayed);
      r->next++;
    }
  }
  const hd_record *left = pending(r);
  return left ? differ(r, file->count, NULL, left) : HD_OK;
}

static hd_status fail_incomplete(const hd_trace_file *file, hd_error *out_error) {
  if (file->cut_short)
    return hd_fail(out_error, HD_E_FORMAT,
                   "%s: byte %zu: the trace is cut short here; replay needs all of it", file->source,
                   file->cut_at);
  return hd_fail(out_error, HD_E_FORMAT,
                 "%s: %llu records were lost while recording; replay needs all of them", file->source,
                 (unsigned long long)file->lost);
}

hd_status hd_trace_replay(const hd_host *host, const hd_trace_file *file,
                          const struct hd_policy_ops *const *policies, FILE *out_decisions,
                          hd_replay_result *out_result, hd_error *out_error) {
  assert(host && file && policies && policies[0] && out_result);
  hd_control_config config;
  if (hd_trace_is_truncated(file)) return fail_incomplete(file, out_error);
  if (!read_config(file, &config))
    return hd_fail(out_error, HD_E_FORMAT, "%s: no configuration before the first event", file->source);
  const char *name = hd_trace_find_name(file, HD_NAME_POLICY, 0);
  if (!name) return hd_fail(out_error, HD_E_FORMAT, "%s: the trace does not name its policy", file->source);
  const hd_policy_ops *policy = hd_policy_find(policies, name);
  if (!policy)
    return hd_fail(out_error, HD_E_NOT_FOUND, "%s: policy \"%s\" is not in this build", file->source, name);

  hd_replay_result result = {.identical = true};
  replay r = {.file = file, .out_decisions = out_decisions, .result = &result};
  hd_status status = hd_control_create(host, &config, policy, policies[0], &r.control);
  if (status != HD_OK)
    return hd_fail(out_error, status, "%s: no control plane for its configuration: %s", file->source,
                   hd_status_text(status));
  status = run(&r);
  hd_control_destroy(r.control);
  if (status != HD_OK)
    return hd_fail(out_error, status, "%s: event %llu: %s", file->source,
                   (unsigned long long)result.events + 1, hd_status_text(status));
  *out_result = result;
  return HD_OK;
}
