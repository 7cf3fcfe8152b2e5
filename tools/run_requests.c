/* SPDX-License-Identifier: Apache-2.0 */
/* The requests of one `heddle run`: submitted together, followed while they run, kept for the report. */
#include "run_requests.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include "bell.h"
#include "console.h"
#include "names.h"
#include "progress.h"
#include "units.h"

enum { PROGRESS_MS = 50 /* twenty bars a second look smooth */ };

bool hdt_requests_init(hdt_requests *set, const hdt_prompt *prompts, const he_tokens *tokens,
                       uint32_t prompt_count, uint32_t copies, const he_job_desc *common) {
  set->items = calloc((size_t)prompt_count * copies, sizeof(*set->items));
  if (set->items == NULL) return false;
  set->count = prompt_count * copies;
  set->desc = *common;
  pthread_mutex_init(&set->lock, NULL);
  for (uint32_t i = 0; i < set->count; i++) {
    set->items[i].set = set;
    set->items[i].prompt = &prompts[i / copies];
    set->items[i].tokens = &tokens[i / copies];
    set->items[i].seed = common->sampling.seed + i;
  }
  return true;
}

void hdt_requests_finish(hdt_requests *set) {
  if (set->items == NULL) return;
  for (uint32_t i = 0; i < set->count; i++) {
    he_job_release(set->items[i].job);
    free(set->items[i].text);
    free(set->items[i].ids);
  }
  free(set->items);
  pthread_mutex_destroy(&set->lock);
  set->items = NULL;
}

/* ---- on the workers ---- */

/* Room for `more` further elements of `size` bytes. */
static bool reserve(void **memory, size_t *capacity, size_t count, size_t more, size_t size) {
  if (*capacity - count >= more) return true;
  size_t wanted = *capacity * 2 + more + 64;
  void *larger = realloc(*memory, wanted * size);
  if (larger == NULL) return false;
  *memory = larger;
  *capacity = wanted;
  return true;
}

static bool append(hdt_request *request, int32_t id, const char *text, size_t bytes) {
  void *memory = request->ids;
  if (!reserve(&memory, &request->id_capacity, request->id_count, 1, sizeof(*request->ids))) return false;
  request->ids = memory;
  memory = request->text;
  if (!reserve(&memory, &request->text_capacity, request->text_bytes, bytes, 1)) return false;
  request->text = memory;
  if (id >= 0) request->ids[request->id_count++] = id; /* -1: the end of a character that never came */
  memcpy(request->text + request->text_bytes, text, bytes);
  request->text_bytes += bytes;
  return true;
}

static bool on_token(void *arg, int32_t id, const char *text, size_t bytes) {
  hdt_request *request = arg;
  pthread_mutex_lock(&request->set->lock);
  bool fits = append(request, id, text, bytes);
  request->out_of_memory |= !fits;
  pthread_mutex_unlock(&request->set->lock);
  hdt_bell_ring();
  return fits;
}

static void on_prefill(void *arg, uint32_t done_tokens, uint32_t total_tokens) {
  hdt_request *request = arg;
  (void)total_tokens;
  atomic_store(&request->prefilled, done_tokens);
}

static void on_done(void *arg, hd_status status) {
  hdt_request *request = arg;
  (void)status; /* he_job_wait has it */
  pthread_mutex_lock(&request->set->lock);
  request->over = true;
  pthread_mutex_unlock(&request->set->lock);
  hdt_bell_ring();
}

/* ---- on the command's thread ---- */

static hdt_exit refused(const hd_refusal_info *why, hd_status status, const char *name, const char *command) {
  const char *reason = hdt_refusal_reason(why->reason);
  if (status == HD_E_REFUSED) return hdt_fail(HDT_FAILED, command, "%s: refused for good: %s", name, reason);
  if (why->retry_after_ns == 0)
    return hdt_fail(HDT_TRY_AGAIN, command, "%s: refused for now: %s", name, reason);
  return hdt_fail(HDT_TRY_AGAIN, command, "%s: refused for now: %s; try again in %s", name, reason,
                  hdt_duration(why->retry_after_ns).text);
}

static hdt_exit submit(hdt_requests *set, uint32_t index, he_instance *instance, const char *command) {
  hdt_request *request = &set->items[index];
  hd_error error = {{0}};
  hd_refusal_info why = {0};
  he_job_desc desc = set->desc;
  char name[32];
  snprintf(name, sizeof(name), "run-%" PRIu32, index + 1);
  desc.name = name;
  desc.tokens = request->tokens->ids;
  desc.n_tokens = request->tokens->count;
  desc.sampling.seed = request->seed;
  desc.on_prefill = on_prefill;
  desc.on_token = on_token;
  desc.done = on_done;
  desc.arg = request;
  hd_status status = he_job_submit(instance, &desc, &request->job, &why, &error);
  if (status == HD_OK) return HDT_DONE;
  request->job = NULL;
  if (status == HD_E_AGAIN || status == HD_E_REFUSED) return refused(&why, status, name, command);
  return hdt_fail(hdt_exit_of(status), command, "%s: %s", request->prompt->name,
                  error.text[0] ? error.text : hd_status_text(status));
}

static void cancel_all(hdt_requests *set) {
  for (uint32_t i = 0; i < set->count; i++) {
    if (set->items[i].job != NULL) he_job_cancel(set->items[i].job);
  }
}

static uint32_t count_over(hdt_requests *set) {
  uint32_t over = 0;
  pthread_mutex_lock(&set->lock);
  for (uint32_t i = 0; i < set->count; i++)
    over += set->items[i].over || set->items[i].job == NULL;
  pthread_mutex_unlock(&set->lock);
  return over;
}

/* How far the prefill of all has come; false once the first token of any is there. */
static bool show_prefill(hdt_requests *set, hdt_progress *progress) {
  uint64_t done = 0, total = 0;
  bool first_token = false;
  char detail[64];
  pthread_mutex_lock(&set->lock);
  for (uint32_t i = 0; i < set->count; i++)
    first_token |= set->items[i].id_count > 0 || set->items[i].over;
  pthread_mutex_unlock(&set->lock);
  if (first_token) return false;
  for (uint32_t i = 0; i < set->count; i++) {
    done += atomic_load(&set->items[i].prefilled);
    total += set->items[i].tokens->count;
  }
  snprintf(detail, sizeof(detail), "%" PRIu64 " of %" PRIu64 " tokens", done, total);
  hdt_progress_show(progress, done, total, detail);
  return true;
}

/* What of the requests' text is on stdout: those before `index` wholly, `written` bytes of that one. */
typedef struct stream {
  uint32_t index;
  size_t written;
  bool begun;
} stream;

static void begin_text(const hdt_requests *set, const stream *out) {
  const hdt_request *request = &set->items[out->index];
  if (set->count > 1) {
    printf("%s%s[%" PRIu32 "/%" PRIu32 "]%s\n", out->index > 0 ? "\n" : "", hdt_style_on(stdout, HDT_DIM),
           out->index + 1, set->count, hdt_style_off(stdout, HDT_DIM));
  }
  if (set->echo_prompt && request->prompt->typed) {
    printf("%s%s%s", hdt_style_on(stdout, HDT_BOLD), request->prompt->text, hdt_style_off(stdout, HDT_BOLD));
  }
}

/* Writes what is there of the request that is on; true when it is over and all of it is written. */
static bool write_some(hdt_requests *set, stream *out) {
  hdt_request *request = &set->items[out->index];
  char chunk[4096]; /* copied, so that the lock is not held while stdout blocks */
  bool over, last;
  do {
    pthread_mutex_lock(&set->lock);
    size_t left = request->text_bytes - out->written;
    size_t now = left < sizeof(chunk) ? left : sizeof(chunk);
    if (now > 0) memcpy(chunk, request->text + out->written, now);
    over = request->over || request->job == NULL;
    last = now == left;
    pthread_mutex_unlock(&set->lock);
    if (!out->begun && (now > 0 || over)) {
      begin_text(set, out);
      out->begun = true;
    }
    if (hdt_is_terminal(stdout)) hdt_tame(chunk, now, true);
    if (now > 0 && !hdt_out_write(chunk, now)) return false;
    out->written += now;
  } while (!last);
  return over;
}

static void stream_text(hdt_requests *set, stream *out) {
  while (out->index < set->count && hdt_out_ok() && write_some(set, out)) {
    const hdt_request *request = &set->items[out->index];
    bool ends_line = request->text_bytes > 0 && request->text[request->text_bytes - 1] == '\n';
    if (!ends_line) hdt_out_write("\n", 1);
    *out = (stream){.index = out->index + 1};
  }
}

static void print_ids(const hdt_requests *set) {
  for (uint32_t i = 0; i < set->count; i++) {
    const hdt_request *request = &set->items[i];
    for (size_t t = 0; t < request->id_count; t++)
      printf("%s%" PRId32, t > 0 ? " " : "", request->ids[t]);
    hdt_out_write("\n", 1);
  }
}

/* Until all are over. Returns true when the user or the reader ended them. */
static bool follow(hdt_requests *set) {
  hdt_progress progress;
  stream out = {0};
  bool prefilling = true, ended = false;
  hdt_progress_begin(&progress, "prefill", set->quiet);
  for (bool over = false; !over;) {
    hdt_bell_wait(prefilling && progress.wanted ? PROGRESS_MS : -1);
    over = count_over(set) == set->count; /* before the text is written: what comes later rings again */
    if (!ended && (hdt_interrupted() != HDT_DONE || !hdt_out_ok())) {
      cancel_all(set);
      ended = true;
    }
    if (prefilling && !show_prefill(set, &progress)) {
      hdt_progress_end(&progress);
      prefilling = false;
    }
    if (!prefilling && set->show == HDT_SHOW_TEXT) stream_text(set, &out);
  }
  hdt_progress_end(&progress);
  return ended;
}

/* Collects results; one line about each that failed of itself. */
static hdt_exit collect(hdt_requests *set, bool ended, const char *command) {
  hdt_exit code = HDT_DONE;
  for (uint32_t i = 0; i < set->count; i++) {
    hdt_request *request = &set->items[i];
    hd_status status = he_job_wait(request->job, &request->result);
    if (status == HD_OK && !request->out_of_memory) continue;
    if (status == HD_E_CANCELLED && ended) continue;
    const char *why = request->out_of_memory ? "no memory for the text" : he_job_error(request->job);
    code = hdt_fail(HDT_FAILED, command, "request %" PRIu32 ": %s", i + 1,
                    why[0] ? why : hd_status_text(status));
  }
  return code;
}

hdt_exit hdt_requests_run(hdt_requests *set, he_instance *instance, const hd_host *host,
                          const char *command) {
  hdt_exit code = HDT_DONE;
  if (!hdt_bell_open()) return hdt_fail(HDT_FAILED, command, "no file descriptor is left");
  uint64_t begin = host->now_ns(host->ctx);
  for (uint32_t i = 0; i < set->count && code == HDT_DONE; i++)
    code = submit(set, i, instance, command);
  if (code == HDT_DONE) {
    bool ended = follow(set);
    code = collect(set, ended, command);
    set->wall_ns = host->now_ns(host->ctx) - begin;
    if (set->show == HDT_SHOW_IDS && hdt_out_ok()) print_ids(set);
    if (code == HDT_DONE) code = hdt_interrupted();
  } else {
    cancel_all(set);
  }
  for (uint32_t i = 0; i < set->count; i++) { /* nobody rings the bell after this */
    if (set->items[i].job != NULL) he_job_wait(set->items[i].job, NULL);
  }
  hdt_bell_close();
  return code;
}
