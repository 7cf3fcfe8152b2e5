/* SPDX-License-Identifier: Apache-2.0 */
/* A job: what its request's coroutine works with. Made and taken apart in job.c, lived in generate.c. */
#ifndef ENGINE_JOB_H
#define ENGINE_JOB_H

#include "instance.h"
#include "sample.h"

struct he_job {
  hd_host host;
  he_instance *instance;
  he_job_desc desc; /* tokens: the job's copy */
  int32_t *tokens;
  hd_session *session;
  bool owns_session;
  float *logits; /* logit_rows x n_vocab */
  uint32_t logit_rows;
  hei_sampler sampler;
  he_decoder *decoder;
  hd_request *request; /* the submitter's */
  hd_request *running; /* the same, the coroutine's: it may run before hd_request_submit has returned */
  uint64_t submit_ns;
  he_job_result result; /* written by the coroutine, read when it is over */
  hd_error error;
};

/* The request itself (generate.c). Errors: as hd_request_run; DEVICE (logits that are no numbers). */
hd_status hei_job_run(hd_request *request, void *job);

#endif
