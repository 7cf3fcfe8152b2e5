/* SPDX-License-Identifier: Apache-2.0 */
/* The one door of the cpu backend, for backends/builtin.c. */
#ifndef HEDDLE_BACKENDS_CPU_BACKEND_H
#define HEDDLE_BACKENDS_CPU_BACKEND_H

#include "heddle/implement/backend.h"

/* Ownership: static. */
extern const hd_backend_ops hdb_backend_cpu;

#endif
