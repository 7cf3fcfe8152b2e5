/* SPDX-License-Identifier: Apache-2.0 */
/* A model on a scheduler, as the jobs see it. */
#ifndef ENGINE_INSTANCE_H
#define ENGINE_INSTANCE_H

#include "model.h"

struct he_instance {
  hd_host host;
  he_model *model;
  hd_sched *sched;
  hd_model *placed;
};

#endif
