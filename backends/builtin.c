/* SPDX-License-Identifier: Apache-2.0 */
/* The backends of this build: one line each, chosen when it is configured (HEDDLE_BACKEND_...). */
#include <stddef.h>
#include "heddle/implement/backend.h"

extern const hd_backend_ops hdb_backend_cpu, hdb_backend_sim, hdb_backend_null;

static const hd_backend_ops *const builtin[] = {
#ifdef HEDDLE_BACKEND_CPU
    &hdb_backend_cpu,
#endif
#ifdef HEDDLE_BACKEND_SIM
    &hdb_backend_sim,
#endif
#ifdef HEDDLE_BACKEND_NULL
    &hdb_backend_null,
#endif
    NULL,
};

const hd_backend_ops *const *hd_backends_builtin(void) {
  return builtin;
}
