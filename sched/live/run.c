/* SPDX-License-Identifier: Apache-2.0 */
/* One run of a graph for a request: part after part of its split, each a step. The coroutine sleeps once for
 * all. */
#include "live.h"

static void set_status(hdl_run *run, hd_status status) {
  run->status = status;
  hd_event_set(&run->over); /* last: the coroutine may use the run again at once */
}

/* The part of the split in force that holds the next op. Splits may be replaced between two parts. */
static const hd_split_part *part_at(const hdl_run *run) {
  const hd_split *split = &run->session->model->splits[run->what->phase];
  for (uint32_t i = 0; i < split->count; i++)
    if (run->op_cursor < split->parts[i].op_end) return &split->parts[i];
  return NULL;
}

static hd_status ask_for_step(hd_sched *sched, hdl_run *run) {
  const hd_split_part *part = part_at(run);
  if (part == NULL) return HD_E_INTERNAL;
  uint32_t id = hdl_step_take(sched, run, NULL);
  if (id == HD_ID_NONE) return HD_E_LIMIT;
  run->step = id;
  run->op_end = part->op_end;
  hd_step_fields fields = {.op_begin = (uint16_t)run->op_cursor,
                           .op_end = (uint16_t)part->op_end,
                           .graph = (uint16_t)run->session->model->graph_id,
                           .phase = (uint8_t)run->what->phase,
                           .n_tokens = run->what->n_tokens,
                           .kv_pos = run->kv_pos,
                           .n_outputs =
                               (uint16_t)(run->what->n_outputs > 0xffffu ? 0xffffu : run->what->n_outputs)};
  hd_record event = {.kind = HD_EV_STEP, .device = part->device, .request = run->request->id, .step = id};
  hd_record_pack_step(&event, &fields);
  if (sched->acting) {
    hdl_feed_later(sched, &event);
    return HD_OK;
  }
  hd_status status = hdl_feed(sched, &event);
  if (status != HD_OK) hdl_slots_give(&sched->steps, id);
  return status;
}

void hdl_run_next(hdl_run *run, hd_sched *sched) {
  hd_status status = atomic_load(&run->request->cancelled) ? HD_E_CANCELLED : ask_for_step(sched, run);
  if (status != HD_OK) set_status(run, status);
}

void hdl_run_complete(hd_sched *sched, hdl_run *run, hd_status status) {
  uint32_t op_count = 0;
  (void)hd_graph_ops(run->session->model->graph, &op_count);
  run->step = HD_ID_NONE;
  run->request->stats.steps++;
  if (status != HD_OK || run->op_end == op_count) {
    set_status(run, status);
    return;
  }
  run->op_cursor = run->op_end;
  hdl_run_next(run, sched);
}

static void take_run(hd_sched *sched, hdl_note *note) {
  hdl_run *run = (hdl_run *)((char *)note - offsetof(hdl_run, note));
  hdl_run_next(run, sched);
}

static hd_status check_run(const hd_session *session, const hd_run *what) {
  if (what->n_tokens == 0 || what->tokens == NULL || what->n_tokens > session->max_tokens)
    return HD_E_INVALID;
  if (what->n_outputs > what->n_tokens || what->n_outputs > session->max_outputs) return HD_E_INVALID;
  if (what->n_outputs > 0 && what->logits == NULL) return HD_E_INVALID;
  if ((unsigned)what->phase >= HD_PHASE_COUNT) return HD_E_INVALID;
  if (what->n_tokens > session->max_context - session->length) return HD_E_LIMIT;
  uint32_t n_vocab = hd_graph_describe(session->model->graph)->n_vocab;
  for (uint32_t i = 0; i < what->n_tokens; i++)
    if (what->tokens[i] < 0 || (uint32_t)what->tokens[i] >= n_vocab) return HD_E_INVALID;
  return HD_OK;
}

static void bind_run_values(hd_session *session, const hd_run *what) {
  uint32_t count = 0;
  const hd_value_desc *values = hd_graph_values(session->model->graph, &count);
  for (uint32_t v = 0; v < count; v++) {
    if (values[v].kind == HD_VALUE_TOKENS)
      session->values[v] = (void *)(uintptr_t)what->tokens; /* read only */
    if (values[v].kind == HD_VALUE_LOGITS) session->values[v] = what->logits;
  }
}

/* A cancelled run is still waited for, and soon over: its step is left at the next op, and the memory that
 * the step writes is the session's. */
static hd_status await_over(hdl_run *run) {
  bool before = hd_coro_shield(true);
  hd_status status = hd_await_event(&run->over);
  (void)hd_coro_shield(before);
  return status;
}

/* The runtime goes away while a step is out: its memory is the session's, so the step has to come home first.
 */
static void see_it_out(hdl_run *run) {
  hd_request_cancel(run->request);
  while (!hd_event_is_set(&run->over)) {
    (void)hdl_turn_try(run->request->sched);
    hd_coro_yield();
  }
}

hd_status hd_request_run(hd_request *request, hd_session *session, const hd_run *what) {
  if (request == NULL || session == NULL || what == NULL) return HD_E_INVALID;
  hd_status status = check_run(session, what);
  if (status != HD_OK) return status;
  if (atomic_load(&request->cancelled)) return HD_E_CANCELLED;
  if (atomic_exchange(&session->busy, true)) return HD_E_INVALID;
  hdl_run *run = &request->run;
  bind_run_values(session, what);
  run->note.take = take_run;
  hd_event_init(&run->over);
  run->request = request;
  run->session = session;
  run->what = what;
  run->kv_pos = session->length;
  run->op_cursor = 0;
  run->status = HD_OK;
  hdl_note_push(request->sched, &run->note); /* taken when this coroutine has let go of its worker */
  status = await_over(run);
  if (status == HD_OK)
    status = run->status;
  else
    see_it_out(run);
  if (status == HD_OK) session->length += what->n_tokens;
  atomic_store(&session->busy, false);
  return status;
}
