/* SPDX-License-Identifier: Apache-2.0 */
/* Sessions: one block of memory for KV cache and arena, and the address of every value in it. */
#include "live.h"

#include <stdalign.h>

enum { DEFAULT_RUN_TOKENS = 128, DEFAULT_RUN_OUTPUTS = 1 };

/* Whole groups of turned keys still have a number (hd_rows_of). */
#define CONTEXT_MAX (UINT32_MAX / HD_KV_GROUP * HD_KV_GROUP)

static hd_session_desc with_defaults(const hd_model *model, const hd_session_desc *given) {
  hd_session_desc desc = *given;
  if (desc.max_context == 0) desc.max_context = hd_graph_describe(model->graph)->max_context;
  if (desc.max_tokens == 0) desc.max_tokens = DEFAULT_RUN_TOKENS;
  if (desc.max_tokens > desc.max_context) desc.max_tokens = desc.max_context;
  if (desc.max_outputs == 0) desc.max_outputs = DEFAULT_RUN_OUTPUTS;
  if (desc.max_outputs > desc.max_tokens) desc.max_outputs = desc.max_tokens;
  return desc;
}

static uint64_t kv_value_bytes(const hd_value_desc *value, uint32_t max_context) {
  uint32_t rows = hd_rows_of(value, 0, 0, max_context);
  uint64_t bytes = (uint64_t)hd_format_row_bytes(value->format, value->cols) * rows;
  return (bytes + HD_BUFFER_ALIGN - 1) / HD_BUFFER_ALIGN * HD_BUFFER_ALIGN;
}

uint64_t hd_session_bytes(const hd_model *model, const hd_session_desc *given) {
  hd_session_desc desc = with_defaults(model, given);
  if (desc.max_context > CONTEXT_MAX) return 0;
  uint32_t count = 0;
  const hd_value_desc *values = hd_graph_values(model->graph, &count);
  uint64_t bytes = hd_graph_arena_bytes(model->graph, desc.max_tokens, desc.max_outputs);
  for (uint32_t v = 0; v < count; v++)
    if (values[v].kind == HD_VALUE_KV) bytes += kv_value_bytes(&values[v], desc.max_context);
  return bytes;
}

static void address_values(hd_session *session) {
  uint32_t count = 0;
  const hd_graph *graph = session->model->graph;
  const hd_value_desc *values = hd_graph_values(graph, &count);
  unsigned char *next = session->memory;
  for (uint32_t v = 0; v < count; v++) {
    session->values[v] = session->model->values[v];
    if (values[v].kind != HD_VALUE_KV) continue;
    session->values[v] = next;
    next += kv_value_bytes(&values[v], session->max_context);
  }
  for (uint32_t v = 0; v < count; v++)
    if (values[v].kind == HD_VALUE_ACTIVATION)
      session->values[v] =
          next + hd_graph_arena_offset(graph, (hd_value)v, session->max_tokens, session->max_outputs);
}

hd_status hd_session_create(hd_model *model, const hd_session_desc *given, hd_session **out_session) {
  if (model == NULL || given == NULL || out_session == NULL) return HD_E_INVALID;
  hd_session_desc desc = with_defaults(model, given);
  uint64_t bytes = hd_session_bytes(model, &desc);
  if (bytes == 0 || bytes > SIZE_MAX) return HD_E_INVALID;
  const hd_host *host = &model->sched->host;
  hd_session *session = hd_host_zalloc(host, 1, sizeof *session, alignof(hd_session));
  if (session == NULL) return HD_E_NO_MEMORY;
  session->model = model;
  session->max_context = desc.max_context;
  session->max_tokens = desc.max_tokens;
  session->max_outputs = desc.max_outputs;
  session->memory_bytes = (size_t)bytes;
  /* Not zeroed: every row is written before it is read, and untouched pages cost nothing. */
  session->memory = host->alloc(host->ctx, session->memory_bytes, HD_BUFFER_ALIGN);
  session->values = hd_host_zalloc(host, model->value_count, sizeof *session->values, alignof(void *));
  if (session->memory == NULL || session->values == NULL) {
    hd_session_destroy(session);
    return HD_E_NO_MEMORY;
  }
  address_values(session);
  *out_session = session;
  return HD_OK;
}

void hd_session_destroy(hd_session *session) {
  if (session == NULL) return;
  hd_model *model = session->model;
  const hd_host *host = &model->sched->host;
  hd_host_free(host, session->memory, 1, session->memory_bytes);
  hd_host_free(host, session->values, model->value_count, sizeof *session->values);
  hd_host_free(host, session, 1, sizeof *session);
}

uint32_t hd_session_length(const hd_session *session) {
  return session->length;
}

uint32_t hd_session_capacity(const hd_session *session) {
  return session->max_context;
}

hd_status hd_session_truncate(hd_session *session, uint32_t length) {
  if (session == NULL || length > session->length) return HD_E_INVALID;
  session->length = length;
  return HD_OK;
}
