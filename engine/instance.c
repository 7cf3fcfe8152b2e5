/* SPDX-License-Identifier: Apache-2.0 */
/* Knows how a model comes onto a scheduler. */
#include "instance.h"

hd_status he_instance_create(he_model *model, hd_sched *sched, const char *split, he_instance **out_instance,
                             hd_error *out_error) {
  he_instance *instance = hd_host_zalloc(&model->host, 1, sizeof *instance, _Alignof(he_instance));
  if (instance == NULL)
    return hd_fail(out_error, HD_E_NO_MEMORY, "%s: no memory to place the model", model->label);
  instance->host = model->host;
  instance->model = model;
  instance->sched = sched;
  hd_model_desc desc = {sizeof desc, model->network.graph, model->network.weights, split};
  hd_status status = hd_model_create(sched, &desc, &instance->placed, out_error);
  if (status != HD_OK) {
    he_instance_destroy(instance);
    return status;
  }
  *out_instance = instance;
  return HD_OK;
}

void he_instance_destroy(he_instance *instance) {
  if (instance == NULL) return;
  hd_model_destroy(instance->placed);
  hd_host host = instance->host;
  hd_host_free(&host, instance, 1, sizeof *instance);
}

he_model *he_instance_model(const he_instance *instance) {
  return instance->model;
}

hd_model *he_instance_placed(const he_instance *instance) {
  return instance->placed;
}
