/* SPDX-License-Identifier: Apache-2.0 */
/* The requests of one `heddle run`: submitted together, followed while they run, kept for the report.
 *
 * Workers only append what was generated and ring the bell; the command's own thread writes it out, so that a
 * slow reader of stdout never holds up a worker. */
#ifndef HEDDLE_TOOLS_RUN_REQUESTS_H
#define HEDDLE_TOOLS_RUN_REQUESTS_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include "engine/engine.h"
#include "exit_code.h"
#include "input.h"

typedef struct hdt_request {
  struct hdt_requests *set;
  const hdt_prompt *prompt;
  const he_tokens *tokens; /* of the prompt */
  uint64_t seed;
  he_job *job; /* NULL: not submitted */
  atomic_uint prefilled;
  /* under the set's lock until `over` */
  char *text;
  size_t text_bytes, text_capacity;
  int32_t *ids;
  size_t id_count, id_capacity;
  bool over, out_of_memory;
  /* after it is over */
  he_job_result result;
} hdt_request;

/* How the generated text is shown while it comes. */
typedef enum hdt_show { HDT_SHOW_NOTHING, HDT_SHOW_TEXT, HDT_SHOW_IDS } hdt_show;

typedef struct hdt_requests {
  hdt_request *items;
  uint32_t count;
  he_job_desc desc; /* what all have in common */
  hdt_show show;
  bool echo_prompt; /* before the text, for people */
  bool quiet;       /* no progress bar */
  pthread_mutex_t lock;
  uint64_t wall_ns; /* from the first submit until the last one was over */
} hdt_requests;

/* `copies` requests of each of `prompt_count` prompts, those of one prompt side by side; request i gets seed
 * + i. False: no memory. */
bool hdt_requests_init(hdt_requests *set, const hdt_prompt *prompts, const he_tokens *tokens,
                       uint32_t prompt_count, uint32_t copies, const he_job_desc *common);
/* Releases what is left. Takes a zeroed set too. */
void hdt_requests_finish(hdt_requests *set);

/* Submits all and follows them to the end; the text goes to stdout in the order of the requests. SIGINT, a
 * reader that leaves and a refused request end them all. Says one line about each that failed. Returns DONE,
 * FAILED, TRY_AGAIN (nothing was printed) or INTERRUPTED. */
hdt_exit hdt_requests_run(hdt_requests *set, he_instance *instance, const hd_host *host, const char *command);

#endif
