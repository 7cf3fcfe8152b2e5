/* SPDX-License-Identifier: Apache-2.0 */
/* An engine that is refused memory, at each allocation between a file and the words that it makes. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>

#include "check_host.h"
#include "engine/engine.h"
#include "heddle/implement/backend.h"
#include "heddle/implement/policy.h"
#include "tiny_model.h"

typedef struct file_bytes {
  uint8_t *bytes;
  size_t size;
} file_bytes;

static hd_status serve_one(he_model *model, hd_sched *sched) {
  he_instance *instance = NULL;
  hd_error error = {""};
  hd_status status = he_instance_create(model, sched, NULL, &instance, &error);
  static const int32_t PROMPT[] = {1, 262, 263, 264};
  he_job_desc desc;
  he_job_desc_default(&desc);
  desc.tokens = PROMPT;
  desc.n_tokens = sizeof PROMPT / sizeof PROMPT[0];
  desc.n_predict = 2;
  desc.ignore_end = true;
  he_job *job = NULL;
  if (status == HD_OK) status = he_job_submit(instance, &desc, &job, NULL, &error);
  assert_int_equal(error.text[0] == '\0', status == HD_OK);
  if (status == HD_OK) status = he_job_wait(job, NULL);
  he_job_release(job);
  he_instance_destroy(instance);
  return status;
}

static hd_status open_and_serve(const hd_host *host, void *arg) {
  const file_bytes *file = arg;
  hd_sched_config config;
  hd_sched_config_default(&config);
  config.runtime.worker_count = 1;
  config.backends = hd_backends_builtin();
  config.policies = hd_policies_builtin();
  config.devices = "cpu";
  he_model *model = NULL;
  hd_sched *sched = NULL;
  hd_status status = he_model_open_memory(host, file->bytes, file->size, "x", NULL, &model, NULL);
  if (status == HD_OK) status = hd_sched_create(host, &config, &sched, NULL);
  if (status == HD_OK) status = serve_one(model, sched);
  hd_sched_destroy(sched);
  he_model_close(model);
  return status;
}

static void each_refused_allocation_is_reported(void **state) {
  (void)state;
  tiny_model tiny;
  tiny_init(&tiny, "llama");
  file_bytes file;
  file.bytes = tiny_write(&tiny, &file.size);
  assert_true(check_every_allocation(open_and_serve, &file) >= 30);
  free(file.bytes);
  tiny_finish(&tiny);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(each_refused_allocation_is_reported)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
